"""Each fault point bites on the real parts, and behind it nothing is lost and nothing done twice."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from ordersys.bootstrap import roles
from ordersys.bootstrap.messaging import UseCases
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import KafkaSettings, PaymentsSettings, PostgresSettings, RetriesSettings, Secret, Settings
from ordersys.domain.orders.placing import SeatRequest
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import CustomerId, FlightId
from ordersys.infrastructure.postgres import tables
from ordersys.messaging.envelope import Cause
from ordersys.messaging.topics import PAYMENT_SERVICE
from ordersys.usecase.orders.place_orders import PlaceOrder
from ordersys.usecase.orders.ports import IdempotencyKey
from ordersys.usecase.payments.change_payments import ChangePayments
from ordersys.usecase.payments.request_payments import RequestPayments
from ordersys.workshop.chaos.composition import CRASHED
from ordersys.workshop.chaos.faults import POINTS, SeededFaults
from tests.integration.extended import platform_with_faults
from tests.integration.http_api import flight_row
from tests.servers import NO_REDIS, KafkaServer
from tests.waiting import eventually

ORDERS = 20
WITHIN = 30.0
SOON = (0.05,) * 10
CRASHES = """
import asyncio, sys
from tests.integration.test_chaos_points import consume_until_it_crashes
asyncio.run(consume_until_it_crashes(*sys.argv[1:]))
"""


def platform_of(url: str, servers: str, prefix: str) -> tuple[PlatformContainer, SeededFaults]:
    settings = Settings(
        postgres=PostgresSettings(url=Secret(url)),
        kafka=KafkaSettings(bootstrap_servers=servers, topic_prefix=prefix),
        redis=NO_REDIS,
        payments=PaymentsSettings(gateway_timeout_seconds=0.2, lease_seconds=1, retry_delays_seconds=(0.05,)),
        retries=RetriesSettings(delays_seconds=SOON),
    )
    return platform_with_faults(settings, f"half-{uuid4().hex[:6]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfASystem:
    """The way of an order from its commit to the intent to pay: outbox, relay, Kafka, payment-service."""

    platform: PlatformContainer
    faults: SeededFaults
    relay: Callable[[], Awaitable[int]]
    consume: Callable[[], Awaitable[int]]
    retry: Callable[[], Awaitable[int]]

    def rates(self, rates: dict[str, float]) -> None:
        self.faults.adopt(rates)

    def struck(self, point: str) -> int:
        return int(self.faults.struck[point])

    async def place(self, number: int = ORDERS) -> None:
        row = flight_row(seats_total=1000)
        async with self.platform.engine().begin() as connection:
            await connection.execute(insert(tables.flights), [row])
        commands = [_command(FlightId(row["id"]), f"k{n}") for n in range(number)]
        await roles.order_container(self.platform).place_orders().execute(commands)

    async def count(self, table: str) -> int:
        async with self.platform.engine().connect() as connection:
            return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())  # noqa: S608

    async def settled(self) -> bool:
        """One turn of everything; true when nothing is left to do."""
        for turn in (self.relay, self.consume, *[self.retry] * ORDERS):
            with _transient():
                await turn()
        left = [await self.count(table) for table in ("outbox", "inbox_retries")]
        return not any(left) and await self.count("payments") == ORDERS

    def deduplicated(self) -> float:
        labels = {"consumer": PAYMENT_SERVICE}
        registry = self.platform.metrics().registry
        return registry.get_sample_value("ordersys_events_deduplicated_total", labels) or 0.0

    def counted(self, point: str) -> float:
        registry = self.platform.metrics().registry
        return registry.get_sample_value("ordersys_chaos_faults_total", {"point": point}) or 0.0


@asynccontextmanager
async def half_a_system(url: str, servers: str, prefix: str) -> AsyncIterator[HalfASystem]:
    platform, faults = platform_of(url, servers, prefix)
    payments = roles.payment_container(platform)
    use_cases: UseCases = {RequestPayments: payments.request_payments, ChangePayments: payments.change_payments}
    service = roles.consumer_container(platform, PAYMENT_SERVICE, use_cases)
    outbox = roles.relay_container(platform)
    yield HalfASystem(
        platform=platform,
        faults=faults,
        relay=outbox.relay().run_once,
        # Not before they are asked: a member that does not poll would keep its partitions from the others.
        consume=lambda: service.consumer().run_once(),
        retry=lambda: service.retry_loop().run_once(),
    )
    for leave in (service.stream().close, outbox.publisher().close, platform.engine().dispose):
        await leave()


async def done(condition: Callable[[], Awaitable[bool]]) -> None:
    asked: Callable[[], bool | Awaitable[bool]] = condition
    await eventually(asked, within=WITHIN)


@pytest.fixture
async def system(database_url: str, kafka_server: KafkaServer, topic_prefix: str) -> AsyncIterator[HalfASystem]:
    async with half_a_system(database_url, kafka_server.bootstrap_servers, topic_prefix) as system:
        yield system


@pytest.mark.parametrize(
    ("point", "doubles"),
    [
        ("publish.drop", False),
        ("publish.ack_lost", True),
        ("publish.duplicate", True),
        ("publish.delay", False),
        ("consume.fail", False),
        ("database.blip", False),
    ],
)
async def test_every_order_reaches_the_payment_service_once(system: HalfASystem, point: str, doubles: bool) -> None:
    await system.place()
    system.rates({point: 0.3})

    await done(system.settled)

    assert system.struck(point) == system.counted(point) > 0
    assert await system.count("inbox_events") == await system.count("outbox_archive") == ORDERS
    assert await system.count("dead_letters") == 0
    if doubles:
        assert system.deduplicated() > 0


async def test_an_order_is_placed_whatever_became_of_the_answer_of_the_database(system: HalfASystem) -> None:
    """Its commit fails the first time and is not heard of the second time; both are told as unavailable."""
    system.rates({"database.blip": 1.0})
    row = flight_row()
    async with system.platform.engine().begin() as connection:
        await connection.execute(insert(tables.flights), [row])
    place = roles.order_container(system.platform).place_orders().execute
    command = _command(FlightId(row["id"]), "k")

    seen = []
    for _ in range(2):
        with pytest.raises(DomainError, match="blinked"):
            await place([command])
        seen.append(await system.count("orders"))
    system.rates({})
    (answer,) = await place([command])

    assert (seen, answer.replayed, await system.count("orders")) == ([0, 1], True, 1)


async def test_a_gateway_that_does_not_answer_is_asked_again_and_charges_once(system: HalfASystem) -> None:
    await system.place()
    await done(system.settled)
    dispatcher = roles.payment_container(system.platform).dispatcher()
    system.rates({"gateway.timeout": 0.5})

    async def authorized() -> bool:
        await dispatcher.run_once()
        return await system.count("payments WHERE status = 'AUTHORIZED'") == ORDERS

    await done(authorized)
    await dispatcher.drained()

    assert system.struck("gateway.timeout") > 0
    assert await system.count("gateway_charges") == ORDERS
    assert await system.count("gateway_charges WHERE calls > 1") > 0
    assert await system.count("outbox WHERE type = 'ordersys.PaymentAuthorized.v1'") == ORDERS


async def test_a_crash_in_the_handler_leaves_no_effect_and_the_event_is_handled_after_it(
    system: HalfASystem, database_url: str, kafka_server: KafkaServer, topic_prefix: str
) -> None:
    await system.place()

    async def sent() -> bool:
        await system.relay()
        return not await system.count("outbox")

    await done(sent)
    arguments = (database_url, kafka_server.bootstrap_servers, topic_prefix)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CRASHES, *arguments)
    try:
        assert await asyncio.wait_for(process.wait(), WITHIN) == CRASHED
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    assert await system.count("payments") == await system.count("inbox_events") == 0
    await done(system.settled)
    assert await system.count("inbox_events") == ORDERS
    assert await system.count("dead_letters") == 0


async def consume_until_it_crashes(url: str, servers: str, prefix: str) -> None:
    async with half_a_system(url, servers, prefix) as system:
        system.rates({"consume.crash": 1.0})
        while True:
            await system.consume()


def test_every_point_has_its_test() -> None:
    """airline.reject is seen in tests/unit: it is no fault of ours, but an answer of the airline."""
    tested = {"publish.drop", "publish.ack_lost", "publish.duplicate", "publish.delay", "consume.fail"}
    assert tested | {"consume.crash", "database.blip", "gateway.timeout", "airline.reject"} == set(POINTS)


def _command(flight: FlightId, key: str) -> PlaceOrder:
    customer = CustomerId("ann")
    return PlaceOrder(
        customer_id=customer,
        items=(SeatRequest(flight_id=flight, seats=1),),
        payment_method="pm_ok",
        expected_total=None,
        idempotency=IdempotencyKey(customer_id=customer, route="POST /orders", key=key),
        fingerprint=b"f",
        cause=Cause(correlation_id=key),
    )


@contextmanager
def _transient() -> Iterator[None]:
    """Lets what the loops would wait out pass; any other error is the test's."""
    try:
        yield
    except DomainError as error:
        if error.kind is not Kind.TRANSIENT:
            raise
