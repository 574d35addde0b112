"""Table of tallies: how often what happened with money, mails and pushes, for the metrics."""

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base


class Tally(Base):
    """A part of a count, grown in the transaction that it counts; the count is the sum of its parts.

    There are as many parts as transactions ever counted the same at once, so that none waits for another.
    """

    __tablename__ = "tallies"
    __table_args__ = (Index("ix_tallies_name_labels", "name", "labels"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    labels: Mapped[str] = mapped_column(String(128))  # words, separated by commas
    count: Mapped[int] = mapped_column(BigInteger)
    total_ms: Mapped[int] = mapped_column(BigInteger)
