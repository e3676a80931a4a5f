"""A small system for the audit to look at: real use cases, relay and consumers on PostgreSQL, Kafka in memory."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from dependency_injector import providers
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from ordersys.bootstrap import roles
from ordersys.bootstrap.messaging import UseCases
from ordersys.config import ChaosSettings, PostgresSettings, Secret, Settings
from ordersys.domain.orders.placing import SeatRequest
from ordersys.domain.shared.ids import CustomerId, FlightId, OrderId
from ordersys.entrypoint.consumers.subscriptions import streams_of
from ordersys.infrastructure.postgres import tables
from ordersys.messaging.envelope import Record
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, STREAMS, TICKET_SERVICE
from ordersys.usecase.orders.advance_orders import AdvanceOrders
from ordersys.usecase.orders.cancel_orders import CancelOrder, ExpireOrders
from ordersys.usecase.orders.ports import OrderPlaced
from ordersys.usecase.orders.refund_orders import RefundOrder
from ordersys.usecase.payments.change_payments import ChangePayments
from ordersys.usecase.payments.request_payments import RequestPayments
from ordersys.usecase.tickets.issue_tickets import IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTickets
from ordersys.workshop.audit.ports import Committed, Promise, Seen, Span
from tests.fakes.kafka import FakeKafka, FakePublisher, FakeStream
from tests.fakes.making import CAUSE, place
from tests.integration.extended import platform_with_faults
from tests.integration.http_api import flight_row
from tests.servers import NO_REDIS, PostgresServer

T = TypeVar("T")

PREFIX = "ordersys."
POISON = Record(topic=f"{PREFIX}orders", key=b"poison", value=b"\xff", headers=())


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeTopics:
    """workshop.audit.ports.Topics over what the test's brokers hold."""

    spans_: Sequence[Span]
    committed_: Sequence[Committed]
    records_: Sequence[Seen]

    async def spans(self) -> Sequence[Span]:
        return self.spans_

    async def committed(self) -> Sequence[Committed]:
        return self.committed_

    async def records(self, spans: Sequence[Span]) -> AsyncIterator[Sequence[Seen]]:
        yield self.records_


class System:
    """All roles in one process; nothing runs but when the test says so."""

    def __init__(self, database_url: str, kafka: FakeKafka, **chaos: float) -> None:
        settings = Settings(
            postgres=PostgresSettings(url=Secret(database_url)),
            redis=NO_REDIS,
            chaos=ChaosSettings(rates={name.replace("_", "."): rate for name, rate in chaos.items()}),  # type: ignore[misc]
        )
        self.promises: list[Promise] = []
        self._platform, _ = platform_with_faults(settings, "audited")
        self._orders = roles.order_container(self._platform)
        payments, tickets = roles.payment_container(self._platform), roles.ticket_container(self._platform)
        relay = roles.relay_container(self._platform)
        relay.publisher.override(providers.Object(FakePublisher(kafka=kafka)))
        self._relay, self._dispatcher = relay.relay(), payments.dispatcher()
        self._consumers = [
            self._consumer(kafka, ORDER_SERVICE, {AdvanceOrders: self._orders.advance_orders}),
            self._consumer(
                kafka,
                PAYMENT_SERVICE,
                {RequestPayments: payments.request_payments, ChangePayments: payments.change_payments},
            ),
            self._consumer(
                kafka, TICKET_SERVICE, {IssueTickets: tickets.issue_tickets, VoidTickets: tickets.void_tickets}
            ),
        ]

    def _consumer(self, kafka: FakeKafka, group: str, use_cases: UseCases) -> Any:
        container = roles.consumer_container(self._platform, group, use_cases)
        topics = [PREFIX + stream for stream in streams_of(group)]
        container.stream.override(providers.Object(FakeStream(kafka=kafka, group=group, topics=topics)))
        return container.consumer()

    async def place(self, *wanted: SeatRequest, method: str = "pm_ok", customer: str = "anna") -> OrderId:
        key = str(uuid4())
        command = place(*wanted, key=key, customer=CustomerId(customer))
        (result,) = await self._orders.place_orders().execute([replace(command, payment_method=method)])
        assert isinstance(result, OrderPlaced)
        self.promises.append(Promise(customer, key, 201, result.order.id))
        return OrderId(result.order.id)

    async def cancel(self, order_id: OrderId) -> None:
        command = CancelOrder(order_id=order_id, customer_id=None, reason="changed my mind", cause=CAUSE)
        await self._orders.cancel_orders().execute([command])

    async def refund(self, order_id: OrderId) -> None:
        command = RefundOrder(order_id=order_id, customer_id=None, reason="ill", cause=CAUSE)
        await self._orders.refund_orders().execute([command])

    async def expire(self) -> None:
        use_case: ExpireOrders = self._orders.expire_orders()
        await replace(use_case, deadline=timedelta(0)).run_once()

    async def step(self) -> int:
        """One pass of everything. Answers how much there was to do."""
        done = await self._relay.run_once()
        for consumer in self._consumers:
            done += await consumer.run_once()
        done += await self._dispatcher.run_once()
        await self._dispatcher.drained()
        return int(done)

    async def settle(self) -> None:
        while await self.step():
            pass

    async def leave(self) -> None:
        """Another system takes over: its members leave their groups, its shards are free."""
        await self._relay.leave()
        for consumer in self._consumers:
            await consumer.stream.close()
        await self._platform.engine().dispose()


def _wanted(flight: UUID, seats: int = 1) -> SeatRequest:
    return SeatRequest(flight_id=FlightId(flight), seats=seats)


def populate(database_url: str) -> tuple[FakeTopics, Sequence[Promise]]:
    """An order of each fate, all settled. Answers what Kafka holds then, and what the customers were told."""
    return _apart(_populate(database_url))


async def _populate(database_url: str) -> tuple[FakeTopics, Sequence[Promise]]:
    kafka = FakeKafka([PREFIX + stream for stream in STREAMS])
    first, second = await _flights(database_url)
    kafka.append(POISON)
    system = System(database_url, kafka)
    await _all_fates(system, first, second)
    await system.leave()
    refusing = System(database_url, kafka, airline_reject=1.0)
    await refusing.place(_wanted(first))
    await refusing.settle()
    await refusing.leave()
    return _topics(kafka), [*system.promises, *refusing.promises]


async def _all_fates(system: System, first: UUID, second: UUID) -> None:
    for _ in range(3):
        await system.place(_wanted(first), _wanted(second, 2))
    await system.place(_wanted(first), method="pm_declined", customer="boris")
    await system.cancel(await system.place(_wanted(second)))
    late = await system.place(_wanted(first), customer="boris")
    returned = await system.place(_wanted(first, 2))
    await system.step()
    await system.cancel(late)
    await system.settle()
    await system.refund(returned)
    await system.place(_wanted(second), method="pm_down")
    await system.step()
    await system.expire()
    await system.settle()


async def _flights(database_url: str) -> tuple[UUID, UUID]:
    rows = [dict(flight_row()), dict(flight_row(price_amount=99_000))]
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(insert(tables.flights), rows)
    await engine.dispose()
    return rows[0]["id"], rows[1]["id"]


def _topics(kafka: FakeKafka) -> FakeTopics:
    now = int(datetime.now(UTC).timestamp() * 1000)
    return FakeTopics(
        spans_=[Span(topic, number, 0, len(log)) for (topic, number), log in kafka.logs.items()],
        committed_=[Committed(group, *place, offset) for (group, place), offset in kafka.committed.items()],
        records_=[
            _seen(record, number, offset, now)
            for (_, number), log in kafka.logs.items()
            for offset, record in enumerate(log)
        ],
    )


def _seen(record: Record, number: int, offset: int, now: int) -> Seen:
    headers = {name: value.decode() for name, value in record.headers}
    event, order = headers.get("ce_id"), headers.get("ce_subject")
    return Seen(
        topic=record.topic,
        partition=number,
        offset=offset,
        milliseconds=now,
        event_id=UUID(event) if event else None,
        order_id=UUID(order) if order else None,
        type=headers.get("ce_type"),
    )


async def execute(database_url: str, *statements: str) -> None:
    engine = create_async_engine(database_url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                done = await connection.execute(text(statement))
                assert done.rowcount, f"nothing was planted by {statement}"
    finally:
        await engine.dispose()


def execute_blocking(database_url: str, *statements: str) -> None:
    _apart(execute(database_url, *statements))


@contextmanager
def template(server: PostgresServer, origin: str) -> Iterator[str]:
    """A database that others can be made from."""
    with clone(server, origin) as name:
        yield name


@contextmanager
def clone(server: PostgresServer, origin: str) -> Iterator[str]:
    """A copy of a database to which nobody is connected; dropped afterwards."""
    name = f"audit_{uuid4().hex[:12]}"
    _apart(_administer(server.admin_url, f"CREATE DATABASE {name} TEMPLATE {origin} OWNER ordersys"))
    yield name
    _apart(_administer(server.admin_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _administer(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def _apart(unit_of_work: Coroutine[object, object, T]) -> T:
    """In a loop and a thread of its own: the test's loop is not ours to touch."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, unit_of_work).result()
