"""The saga on the real database, step by step: the processes of all roles in one, and Kafka in memory between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from dependency_injector import providers
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap import roles
from ordersys.bootstrap.messaging import UseCases
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import KafkaSettings, PostgresSettings, RelaySettings, Secret, Settings
from ordersys.domain.orders.placing import SeatRequest
from ordersys.domain.payments.payment import Answer, Authorized, Done, PaymentStatus
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.entrypoint.consumers.subscriptions import streams_of
from ordersys.infrastructure.postgres import tables
from ordersys.messaging.consumer import Consumer
from ordersys.messaging.relay import Relay
from ordersys.messaging.retry_loop import RetryLoop
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, TICKET_SERVICE
from ordersys.usecase.orders.advance_orders import AdvanceOrders
from ordersys.usecase.orders.cancel_orders import CancelOrder, ExpireOrders
from ordersys.usecase.orders.place_orders import PlaceOrder
from ordersys.usecase.orders.ports import OrderPlaced
from ordersys.usecase.orders.refund_orders import RefundOrder
from ordersys.usecase.payments.change_payments import ChangePayments
from ordersys.usecase.payments.request_payments import RequestPayments
from ordersys.usecase.payments.settle_payments import RecordPayment
from ordersys.usecase.tickets.issue_tickets import IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTickets
from tests.fakes.kafka import FakeKafka, FakePublisher, FakeStream
from tests.fakes.making import ANNA, CAUSE, place
from tests.fakes.payments import FakeDispatcher
from tests.servers import NO_REDIS

STREAMS = "orders", "payments", "tickets", "dlq"
FLIGHTS = 5
SEATS = 1_000_000


def settings_of(url: str) -> Settings:
    """Leases are balanced at the first pass only, and a partition's first record only is counted ahead."""
    return Settings(
        postgres=PostgresSettings(url=Secret(url), pool_size=4),
        kafka=KafkaSettings(topic_prefix="t.", batch_size=1),
        redis=NO_REDIS,
        relay=RelaySettings(lease_seconds=300),
    )


@dataclass(slots=True, kw_only=True)
class Saga:
    """A batch holds as many orders as were placed together. Flights are shared by all of them."""

    platform: PlatformContainer
    kafka: FakeKafka
    relay: Relay
    consumers: dict[str, Consumer[Any]]
    retries: RetryLoop[Any]
    flights: Sequence[FlightId]

    @property
    def engine(self) -> AsyncEngine:
        engine: AsyncEngine = self.platform.engine()
        return engine

    def _purchase(self, number: int) -> PlaceOrder:
        wanted = SeatRequest(flight_id=self.flights[number % FLIGHTS], seats=1)
        return place(wanted, key=uuid4().hex)

    async def place(self, count: int) -> list[OrderId]:
        purchases = [self._purchase(number) for number in range(count)]
        results = await roles.order_container(self.platform).place_orders().execute(purchases)
        return [OrderId(result.order.id) for result in results if isinstance(result, OrderPlaced)]

    async def cancel(self, orders: Sequence[OrderId]) -> None:
        commands = [CancelOrder(order_id=one, customer_id=ANNA, reason="no", cause=CAUSE) for one in orders]
        await roles.order_container(self.platform).cancel_orders().execute(commands)

    async def refund(self, orders: Sequence[OrderId]) -> None:
        commands = [RefundOrder(order_id=one, customer_id=ANNA, reason="no", cause=CAUSE) for one in orders]
        await roles.order_container(self.platform).refund_orders().execute(commands)

    async def expire(self) -> None:
        expiring: ExpireOrders = roles.order_container(self.platform).expire_orders()
        await replace(expiring, deadline=timedelta(seconds=-60)).run_once()

    async def relayed(self) -> None:
        """One pass."""
        await self.relay.run_once()

    async def consume(self, group: str) -> None:
        """One batch."""
        await self.consumers[group].run_once()

    async def claim(self, limit: int = 1000) -> Sequence[Any]:
        claimed: Sequence[Any] = await roles.payment_container(self.platform).claim_payments().execute(limit)
        return claimed

    async def record(self, intents: Sequence[Any], answer: Answer | None = None) -> None:
        """`answer` None: each as it hopes for."""
        commands = [RecordPayment(intent=intent, answer=answer or _hoped(intent.status)) for intent in intents]
        await roles.payment_container(self.platform).record_payments().execute(commands)

    async def settle_down(self) -> None:
        """Until nothing is under way any more."""
        while any([await self.relay.run_once(), *[await one.run_once() for one in self.consumers.values()]]):
            await self.record(await self.claim())

    async def retry(self) -> None:
        await self.retries.run_once()


def _hoped(status: PaymentStatus) -> Answer:
    return Authorized(authorization_id="a") if status is PaymentStatus.REQUESTED else Done()


async def saga_of(platform: PlatformContainer) -> Saga:
    kafka = FakeKafka([f"t.{stream}" for stream in STREAMS], partitions=1)
    outbox = roles.relay_container(platform)
    outbox.publisher.override(providers.Object(FakePublisher(kafka=kafka)))
    orders, payments = roles.order_container(platform), roles.payment_container(platform)
    payments.dispatcher.override(providers.Object(FakeDispatcher()))
    tickets = roles.ticket_container(platform)
    groups: Mapping[str, UseCases] = {
        ORDER_SERVICE: {AdvanceOrders: orders.advance_orders},
        PAYMENT_SERVICE: {
            RequestPayments: payments.request_payments,
            ChangePayments: payments.change_payments,
        },
        TICKET_SERVICE: {IssueTickets: tickets.issue_tickets, VoidTickets: tickets.void_tickets},
    }
    containers = {group: roles.consumer_container(platform, group, made) for group, made in groups.items()}
    for group, container in containers.items():
        topics = [f"t.{stream}" for stream in streams_of(group)]
        container.stream.override(providers.Object(FakeStream(kafka=kafka, group=group, topics=topics)))
    flights = [_flight(number) for number in range(FLIGHTS)]
    async with platform.engine().begin() as connection:
        await connection.execute(insert(tables.flights), flights)
    return Saga(
        platform=platform,
        kafka=kafka,
        relay=outbox.relay(),
        consumers={group: container.consumer() for group, container in containers.items()},
        retries=containers[ORDER_SERVICE].retry_loop(),
        flights=[flight["id"] for flight in flights],
    )


def _flight(number: int) -> dict[str, Any]:
    soon = datetime.now(UTC) + timedelta(days=30, hours=number)
    return {
        "id": uuid4(),
        "airline": "Aeroflot",
        "number": f"SU{number}",
        "origin": "SVO",
        "destination": "LED",
        "departs_at": soon,
        "arrives_at": soon + timedelta(hours=1),
        "price_amount": 1000,
        "currency": "RUB",
        "seats_total": SEATS,
    }
