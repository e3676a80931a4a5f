import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from ordersys.workshop.load import generator
from ordersys.workshop.load.client import FlightPayload, OrderPagePayload, OrderPayload, PlacementResponse, Unreachable
from ordersys.workshop.load.flights import EMPTY_DAYS, FlightPool, NoFlights, find
from ordersys.workshop.load.generator import Generator
from ordersys.workshop.load.ledger import Ledger
from ordersys.workshop.load.plan import BadPlan, Plan, loopback_only
from ordersys.workshop.load.report import OrderOutcome, Spread, report, spread, table

CREATED = datetime(2026, 11, 23, tzinfo=UTC)


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {"rate": 1000, "duration": 0.02, "run": "r1", "customers": 3, **changes}
    return Plan(**values)


@dataclass
class FakeApi:
    """Accepts every order at once and ends it; `script` answers first, one entry per attempt."""

    script: list[PlacementResponse | Unreachable] = field(default_factory=list)
    placed: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)
    listed: Callable[[date], Sequence[FlightPayload]] = lambda day: [FlightPayload(id=f"f-{day}", seats_left=100)]
    searches: int = 0
    looks_until_ended: int = 0
    page_size: int = 2

    async def place(self, customer: str, key: str, body: bytes) -> PlacementResponse:
        self.attempts.append(key)
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Unreachable):
                raise answer
            return answer
        self.placed[key] = customer, body
        return PlacementResponse(status=201, order_id=f"order-of-{key}")

    async def flights(self, origin: str, destination: str, day: date) -> Sequence[FlightPayload]:
        self.searches += 1
        return self.listed(day)

    async def orders(self, customer: str, cursor: str | None) -> OrderPagePayload:
        if self.looks_until_ended:
            self.looks_until_ended -= 1
            raise Unreachable("down")
        mine = [f"order-of-{key}" for key, (owner, _) in self.placed.items() if owner == customer]
        start = int(cursor or 0)
        items = [
            OrderPayload(
                id=order_id, status="COMPLETED", created_at=CREATED, updated_at=CREATED + timedelta(milliseconds=50)
            )
            for order_id in mine[start : start + self.page_size]
        ]
        more = start + self.page_size
        return OrderPagePayload(items=items, next_cursor=str(more) if more < len(mine) else None)


def load(api: FakeApi, of: Plan | None = None, *, ledger: io.BytesIO | None = None, seats: int = 1000) -> Generator:
    pool = FlightPool([FlightPayload(id="f1", seats_left=seats), FlightPayload(id="f2", seats_left=seats)], width=1)
    return Generator(plan=of or plan(), api=api, flights=pool, ledger=Ledger(file=ledger))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(generator, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(generator, "FOLLOW_PAUSES", (0.0,))


def test_the_schedule_is_fixed_in_advance_and_the_same_seed_draws_the_same_orders() -> None:
    one, again, other = (list(plan(seed=seed, methods=("pm_ok", "pm_slow")).orders()) for seed in (1, 1, 2))

    assert one == again
    assert one != other
    assert [order.due for order in one] == pytest.approx([number / 1000 for number in range(20)])
    assert len({order.key for order in one}) == 20
    assert {order.method for order in one} == {"pm_ok", "pm_slow"}


@pytest.mark.parametrize(("rate", "duration"), [(0.1, 1), (1e6, 100)])
def test_a_load_without_an_order_or_without_an_end_is_refused(rate: float, duration: float) -> None:
    with pytest.raises(BadPlan):
        plan(rate=rate, duration=duration)


def test_another_machine_must_be_named() -> None:
    assert loopback_only("http://127.0.0.1:8080")
    assert loopback_only("http://localhost:8080")
    with pytest.raises(BadPlan):
        loopback_only("http://shop.example:8080")


async def test_every_order_is_sent_and_followed_to_its_end() -> None:
    api = FakeApi()

    shown = await load(api).run(follow=True)

    assert (shown.sent, shown.accepted, shown.final, shown.unfinished) == (20, 20, {"COMPLETED": 20}, ())
    assert shown.saga == Spread(p50=50, p99=50, max=50)
    assert shown.holds
    assert msgspec.json.decode(api.placed["load-r1-0"][1]) == {
        "items": [{"flight_id": "f1", "seats": 1}],
        "payment_method": "pm_ok",
    }


async def test_what_leaves_the_order_open_is_tried_again_under_the_same_key() -> None:
    overloaded, slow_down = (
        PlacementResponse(status=503, code="overloaded"),
        PlacementResponse(status=429, code="slow_down"),
    )
    in_use = PlacementResponse(status=409, code="idempotency_key_in_use")
    api = FakeApi(script=[overloaded, Unreachable("reset"), slow_down, in_use])

    shown = await load(api, plan(duration=0.001)).run(follow=True)

    assert api.attempts == ["load-r1-0"] * 5
    assert (shown.sent, shown.accepted, shown.retried) == (1, 1, 1)


async def test_sending_that_is_stopped_early_loses_nothing_of_what_was_sent() -> None:
    api = FakeApi()
    endless = load(api, plan(rate=10_000, duration=100))
    endless.progress = lambda phase, done, of: endless.stopping.set() if done == 5 else None

    shown = await endless.run(follow=True)

    assert 5 <= shown.sent < 1000
    assert shown.accepted == shown.sent == len(api.placed)
    assert shown.final == {"COMPLETED": shown.sent}


async def test_a_refusal_is_final_and_counted_by_its_code() -> None:
    api = FakeApi(script=[PlacementResponse(status=422, code="bad_order")])

    shown = await load(api).run(follow=True)

    assert (shown.refused, shown.accepted, shown.holds) == ({"bad_order": 1}, 19, True)


async def test_trying_again_ends_and_then_the_load_does_not_hold() -> None:
    api = FakeApi(script=[Unreachable("refused")] * 3)

    shown = await load(api, plan(duration=0.001, retry_for=0)).run(follow=True)

    assert (shown.failed, shown.accepted, shown.holds) == ({"unreachable": 1}, 0, False)


async def test_an_order_that_does_not_end_in_time_is_named() -> None:
    api = FakeApi(looks_until_ended=1000)

    shown = await load(api, plan(duration=0.001, follow_for=0)).run(follow=True)

    assert (shown.unfinished, shown.holds) == (("order-of-load-r1-0",), False)


async def test_an_api_that_is_away_while_following_is_asked_again() -> None:
    shown = await load(FakeApi(looks_until_ended=5)).run(follow=True)

    assert shown.final == {"COMPLETED": 20}


async def test_nothing_is_followed_when_not_asked_to() -> None:
    shown = await load(FakeApi(looks_until_ended=1000)).run(follow=False)

    assert (shown.accepted, shown.final, shown.holds) == (20, None, True)


async def test_a_sold_out_flight_is_left_for_the_next() -> None:
    api = FakeApi(script=[PlacementResponse(status=409, code="sold_out")])

    shown = await load(api, plan(rate=100)).run(follow=False)

    assert shown.refused == {"sold_out": 1}
    assert b'"f2"' in api.placed["load-r1-1"][1]


async def test_when_all_seats_are_gone_the_rest_is_counted_not_sent() -> None:
    shown = await load(FakeApi(), seats=5).run(follow=True)

    assert (shown.accepted, shown.refused) == (10, {"no_seats_left": 10})


async def test_the_ledger_has_a_line_for_each_order_sent() -> None:
    file = io.BytesIO()
    api = FakeApi(script=[PlacementResponse(status=422, code="bad_order")])

    await load(api, ledger=file).run(follow=False)

    lines = [msgspec.json.decode(line) for line in file.getvalue().splitlines()]
    refused, accepted = lines[0], lines[1]
    assert len(lines) == 20
    assert (refused["error"], refused["status"], refused["order_id"]) == ("bad_order", 422, None)
    assert (accepted["error"], accepted["status"], accepted["op"]) == (None, 201, "place_order")
    assert accepted["order_id"] == f"order-of-{accepted['key']}"
    assert (accepted["owner"], accepted["body_hash"]) == (
        api.placed[accepted["key"]][0],
        sha256(api.placed[accepted["key"]][1]).hexdigest(),
    )
    assert accepted["t_send"] <= accepted["t_reply"]


async def test_enough_flights_are_found_for_the_flights_and_the_seats_asked_for() -> None:
    api = FakeApi()

    assert len(await find(api, date(2026, 11, 23), flights=3, seats=1)) == 3
    assert len(await find(api, date(2026, 11, 23), flights=1, seats=1000)) == 12


async def test_a_pair_of_cities_without_flights_is_left_after_a_week() -> None:
    api = FakeApi(listed=lambda day: [])

    with pytest.raises(NoFlights):
        await find(api, date(2026, 11, 23), flights=1, seats=1)
    assert api.searches == 90 * EMPTY_DAYS


def test_the_pool_deals_in_turn_and_skips_what_is_full() -> None:
    pool = FlightPool(
        [FlightPayload(id=name, seats_left=left) for name, left in (("a", 2), ("b", 0), ("c", 1))], width=2
    )

    assert sorted(pool.take() for _ in range(3)) == ["a", "a", "c"]
    with pytest.raises(NoFlights):
        pool.take()


def test_the_figures_are_values_that_were_measured() -> None:
    assert spread([0.001 * n for n in range(1, 101)]) == Spread(p50=50, p99=99, max=100)
    assert spread([0.2]) == Spread(p50=200, p99=200, max=200)
    assert spread([]) == Spread()


def test_the_table_and_the_json_say_what_happened() -> None:
    outcomes = [OrderOutcome(customer="c", attempts=2, late=0, seconds=0.01, order_id="o"), _refused("sold_out")]
    ended = {"o": OrderPayload(id="o", status="CANCELLED", created_at=CREATED, updated_at=CREATED)}

    shown = report(outcomes, 1.0, ended)

    assert msgspec.to_builtins(shown)["final"] == {"CANCELLED": 1}
    cells = [cell for column in table(shown).columns for cell in column.cells]
    assert "1 sold_out" in cells
    assert "1 CANCELLED" in cells


def _refused(code: str) -> OrderOutcome:
    return OrderOutcome(customer="c", attempts=1, late=0, seconds=0.01, refused=code)
