from dataclasses import dataclass, field

from ordersys.messaging.notified_relay import QUIET_SECONDS, NotifiedRelay
from tests.fakes.making import order_id


@dataclass(slots=True, kw_only=True)
class House:
    """A doorbell whose relay sends so many rows in its next passes, then none, and a clock that is set by hand."""

    sends: list[int] = field(default_factory=list)
    now: float = 100.0
    bell: NotifiedRelay = field(init=False)

    def __post_init__(self) -> None:
        self.bell = NotifiedRelay(relay=self._pass, ticker=lambda: self.now, idle=0.25, disconnected_idle=0.05)

    async def _pass(self) -> int:
        return self.sends.pop(0) if self.sends else 0

    async def quiet(self, seconds: float) -> None:
        """A pass now, and one so much later."""
        await self.bell.run_once()
        self.now += seconds
        await self.bell.run_once()


async def test_it_answers_what_the_relay_sent() -> None:
    house = House(sends=[3])

    assert [await house.bell.run_once() for _ in range(2)] == [3, 0]


async def test_it_listens_when_nothing_was_found_for_a_while() -> None:
    house = House()

    await house.quiet(QUIET_SECONDS)

    assert house.bell.watching
    assert house.bell.begun.is_set()


async def test_just_after_work_it_does_not_listen() -> None:
    house = House(sends=[1])

    await house.quiet(QUIET_SECONDS - 0.01)

    assert not house.bell.watching
    assert not house.bell.begun.is_set()


async def test_work_ends_the_listening() -> None:
    house = House()
    await house.quiet(QUIET_SECONDS)

    house.sends = [1]
    await house.bell.run_once()

    assert not house.bell.watching


async def test_the_relay_rests_longer_while_somebody_can_ring() -> None:
    bell = House().bell
    pauses = [bell.pause()]

    for disconnected in (False, True):
        bell.disconnected(disconnected)
        pauses.append(bell.pause())

    assert pauses == [0.05, 0.25, 0.05]


async def test_who_rings_wakes_the_relay() -> None:
    bell = House().bell

    bell.changed([order_id(1)])

    assert bell.wake.is_set()


async def test_what_came_before_it_could_hear_is_looked_for_at_once() -> None:
    bell = House().bell

    bell.disconnected(False)
    assert bell.wake.is_set()

    bell.wake.clear()
    bell.disconnected(False)
    assert not bell.wake.is_set()
