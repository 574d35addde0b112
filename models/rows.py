"""Gathers every table, so that one import gives the whole metadata."""

from models.accounts import TokenFamily, User
from models.admin_log import AdminLogEntry
from models.background import BackgroundTask
from models.base import Base
from models.catalogue import Adjustment, LostTickets, Product, Sale
from models.identity import LedgerIdentity
from models.mails import Mail
from models.orders import Intent, Order, OrderEvent
from models.payments import Payment, Receipt, ReceiptCounter, Refund, WebhookEvent
from models.reports import SaleReport
from models.sandbox import SandboxCharge, SandboxEvent
from models.tallies import Tally

metadata = Base.metadata

__all__ = [
    "Adjustment",
    "AdminLogEntry",
    "BackgroundTask",
    "Intent",
    "LedgerIdentity",
    "LostTickets",
    "Mail",
    "Order",
    "OrderEvent",
    "Payment",
    "Product",
    "Receipt",
    "ReceiptCounter",
    "Refund",
    "Sale",
    "SaleReport",
    "SandboxCharge",
    "SandboxEvent",
    "Tally",
    "TokenFamily",
    "User",
    "WebhookEvent",
    "metadata",
]
