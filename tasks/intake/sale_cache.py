"""Caches per process which sales exist, with their numbers and epochs."""

import threading
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from models.database import Database
from models.enums import SALE_TRANSITIONS, SaleStatus
from models.errors import NoSuchSale
from models.tables.catalogue import Sale
from tasks.runtime.single_flight import Flights

MOST: Final = 10_000  # sales cached; then the cache is emptied


@dataclass(frozen=True, slots=True)
class SaleRef:
    """The fixed identifiers of a sale, and its epoch, which changes only when the sale is rebuilt.

    `is_past`: it is finished and has no live state any more, so all there is to know is in the ledger.
    `requires_verified_email` is a setting, as it was when it was last looked at: see `take_settings`.
    """

    sale_id: UUID
    number: int
    epoch: str
    is_past: bool = False
    requires_verified_email: bool = False


class SaleCache:
    """Caches references to sales; reads those it does not have from the ledger. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_id: dict[UUID, SaleRef] = {}
        self._by_number: dict[int, SaleRef] = {}
        self._lock = threading.Lock()
        self._flights: Flights[SaleRef] = Flights()

    def by_id(self, sale_id: UUID) -> SaleRef:
        """Look a sale up.

        Raises:
            NoSuchSale: there is none.
            LedgerUnavailable: it is not cached and cannot be read.
        """
        return self._by_id.get(sale_id) or self._ask(sale_id, Sale.id == sale_id)

    def known(self, sale_id: UUID) -> SaleRef | None:
        """Return what is cached of a sale, without a query."""
        return self._by_id.get(sale_id)

    def by_number(self, number: int) -> SaleRef:
        """Look a sale up by its number; raises as `by_id` does."""
        known = self._by_number.get(number)
        return known or self._ask(number, Sale.number == number)

    def forget(self, sale_id: UUID) -> None:
        """Drop a sale from the cache: its epoch was not the present one."""
        with self._lock:
            sale_ref = self._by_id.pop(sale_id, None)
            if sale_ref is not None:
                self._by_number.pop(sale_ref.number, None)

    def take_settings(self) -> None:
        """Read which sales ask for a confirmed address, and correct what is cached of others.

        Raises:
            LedgerUnavailable: what is cached stays.
        """
        with self._database.connection() as connection:
            asking = set(connection.scalars(select(Sale.id).where(Sale.requires_verified_email)))
        with self._lock:
            for sale_id, sale_ref in list(self._by_id.items()):
                if sale_ref.requires_verified_email != (sale_id in asking):
                    self._set(replace(sale_ref, requires_verified_email=sale_id in asking))

    def _ask(self, key: Hashable, condition: ColumnElement[bool]) -> SaleRef:
        """Ask the ledger, one caller per sale: when a sale opens, thousands ask at once."""
        return self._flights.join(key, lambda: self._read(condition))

    def _read(self, condition: ColumnElement[bool]) -> SaleRef:
        with self._database.transaction() as session:
            wanted = select(
                Sale.id, Sale.number, Sale.epoch, Sale.status, Sale.requires_verified_email
            ).where(condition)
            row = session.execute(wanted).one_or_none()
        if row is None:
            raise NoSuchSale("No sale has this id.")
        is_past = row.epoch is None and not SALE_TRANSITIONS[SaleStatus(row.status)]
        sale_ref = SaleRef(row.id, row.number, row.epoch or "", is_past, row.requires_verified_email)
        if sale_ref.epoch or sale_ref.is_past:
            self._keep(sale_ref)
        return sale_ref

    def _keep(self, sale_ref: SaleRef) -> None:
        with self._lock:
            if len(self._by_id) >= MOST:
                self._by_id.clear()
                self._by_number.clear()
            self._set(sale_ref)

    def _set(self, sale_ref: SaleRef) -> None:
        self._by_id[sale_ref.sale_id] = sale_ref
        self._by_number[sale_ref.number] = sale_ref
