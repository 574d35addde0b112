"""The report of a sale: what is asked of the ledger for it, and what it says."""

from models.report.content import make_content
from models.report.mark import Mark, read_mark

__all__ = ["Mark", "make_content", "read_mark"]
