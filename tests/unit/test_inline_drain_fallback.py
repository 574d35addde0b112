"""The timer's bell: it rings while there is hope, and drains by itself when nobody answers."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from tests.support.contexts import RememberingBell
from workers.timer import FORGET_S, PATIENCE_S, InlineFallback

SALE = uuid4()


@dataclass
class Scene:
    """A bell with a clock that tests move."""

    now: float = 100.0
    drained: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heard = RememberingBell()
        self.bell = InlineFallback(self.heard, self.drained.append, clock=lambda: self.now)

    def ring_for(self, seconds: float, every: float = 0.25) -> None:
        until = self.now + seconds
        while self.now < until:
            self.bell.ring(SALE)
            self.now += every


def test_a_sale_that_is_answered_soon_is_not_drained_by_the_timer() -> None:
    scene = Scene()
    scene.ring_for(PATIENCE_S - 0.5)
    assert scene.drained == []
    assert scene.heard.rung


def test_a_sale_that_is_rung_for_in_vain_is_drained() -> None:
    scene = Scene()
    scene.ring_for(PATIENCE_S + 0.5)
    assert scene.drained == [SALE]


def test_a_sale_whose_bell_the_broker_does_not_take_is_drained_at_once() -> None:
    scene = Scene()
    scene.heard.takes = False
    assert scene.bell.ring(SALE)
    assert scene.drained == [SALE]


def test_an_answer_in_between_restores_patience() -> None:
    scene = Scene()
    scene.ring_for(PATIENCE_S - 0.5)
    scene.now += FORGET_S + 0.1
    scene.ring_for(PATIENCE_S - 0.5)
    assert scene.drained == []


def test_everything_else_is_rung_for_as_ever() -> None:
    scene = Scene()
    task = uuid4()
    assert scene.bell.ring_for_task(task)
    assert scene.bell.ring_for_payments()
    assert scene.heard.others == [("run_background_task", str(task)), ("run_payments", None)]
