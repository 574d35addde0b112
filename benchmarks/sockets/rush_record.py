"""What each rusher of a process sent and was told, and when. Judges nothing."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.verify.testimony import FINAL

REQUEST: Final = (
    "rush"  # the id of each rusher's one request, by which its answer is told from what is pushed
)


@dataclass(slots=True)
class Testimony:
    """What the rushers of one process testify: a place in each list for each of them. Times are monotonic.

    `answers`, `standbys`, `finals` and `orders` count how often each was told; `came_back` how often the
    socket came back since it submitted, for who comes back is told again what is his.
    """

    sent_ns: "array[int]"
    answered_ns: "array[int]"
    decided_ns: "array[int]"  # the first of standby and the final verdict
    final_ns: "array[int]"
    lost_ns: "array[int]"  # the first loss of the socket since it submitted
    back_ns: "array[int]"  # when it was open again after its last loss
    tickets: "array[int]"
    answers: "array[int]"
    standbys: "array[int]"
    finals: "array[int]"
    orders: "array[int]"
    came_back: "array[int]"
    intent_ids: list[str]
    order_ids: list[str]
    verdicts: list[str]
    refusals: Counter[str] = field(default_factory=Counter)
    contradictions: list[str] = field(default_factory=list)
    resent: int = 0

    @classmethod
    def of(cls, rushers: int) -> "Testimony":
        """Nothing sent and nothing told."""

        def column() -> "array[int]":
            return array("q", bytes(8 * rushers))

        return cls(
            sent_ns=column(),
            answered_ns=column(),
            decided_ns=column(),
            final_ns=column(),
            lost_ns=column(),
            back_ns=column(),
            tickets=column(),
            answers=column(),
            standbys=column(),
            finals=column(),
            orders=column(),
            came_back=column(),
            intent_ids=[""] * rushers,
            order_ids=[""] * rushers,
            verdicts=[""] * rushers,
        )


class RushRecord:
    """Takes down one rush."""

    def __init__(self, rushers: int) -> None:
        self.told = Testimony.of(rushers)
        self.answered = 0
        self.decided = 0
        self.final = 0

    def __len__(self) -> int:
        return len(self.told.verdicts)

    def is_unanswered(self, index: int) -> bool:
        """Whether a rusher has submitted and does not know yet what came of it."""
        return index < len(self) and bool(self.told.sent_ns[index]) and not self.told.answers[index]

    def take_intent(self, index: int, message: dict[str, Any], at_ns: int) -> None:
        """An `intent` came: the answer to the request, or news."""
        told = self.told
        if index >= len(self) or not told.sent_ns[index]:
            self._contradict(f"socket {index} did not ask, and was told {message}")
            return
        self._identify(index, message)
        is_answer = message.get("reply_to") == REQUEST
        if is_answer:
            self.answered += not told.answers[index]
            told.answers[index] += 1
            told.answered_ns[index] = told.answered_ns[index] or at_ns
        self._take_status(index, message["status"], at_ns, is_news=not is_answer)

    def take_order(self, index: int, order_id: str) -> None:
        """An `order` came."""
        if index < len(self):
            self.told.orders[index] += 1
            self.told.order_ids[index] = order_id

    def go_away(self, index: int, at_ns: int) -> None:
        """The socket is lost."""
        if index < len(self) and self.told.sent_ns[index]:
            self.told.lost_ns[index] = self.told.lost_ns[index] or at_ns

    def come_back(self, index: int, at_ns: int) -> None:
        """The socket is open again after a loss."""
        if index < len(self) and self.told.sent_ns[index]:
            self.told.came_back[index] += 1
            self.told.back_ns[index] = at_ns

    def _identify(self, index: int, message: dict[str, Any]) -> None:
        told = self.told
        if not told.intent_ids[index]:
            told.intent_ids[index], told.tickets[index] = message["id"], message["ticket"]
        elif (told.intent_ids[index], told.tickets[index]) != (message["id"], message["ticket"]):
            self._contradict(
                f"intent {told.intent_ids[index]}, ticket {told.tickets[index]} became {message}"
            )

    def _take_status(self, index: int, status: str, at_ns: int, *, is_news: bool) -> None:
        """Note a standing. An answer may bring a verdict that was just pushed: that is told once."""
        told = self.told
        if status != "standby" and status not in FINAL:
            return
        self.decided += not told.decided_ns[index]
        told.decided_ns[index] = told.decided_ns[index] or at_ns
        if status == "standby":
            told.standbys[index] += is_news
            return
        told.finals[index] += is_news
        if not told.verdicts[index]:
            told.verdicts[index], told.final_ns[index] = status, at_ns
            self.final += 1
        elif told.verdicts[index] != status:
            self._contradict(f"ticket {told.tickets[index]} was {told.verdicts[index]}, then {status}")

    def _contradict(self, text: str) -> None:
        if len(self.told.contradictions) < 1000:
            self.told.contradictions.append(text)
