"""Imports every table, so that one import gives the whole metadata."""

from models.tables.accounts import AccountLink, ApiKey, RecoveryCode, TokenFamily, User
from models.tables.admin_log import AdminLogEntry
from models.tables.background import BackgroundTask
from models.tables.base import Base
from models.tables.catalogue import Adjustment, LostTickets, Product, Sale
from models.tables.journal import JournalEntry
from models.tables.ledger_identity import LedgerIdentity
from models.tables.mails import Mail
from models.tables.notices.follows import SaleFollow
from models.tables.notices.pushes import PushMessage, PushSubscription
from models.tables.notices.verdicts import VerdictNotice
from models.tables.orders import Intent, Order, OrderEvent
from models.tables.payments import Payment, Receipt, ReceiptCounter, Refund, WebhookEvent
from models.tables.privacy import Consent, Export
from models.tables.reports import SaleReport
from models.tables.sandbox import SandboxCharge, SandboxEvent
from models.tables.tallies import Tally

metadata = Base.metadata

__all__ = [
    "AccountLink",
    "Adjustment",
    "AdminLogEntry",
    "ApiKey",
    "BackgroundTask",
    "Consent",
    "Export",
    "Intent",
    "JournalEntry",
    "LedgerIdentity",
    "LostTickets",
    "Mail",
    "Order",
    "OrderEvent",
    "Payment",
    "Product",
    "PushMessage",
    "PushSubscription",
    "Receipt",
    "ReceiptCounter",
    "RecoveryCode",
    "Refund",
    "Sale",
    "SaleFollow",
    "SaleReport",
    "SandboxCharge",
    "SandboxEvent",
    "Tally",
    "TokenFamily",
    "User",
    "VerdictNotice",
    "WebhookEvent",
    "metadata",
]
