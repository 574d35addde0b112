"""The report of a sale: the queries behind it, and what it contains."""

from models.report.content import make_content
from models.report.fingerprint import SourceFingerprint, read_fingerprint

__all__ = ["SourceFingerprint", "make_content", "read_fingerprint"]
