"""The RateStore port: one suite for the fake and for PostgreSQL."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.workshop.chaos.rate_store import PostgresRateStore, forget
from ordersys.workshop.chaos.rates import RateStore
from tests.fakes.chaos import FakeRateBook


@pytest.fixture(params=["fake", "real"])
def book(request: pytest.FixtureRequest) -> RateStore:
    if request.param == "fake":
        return FakeRateBook()
    return PostgresRateStore(engine=request.getfixturevalue("engine"))


async def rates(book: RateStore) -> dict[str, tuple[float, str]]:
    return {entry.point: (entry.rate, entry.set_by) for entry in await book.read()}


async def test_at_first_it_is_empty(book: RateStore) -> None:
    assert list(await book.read()) == []


async def test_what_is_written_is_read_with_who_and_when(book: RateStore) -> None:
    await book.write({"publish.drop": 0.25, "consume.fail": 0.0}, by="olga")

    assert await rates(book) == {"publish.drop": (0.25, "olga"), "consume.fail": (0.0, "olga")}
    assert all(entry.set_at.tzinfo for entry in await book.read())


async def test_the_last_one_to_write_a_point_is_right_and_others_stay(book: RateStore) -> None:
    await book.write({"publish.drop": 0.25, "consume.fail": 0.1}, by="olga")
    await book.write({"publish.drop": 1.0}, by="igor")

    assert await rates(book) == {"publish.drop": (1.0, "igor"), "consume.fail": (0.1, "olga")}


async def test_none_takes_an_entry_out_even_one_that_is_not_there(book: RateStore) -> None:
    await book.write({"publish.drop": 0.25}, by="olga")
    await book.write({"publish.drop": None, "consume.fail": None, "publish.delay": 0.5}, by="olga")

    assert await rates(book) == {"publish.delay": (0.5, "olga")}


async def test_operators_at_once_do_not_hinder_each_other(book: RateStore) -> None:
    points = ("publish.drop", "consume.fail", "publish.delay")
    forward, backward = dict.fromkeys(points, 0.1), dict.fromkeys(reversed(points), 0.2)

    await asyncio.gather(*(book.write(wanted, by="olga") for wanted in [forward, backward] * 10))

    assert {rate for rate, _ in (await rates(book)).values()} in ({0.1}, {0.2})


async def test_a_stack_that_starts_anew_forgets_them(engine: AsyncEngine, database_url: str) -> None:
    book = PostgresRateStore(engine=engine)
    await book.write({"publish.drop": 1.0}, by="olga")

    await forget(database_url)

    assert await rates(book) == {}
