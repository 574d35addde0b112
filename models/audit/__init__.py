"""The audit of a sale: reads both stores, checks the invariants, and gives a verdict."""

from models.audit.checks import Check
from models.audit.sale import Audit, audit_sale

__all__ = ["Audit", "Check", "audit_sale"]
