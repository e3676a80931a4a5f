"""A sweep that never stops, against requests whose keys expire under them (reference B24)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from ordersys.infrastructure.postgres.retention import CLOCKS_DIFFER, SWEEPS, Retention
from ordersys.infrastructure.system import SystemClock
from tests.integration.http_api import Api, order_of, serving

ROUNDS = 25
CUSTOMERS = ("ann", "bob", "eve", "joe")
KEPT = timedelta(hours=24) + CLOCKS_DIFFER


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as api:
        yield api


@asynccontextmanager
async def sweeping(api: Api) -> AsyncIterator[list[int]]:
    """Two workers that do nothing else. Yields what their passes have pruned."""
    worker = Retention(engine=api.engine, clock=SystemClock(), kept=dict.fromkeys(SWEEPS, KEPT), batch_rows=1)
    pruned: list[int] = []

    async def sweep() -> None:
        while True:
            pruned.append(await worker.run_once())

    tasks = [asyncio.create_task(sweep()) for _ in range(2)]
    yield pruned
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 2


async def test_never_two_orders_of_one_key_and_never_a_false_conflict(api: Api) -> None:
    """An expired key makes a new order, at the very moment at which the sweep may take the old answer away."""
    flight = await api.flight(seats_total=10_000)

    async def placed(user: str, *, replayed: bool) -> str:
        answer: httpx.Response = await api.post(order_of(flight), key="k", user=user)
        assert answer.status_code == 201, answer.text
        assert (answer.headers.get("idempotency-replayed") == "true") is replayed
        return str(answer.json()["id"])

    async def customer(user: str) -> set[str]:
        orders: set[str] = set()
        for _ in range(ROUNDS):
            first = await placed(user, replayed=False)
            assert {await placed(user, replayed=True) for _ in range(3)} == {first}
            orders.add(first)
            await api.execute(
                "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours 1 second' "
                "WHERE customer_id = :user",
                user=user,
            )
        return orders

    async with sweeping(api) as pruned:
        made = await asyncio.gather(*map(customer, CUSTOMERS))

    assert [len(orders) for orders in made] == [ROUNDS] * len(CUSTOMERS)
    assert await api.count("orders") == ROUNDS * len(CUSTOMERS)
    assert sum(pruned) > 0


async def test_a_key_that_has_just_expired_is_not_pruned_yet(api: Api) -> None:
    """Between its end and the sweep lies more than two clocks can differ."""
    flight = await api.flight()
    await api.post(order_of(flight), key="k")
    await api.execute("UPDATE idempotency_keys SET created_at = created_at - interval '24 hours 59 minutes'")

    worker = Retention(engine=api.engine, clock=SystemClock(), kept=dict.fromkeys(SWEEPS, KEPT))

    assert await worker.run_once() == 0
