"""The report of a sale: what is asked of the ledger for it, and what it says."""

from models.report.content import make_content
from models.report.fingerprint import SourceFingerprint, read_fingerprint

__all__ = ["SourceFingerprint", "make_content", "read_fingerprint"]
