import pytest

from ordersys.domain.shared.errors import Unavailable
from ordersys.workshop.chaos.faults import POINTS, SeededFaults
from ordersys.workshop.chaos.rates import ChaosControl, ChaosForbidden, FaultPointState, RateInvalid, RateRefresher
from tests.fakes.chaos import FakeRateStore
from tests.fakes.clock import NOON


def seeded(**_: object) -> SeededFaults:
    return SeededFaults(configured={"publish.drop": 0.2}, draw=lambda _: 0.0, count=lambda _: None)


def control(store: FakeRateStore, *, allowed: bool = True) -> ChaosControl:
    return ChaosControl(store=store, faults=seeded(), allowed=allowed)


async def shown(one: ChaosControl, point: str) -> FaultPointState:
    (state,) = [state for state in await one.show() if state.point == point]
    return state


async def test_every_point_is_shown_with_its_configured_rate() -> None:
    states = await control(FakeRateStore()).show()

    assert tuple(state.point for state in states) == POINTS
    assert {state.point: state.effective for state in states if state.effective} == {"publish.drop": 0.2}


async def test_a_change_is_shown_with_who_and_when() -> None:
    one = control(FakeRateStore())

    await one.change({"publish.drop": 0.5}, by="olga")

    assert await shown(one, "publish.drop") == FaultPointState(
        point="publish.drop", configured=0.2, effective=0.5, set_by="olga", set_at=NOON, strikes=0
    )


async def test_none_brings_the_configured_rate_back() -> None:
    one = control(FakeRateStore())

    await one.change({"publish.drop": 0.0}, by="olga")
    assert (await shown(one, "publish.drop")).effective == 0.0
    await one.change({"publish.drop": None}, by="olga")

    assert (await shown(one, "publish.drop")).effective == 0.2


async def test_the_strikes_of_this_process_are_shown() -> None:
    one = control(FakeRateStore())
    one.faults.strikes("publish.drop")

    assert (await shown(one, "publish.drop")).strikes == 1


@pytest.mark.parametrize("rates", [{"publish.dorp": 0.5}, {"publish.drop": 1.1}, {"publish.drop": -0.1}])
async def test_nonsense_is_refused_and_nothing_of_it_is_written(rates: dict[str, float | None]) -> None:
    store = FakeRateStore()

    with pytest.raises(RateInvalid):
        await control(store).change({"consume.fail": 0.1, **rates}, by="olga")

    assert store.entries == {}


async def test_not_a_number_is_refused() -> None:
    with pytest.raises(RateInvalid):
        await control(FakeRateStore()).change({"publish.drop": float("nan")}, by="olga")


async def test_in_production_nothing_can_be_set_and_what_stands_there_is_ignored() -> None:
    store = FakeRateStore()
    await control(store).change({"publish.drop": 1.0}, by="olga")
    production = control(store, allowed=False)

    with pytest.raises(ChaosForbidden):
        await production.change({"publish.drop": 0.5}, by="olga")

    assert (await shown(production, "publish.drop")).set_by is None


async def test_the_watch_brings_the_rates_in_and_tells_them() -> None:
    store, faults, told = FakeRateStore(), seeded(), dict[str, float]()
    watch = RateRefresher(store=store, faults=faults, tell=told.__setitem__)

    await store.write({"consume.fail": 0.3}, by="olga")
    await watch.run_once()

    assert {point: rate for point, rate in told.items() if rate} == {"publish.drop": 0.2, "consume.fail": 0.3}
    assert faults.rate("consume.fail") == 0.3


async def test_while_the_book_is_away_the_last_known_rates_hold() -> None:
    store, faults = FakeRateStore(), seeded()
    watch = RateRefresher(store=store, faults=faults, tell=lambda point, rate: None)
    await store.write({"publish.drop": 0.0}, by="olga")
    await watch.run_once()

    store.trouble = Unavailable("postgres")
    with pytest.raises(Unavailable):
        await watch.run_once()

    assert faults.rate("publish.drop") == 0.0
