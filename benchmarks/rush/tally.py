"""The running count of a crowd, as its processes report it."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a crowd is. Sums of processes are sums of fields."""

    shoppers: int = 0
    connected: int = 0
    warm: int = 0  # processes whose HTTP connections are open
    submitted: int = 0  # submissions that came to their end
    accepted: int = 0
    final: int = 0
    standby: int = 0
    held_units: int = 0
    holders: int = 0
    pay_done: int = 0  # payments posted and answered, or given up
    pay_accepted: int = 0
    pay_settled: int = 0  # accepted payments whose outcome was heard
    not_offered: int = 0  # payments answered 404 or 405
    over: int = 0  # holders whose order's end was heard
    accounted: int = 0  # holders who read what is kept of their order's money, or gave up
    socket_error: str = ""  # one of the reasons why a socket did not open

    def __add__(self, other: "Tally") -> "Tally":
        """Count two crowds as one."""
        sums = {
            item.name: getattr(self, item.name) + getattr(other, item.name)
            for item in fields(self)
            if item.name != "socket_error"
        }
        return Tally(**sums, socket_error=self.socket_error or other.socket_error)

    @property
    def heard(self) -> int:
        """Shoppers who know where they stand: a final verdict, or standby."""
        return self.final + self.standby
