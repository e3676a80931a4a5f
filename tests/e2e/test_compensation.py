"""Every way back: cancelled, refused, too late, returned. Neither money nor tickets nor seats stay behind."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import pytest

from tests.e2e.stack import Customer, Stack
from tests.e2e.verdict import wrong
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.timeout(300)

# Longer than pm_slow takes, so short that pm_down need not be waited for.
DEADLINE: Final = 8
_flights = count()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"ORDERSYS__ORDERS__DEADLINE_SECONDS": str(DEADLINE)}
    stack = Stack(folder=tmp_path_factory.mktemp("compensation"), settings=settings)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture
def flight(stack: Stack) -> str:
    """One that nobody else books."""
    flights = "SELECT id FROM flights WHERE departs_at > now() + interval '2 days' ORDER BY id OFFSET :n LIMIT 1"
    return str(stack.query(flights, n=next(_flights))[0].id)


def place(customer: Customer, flight: str, method: str = "pm_ok") -> str:
    placed = customer.order(flight, key=str(uuid.uuid4()), seats=2, method=method)
    assert placed.status_code == 201
    return str(placed.json()["id"])


def booked(stack: Stack, order: str) -> str | None:
    """What the gateway's books say."""
    rows = stack.query("SELECT status FROM gateway_charges WHERE key = :key", key=order)
    return rows[0].status if rows else None


def seats_taken(stack: Stack, flight: str) -> int:
    return int(stack.query("SELECT seats_taken FROM flights WHERE id = CAST(:id AS uuid)", id=flight)[0].seats_taken)


def steps(flow: dict[str, Any]) -> list[str]:
    return [step["to_status"] for step in flow["history"]]


def tickets(flow: dict[str, Any]) -> list[str]:
    return [ticket["status"] for ticket in flow["tickets"]]


def test_an_order_that_is_cancelled_before_it_is_paid_never_costs_anything(stack: Stack, flight: str) -> None:
    anna = stack.client("anna")
    order = place(anna, flight, "pm_slow")

    cancelled = anna.change(order, "cancel")

    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "CANCELLED")
    assert seats_taken(stack, flight) == 0
    flow = anna.settled(order, "CANCELLED")
    assert steps(flow) == ["CREATED", "CANCELLED"]
    assert (flow["order"]["reason"], flow["payment"]["status"], tickets(flow)) == ("changed my mind", "VOIDED", [])
    assert booked(stack, order) in {None, "VOIDED"}
    assert anna.change(order, "cancel").status_code == 202
    assert [event["type"] for event in flow["outbox"]].count("ordersys.OrderCancelled.v1") == 1


def test_a_payment_that_comes_after_the_cancellation_is_given_back(stack: Stack, flight: str) -> None:
    anna = stack.client("anna")
    order = place(anna, flight, "pm_slow")
    eventually_blocking(lambda: anna.get(f"/orders/{order}").json()["payment"], what="the payment is requested")

    anna.change(order, "cancel")

    anna.settled(order, "CANCELLED")
    # The call that was under way has come back by now, or comes to a key that is void.
    eventually_blocking(lambda: booked(stack, order) == "VOIDED")


def test_a_completed_order_is_not_cancelled_but_given_back(stack: Stack, flight: str) -> None:
    boris = stack.client("boris")
    order = place(boris, flight)
    bought = boris.settled(order, "COMPLETED")
    eventually_blocking(lambda: booked(stack, order) == "CAPTURED", within=10)
    assert (seats_taken(stack, flight), tickets(bought)) == (2, ["VALID", "VALID"])

    refused = boris.change(order, "cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
    asked = boris.change(order, "refund")

    assert (asked.status_code, asked.json()["status"]) == (202, "REFUND_PENDING")
    flow = boris.settled(order, "REFUNDED")
    assert steps(flow) == ["CREATED", "PAYMENT_AUTHORIZED", "COMPLETED", "REFUND_PENDING", "REFUNDED"]
    assert (flow["payment"]["status"], booked(stack, order)) == ("REFUNDED", "REFUNDED")
    assert (seats_taken(stack, flight), tickets(flow)) == (0, ["VOIDED", "VOIDED"])
    assert boris.change(order, "refund").status_code == 202


def test_an_order_whose_tickets_the_airline_refuses_is_cancelled_and_its_money_given_up(
    stack: Stack, flight: str
) -> None:
    clara = stack.client("clara")
    with refusing(stack, clara, flight):
        order = place(clara, flight)
        flow = clara.settled(order, "CANCELLED")

    assert flow["order"]["reason"] in {"tickets_rejected: refused_by_airline", "payment_voided"}
    assert (flow["payment"]["status"], booked(stack, order), tickets(flow)) == ("VOIDED", "VOIDED", [])


def test_an_order_that_nobody_answers_is_ended_by_its_deadline(stack: Stack, flight: str) -> None:
    dora = stack.client("dora")
    order = place(dora, flight, "pm_down")

    def asked() -> Any:
        waiting = dora.get(f"/orders/{order}/workflow").json()["waiting_for"]
        error = waiting.get("error") or ""
        return waiting if "refused the connection" in error else None

    waiting = eventually_blocking(asked, within=DEADLINE)
    assert (waiting["kind"], waiting["call"]) == ("awaiting_gateway", "authorize")
    assert waiting["until"]
    flow = dora.settled(order, "CANCELLED", within=DEADLINE + 20)

    assert flow["order"]["reason"] == "deadline_passed"
    assert (flow["payment"]["status"], booked(stack, order)) == ("VOIDED", "VOIDED")
    assert seats_taken(stack, flight) == 0


def test_nothing_was_lost_or_done_twice(stack: Stack) -> None:
    assert wrong(stack) == {}


@contextmanager
def refusing(stack: Stack, customer: Customer, flight: str) -> Iterator[None]:
    """While the airline refuses everybody. The rate takes up to two seconds to be known."""

    def ends_as(status: str) -> bool:
        return bool(customer.ended(place(customer, flight))["status"] == status)

    stack.run("chaos", "set", "airline.reject", "1")
    eventually_blocking(lambda: ends_as("CANCELLED"), within=20)
    try:
        yield
    finally:
        stack.run("chaos", "reset")
        eventually_blocking(lambda: ends_as("COMPLETED"), within=20)
