"""What a storm is made of: how many pay by which method, and who will be late. Pure."""

from dataclasses import dataclass
from typing import Final

WEBHOOKS_A_PAYMENT: Final = 20
SOON_S: Final = 5  # seconds until charges that are pending settle; the shop asks at 3 s and at 9 s
MARGIN_S: Final = 10  # seconds from the end of a hold to the late word; its units go to others meanwhile
STANDBYS_METHOD: Final = "sandbox_ok"

LATE: Final = ("sandbox_slow", "sandbox_late_webhook", "sandbox_slow", "sandbox_slow", "sandbox_slow")
ON_TIME: Final = (
    f"sandbox_slow:{SOON_S}",
    f"sandbox_slow:{SOON_S}",
    f"sandbox_slow:{SOON_S}",
    f"sandbox_slow:{SOON_S}",
    f"sandbox_late_webhook:{SOON_S}",
    "sandbox_timeout_charged",
    "sandbox_timeout_charged",
    "sandbox_disorder",
    "sandbox_disorder",
    "sandbox_duplicate",
    "sandbox_ok",
    "sandbox_ok",
)
DECLINED: Final = (f"sandbox_slow_decline:{SOON_S}", f"sandbox_slow_decline:{SOON_S}", "sandbox_decline")


@dataclass(frozen=True, slots=True)
class Plan:
    """Who comes to the sale, and how each pays who is granted a hold, by ticket."""

    methods: tuple[str, ...]  # of the first in line: as many as there are units
    standbys: int  # come after them, and get units that come back
    late: int
    late_s: int  # after so many seconds the late are charged
    spare: int  # units that come back and that nobody waits for: for as many of the late

    @property
    def units(self) -> int:
        """What is on sale."""
        return len(self.methods)

    @property
    def shoppers(self) -> int:
        """How many come."""
        return self.units + self.standbys

    def method_of(self, ticket: int) -> str:
        """How the shopper with this ticket pays."""
        return self.methods[ticket - 1] if 1 <= ticket <= self.units else STANDBYS_METHOD

    def is_late(self, method: str) -> bool:
        """Say whether a charge by this method is planned to come too late."""
        return method.endswith(f":{self.late_s}")


def plan_storm(webhooks: int, *, hold_s: int, patience_s: int) -> Plan:
    """Plan a storm of so many webhooks.

    Who is late is charged when his hold has long been over. By then there are units for half of the late:
    those who stand by have taken the others. So some of the late are held again, and some are refunded.
    """
    late_s = max(hold_s, patience_s) + MARGIN_S
    cycle = (*(f"{method}:{late_s}" for method in LATE), *ON_TIME, *DECLINED)
    payments = max(webhooks // WEBHOOKS_A_PAYMENT, len(cycle))
    methods = tuple(cycle[at % len(cycle)] for at in range(payments))
    late = sum(method.endswith(f":{late_s}") for method in methods)
    declined = sum(method in DECLINED for method in methods)
    spare = late // 2
    return Plan(methods, standbys=late + declined - spare, late=late, late_s=late_s, spare=spare)
