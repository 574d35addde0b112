"""Gathers every table, so that one import gives the whole metadata."""

from models.accounts import TokenFamily, User
from models.background import BackgroundTask
from models.base import Base
from models.catalogue import Adjustment, Product, Sale
from models.orders import Intent, Order, OrderEvent

metadata = Base.metadata

__all__ = [
    "Adjustment",
    "BackgroundTask",
    "Intent",
    "Order",
    "OrderEvent",
    "Product",
    "Sale",
    "TokenFamily",
    "User",
    "metadata",
]
