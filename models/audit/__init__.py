"""The audit of a sale: what is read, what is checked, and the verdict."""

from models.audit.checks import Check
from models.audit.sale import Audit, audit_sale

__all__ = ["Audit", "Check", "audit_sale"]
