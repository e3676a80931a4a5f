"""The RateStore port: one suite for the fake and for PostgreSQL."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.workshop.chaos.rate_store import PostgresRateStore, forget
from ordersys.workshop.chaos.rates import RateStore
from tests.fakes.chaos import FakeRateStore


@pytest.fixture(params=["fake", "real"])
def store(request: pytest.FixtureRequest) -> RateStore:
    if request.param == "fake":
        return FakeRateStore()
    return PostgresRateStore(engine=request.getfixturevalue("engine"))


async def rates(store: RateStore) -> dict[str, tuple[float, str]]:
    return {entry.point: (entry.rate, entry.set_by) for entry in await store.read()}


async def test_at_first_it_is_empty(store: RateStore) -> None:
    assert list(await store.read()) == []


async def test_what_is_written_is_read_with_who_and_when(store: RateStore) -> None:
    await store.write({"publish.drop": 0.25, "consume.fail": 0.0}, by="olga")

    assert await rates(store) == {"publish.drop": (0.25, "olga"), "consume.fail": (0.0, "olga")}
    assert all(entry.set_at.tzinfo for entry in await store.read())


async def test_the_last_one_to_write_a_point_is_right_and_others_stay(store: RateStore) -> None:
    await store.write({"publish.drop": 0.25, "consume.fail": 0.1}, by="olga")
    await store.write({"publish.drop": 1.0}, by="igor")

    assert await rates(store) == {"publish.drop": (1.0, "igor"), "consume.fail": (0.1, "olga")}


async def test_none_takes_an_entry_out_even_one_that_is_not_there(store: RateStore) -> None:
    await store.write({"publish.drop": 0.25}, by="olga")
    await store.write({"publish.drop": None, "consume.fail": None, "publish.delay": 0.5}, by="olga")

    assert await rates(store) == {"publish.delay": (0.5, "olga")}


async def test_operators_at_once_do_not_hinder_each_other(store: RateStore) -> None:
    points = ("publish.drop", "consume.fail", "publish.delay")
    forward, backward = dict.fromkeys(points, 0.1), dict.fromkeys(reversed(points), 0.2)

    await asyncio.gather(*(store.write(wanted, by="olga") for wanted in [forward, backward] * 10))

    assert {rate for rate, _ in (await rates(store)).values()} in ({0.1}, {0.2})


async def test_a_stack_that_starts_anew_forgets_them(engine: AsyncEngine, database_url: str) -> None:
    store = PostgresRateStore(engine=engine)
    await store.write({"publish.drop": 1.0}, by="olga")

    await forget(database_url)

    assert await rates(store) == {}
