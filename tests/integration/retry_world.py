"""The order-service with a handler that fails on demand, over real servers; and what its tests ask of them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from dependency_injector import providers
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ordersys.bootstrap import roles
from ordersys.bootstrap.messaging import ConsumerContainer
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import KafkaSettings, PostgresSettings, RetriesSettings, Secret, Settings
from ordersys.domain.payments.events import PaymentAuthorized
from ordersys.domain.shared.errors import DomainError
from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money
from ordersys.domain.tickets.events import TicketIssued
from ordersys.infrastructure.kafka import topics
from ordersys.infrastructure.kafka.producer import KafkaPublisher
from ordersys.infrastructure.kafka.stream import KafkaStream
from ordersys.infrastructure.postgres import tables
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.infrastructure.system import TimeOrderedIds
from ordersys.messaging.envelope import Acked, Delivery, Record
from ordersys.messaging.inbox import Message
from ordersys.messaging.loop import Loop, LoopObserver
from ordersys.messaging.topics import ORDER_SERVICE
from ordersys.usecase.orders.advance_orders import AdvanceOrders
from tests.servers import NO_REDIS
from tests.waiting import eventually

T = TypeVar("T")
QUICK = RetriesSettings(delays_seconds=(0.1, 0.1, 0.1, 0.1), idle_poll_ms=20)
_ids = TimeOrderedIds()


def settings_of(url: str, bootstrap_servers: str, *, retries: RetriesSettings = QUICK, partitions: int = 1) -> Settings:
    """A topic prefix that nobody else has."""
    kafka = KafkaSettings(
        bootstrap_servers=bootstrap_servers, topic_prefix=f"t{uuid4().hex[:6]}.", partitions=partitions
    )
    postgres = PostgresSettings(url=Secret(url), connect_timeout_seconds=1)
    return Settings(postgres=postgres, kafka=kafka, redis=NO_REDIS, retries=retries)


Fail = Callable[[Message], None]


@dataclass(slots=True, kw_only=True)
class Failing:
    """Stands before the real handler. `fail` may raise, or end the process."""

    handle: Callable[[Any, Sequence[Message]], Awaitable[None]]
    fail: Fail

    async def __call__(self, transaction: Any, messages: Sequence[Message]) -> None:
        for message in messages:
            self.fail(message)
        await self.handle(transaction, messages)


def failing_container(platform: PlatformContainer, fail: Fail) -> ConsumerContainer:
    orders = roles.order_container(platform)
    container = roles.consumer_container(platform, ORDER_SERVICE, {AdvanceOrders: orders.advance_orders})
    container.handle.override(providers.Singleton(Failing, handle=container.dispatch, fail=fail))
    return container


@dataclass(slots=True)
class Losses:
    """The loops that found the database away."""

    loops: list[str] = field(default_factory=list)

    def unavailable(self, loop: str, error: DomainError) -> None:
        self.loops.append(loop)

    def recovered(self, loop: str) -> None: ...


def loop(
    name: str, run_once: Callable[[], Awaitable[int]], idle: float = 0.0, observer: LoopObserver | None = None
) -> Loop:
    return Loop(name=name, run_once=run_once, observer=observer or Losses(), wake=asyncio.Event(), idle=idle)


@dataclass(slots=True, kw_only=True)
class World:
    """`poison`: the orders whose events fail; `trouble` may fail for any other reason. `calls`: the events, each as
    often as the handler was called with it.
    """

    settings: Settings
    platform: PlatformContainer
    engine: AsyncEngine
    publisher: KafkaPublisher
    poison: set[UUID] = field(default_factory=set)
    calls: list[UUID] = field(default_factory=list)
    trouble: Fail = lambda _: None
    losses: Losses = field(default_factory=Losses)

    def fail(self, message: Message) -> None:
        self.calls.append(message.event_id)
        self.trouble(message)
        if message.order_id in self.poison:
            raise ValueError(f"poison {message.order_id}")

    async def orders(self, count: int) -> list[UUID]:
        """New ones, that wait for their payment."""
        ids = [_ids.new() for _ in range(count)]
        async with self.engine.begin() as connection:
            await connection.execute(insert(tables.orders), [_order(one) for one in ids])
            await connection.execute(insert(tables.order_items), [_item(one) for one in ids])
        return ids

    async def send(self, *events: tuple[UUID, Event], **headers: bytes) -> list[UUID]:
        """To the topics of the events; answers the event ids."""
        prefix = self.settings.kafka.topic_prefix
        ids = [_ids.new() for _ in events]
        pairs = zip(ids, events, strict=True)
        records = [_record(prefix + event.STREAM, one, order, event, headers) for one, (order, event) in pairs]
        await self.publish(records)
        return ids

    async def publish(self, records: Sequence[Record]) -> None:
        answers = await self.publisher.publish(records)
        assert all(isinstance(answer, Acked) for answer in answers), answers

    async def rows(self, statement: str, **bound: object) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(text(statement), bound))

    async def scalar(self, statement: str, **bound: object) -> Any:
        return (await self.rows(statement, **bound))[0][0]

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[KafkaStream]:
        """One process of the order-service: its batches and its retries."""
        container = failing_container(self.platform, self.fail)
        retries = loop(
            "retries", container.retry_loop().run_once, self.settings.retries.idle_poll_ms / 1000, self.losses
        )
        loops = [loop("consumer", container.consumer().run_once, observer=self.losses), retries]
        async with running(*loops):
            yield container.stream()
        await container.stream().close()

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[None]:
        outbox = roles.relay_container(self.platform)
        async with running(loop("relay", outbox.relay().run_once, 0.02)):
            yield
        await outbox.relay().leave()
        await outbox.publisher().close()

    async def read(self, stream: str, count: int) -> list[Delivery]:
        """The first records of a topic."""
        reader = KafkaStream(
            self.settings.kafka,
            group=f"reader-{uuid4().hex[:6]}",
            topics=[self.settings.kafka.topic_prefix + stream],
            instance="reader",
        )
        found: list[Delivery] = []
        async with asyncio.timeout(30):
            while len(found) < count:
                found += await reader.fetch()
        await reader.close()
        return found


async def until(ask: Callable[[], Awaitable[T]], within: float = 5.0) -> T:
    """The first true answer of an asynchronous question."""
    predicate: Callable[[], T | Awaitable[T]] = ask
    return await eventually(predicate, within)


async def ordersys(settings: Settings, *arguments: str) -> tuple[int, str]:
    """The command line, in a process of its own: exit code and output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ordersys", *arguments,
        env={**os.environ, **environment(settings)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, (output + errors).decode()


def environment(settings: Settings) -> dict[str, str]:
    """For a child process."""
    return {
        "ORDERSYS__POSTGRES__URL": settings.postgres.url.reveal(),
        "ORDERSYS__REDIS__URL": settings.redis.url.reveal(),
        "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "ORDERSYS__KAFKA__TOPIC_PREFIX": settings.kafka.topic_prefix,
        "ORDERSYS__RETRIES__DELAYS_SECONDS": to_json(settings.retries.delays_seconds),
        "ORDERSYS__RETRIES__IDLE_POLL_MS": str(settings.retries.idle_poll_ms),
    }


@asynccontextmanager
async def running(*loops: Loop) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(one.run(stop)) for one in loops]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


@asynccontextmanager
async def world_of(settings: Settings) -> AsyncIterator[World]:
    await topics.ensure(settings)
    platform = PlatformContainer(settings=settings, name="test")
    engine = create_async_engine(settings.postgres.url.reveal(), poolclass=NullPool)
    publisher = KafkaPublisher(settings.kafka, name="test")
    yield World(settings=settings, platform=platform, engine=engine, publisher=publisher)
    await publisher.close()
    await engine.dispose()
    await platform.engine().dispose()


def authorized(order: UUID) -> tuple[UUID, Event]:
    money = Money(amount=1000, currency="RUB")
    return order, PaymentAuthorized(order_id=OrderId(order), authorization_id="a", amount=money)


def issued(order: UUID) -> tuple[UUID, Event]:
    """Completes its order."""
    return order, TicketIssued(order_id=OrderId(order), tickets=())


def _record(topic: str, event_id: UUID, order: UUID, event: Event, more: Mapping[str, bytes]) -> Record:
    headers = {
        "ce_id": str(event_id).encode(),
        "ce_type": event.TYPE.encode(),
        "ce_subject": str(order).encode(),
        "correlationid": b"test",
        **more,
    }
    return Record(topic=topic, key=str(order).encode(), value=to_json(event).encode(), headers=tuple(headers.items()))


def _order(order: UUID) -> dict[str, Any]:
    return {
        "id": order,
        "customer_id": "ann",
        "status": "CREATED",
        "payment_method": "pm_ok",
        "total_amount": 1000,
        "currency": "RUB",
        "created_at": datetime.now(UTC),
        "updated_at": datetime.now(UTC),
    }


def _item(order: UUID) -> dict[str, Any]:
    return {"order_id": order, "position": 0, "flight_id": uuid4(), "seats": 1, "unit_amount": 1000}
