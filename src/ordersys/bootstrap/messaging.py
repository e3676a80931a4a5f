"""The messaging kernel of a role: the relay of a worker, the consumer of a service."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.extension import Extension, wrapped
from ordersys.bootstrap.notifications import channel_opener
from ordersys.config import KafkaSettings, RedisSettings, RelaySettings, RetriesSettings
from ordersys.entrypoint.consumers.dispatch import Dispatch, decode
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, UseCase, streams_of, types_of
from ordersys.infrastructure.kafka.client import topic_name
from ordersys.infrastructure.kafka.group_lags import GroupLags
from ordersys.infrastructure.kafka.producer import KafkaPublisher
from ordersys.infrastructure.kafka.stream import KafkaStream
from ordersys.infrastructure.postgres.codec import read_uuid
from ordersys.infrastructure.postgres.shard_leases import PostgresShardLeases
from ordersys.infrastructure.postgres.unit_of_work import PostgresTransaction
from ordersys.messaging.consumer import Consumer
from ordersys.messaging.crash_loop_guard import CrashLoopGuard
from ordersys.messaging.handling import ConsumerMeter, Handler
from ordersys.messaging.notifications import NotificationReader
from ordersys.messaging.notified_relay import NotifiedRelay
from ordersys.messaging.outbox import OutboxQueue
from ordersys.messaging.relay import Relay, RelayMeter, RelayTuning
from ordersys.messaging.retry_loop import RetryLoop
from ordersys.messaging.unit_of_work import UnitOfWork

UseCases = Mapping[type[UseCase], Callable[..., UseCase]]


def _tuning(relay: RelaySettings, kafka: KafkaSettings) -> RelayTuning:
    return RelayTuning(
        batch_size=relay.batch_size,
        lease_seconds=relay.lease_seconds,
        retry_delays=[delay / 1000 for delay in relay.retry_delays_ms],
        topic_prefix=kafka.topic_prefix,
    )


def _notified_relay(relay: Relay, settings: RelaySettings) -> NotifiedRelay:
    return NotifiedRelay(
        relay=relay.run_once,
        ticker=monotonic,
        idle=settings.idle_poll_ms / 1000,
        disconnected_idle=settings.disconnected_poll_ms / 1000,
    )


class RelayContainer(containers.DeclarativeContainer):
    engine = providers.Dependency(instance_of=AsyncEngine)
    queue: providers.Dependency[OutboxQueue] = providers.Dependency()
    extension = providers.Dependency(instance_of=Extension)
    meter: providers.Dependency[RelayMeter] = providers.Dependency()
    name = providers.Dependency(instance_of=str)
    settings = providers.Dependency(instance_of=RelaySettings)
    kafka = providers.Dependency(instance_of=KafkaSettings)
    redis = providers.Dependency(instance_of=RedisSettings)

    publisher = providers.Singleton(KafkaPublisher, kafka, name=name)
    leases = providers.Singleton(
        PostgresShardLeases, engine=engine, owner=name, lease_seconds=settings.provided.lease_seconds
    )
    relay = providers.Singleton(
        Relay,
        queue=queue,
        leases=leases,
        publisher=providers.Callable(wrapped, extension.provided.publisher, publisher),
        meter=meter,
        ticker=providers.Object(monotonic),
        tuning=providers.Factory(_tuning, settings, kafka),
    )
    notified_relay = providers.Singleton(_notified_relay, relay, settings)
    reader = providers.Singleton(
        NotificationReader, open=providers.Callable(channel_opener, redis, name), subscriber=notified_relay
    )


def _stream(kafka: KafkaSettings, group: str, name: str) -> KafkaStream:
    topics = sorted(topic_name(kafka, stream) for stream in streams_of(group))
    return KafkaStream(kafka, group=group, topics=topics, instance=name)


def _dispatch(group: str, use_cases: UseCases) -> Dispatch[PostgresTransaction]:
    factories = {kind: lambda joined, make=make: make(unit_of_work=joined) for kind, make in use_cases.items()}
    return Dispatch(subscriptions=SUBSCRIPTIONS[group], use_cases=factories)


def _consumer(
    group: str,
    *,
    stream: KafkaStream,
    unit_of_work: UnitOfWork[PostgresTransaction],
    handle: Handler[PostgresTransaction],
    meter: ConsumerMeter,
    kafka: KafkaSettings,
    retries: RetriesSettings,
) -> Consumer[PostgresTransaction]:
    return Consumer(
        name=group,
        stream=stream,
        unit_of_work=unit_of_work,
        handle=handle,
        decode=decode,
        subscribed=types_of(group),
        meter=meter,
        crash_loop_guard=CrashLoopGuard(limit=kafka.batch_size),
        batch_size=kafka.batch_size,
        retry_delay=retries.delays_seconds[0],
        parse_id=read_uuid,
    )


def _retry_loop(
    group: str,
    *,
    unit_of_work: UnitOfWork[PostgresTransaction],
    handle: Handler[PostgresTransaction],
    meter: ConsumerMeter,
    retries: RetriesSettings,
) -> RetryLoop[PostgresTransaction]:
    return RetryLoop(
        name=group,
        unit_of_work=unit_of_work,
        handle=handle,
        decode=decode,
        subscribed=types_of(group),
        meter=meter,
        delays=retries.delays_seconds,
    )


def group_lags(kafka: KafkaSettings) -> GroupLags:
    topics = {group: [topic_name(kafka, stream) for stream in streams_of(group)] for group in SUBSCRIPTIONS}
    return GroupLags(kafka, topics)


class ConsumerContainer(containers.DeclarativeContainer):
    """`use_cases`: a factory for each use case of the group's subscriptions."""

    group = providers.Dependency(instance_of=str)
    use_cases: providers.Dependency[UseCases] = providers.Dependency()
    unit_of_work: providers.Dependency[UnitOfWork[Any]] = providers.Dependency()
    extension = providers.Dependency(instance_of=Extension)
    meter: providers.Dependency[ConsumerMeter] = providers.Dependency()
    name = providers.Dependency(instance_of=str)
    kafka = providers.Dependency(instance_of=KafkaSettings)
    settings = providers.Dependency(instance_of=RetriesSettings)

    stream = providers.Singleton(_stream, kafka, group, name)
    dispatch = providers.Singleton(_dispatch, group, use_cases)
    handle = providers.Singleton(wrapped, extension.provided.handler, dispatch)
    consumer = providers.Singleton(
        _consumer,
        group,
        stream=stream,
        unit_of_work=unit_of_work,
        handle=handle,
        meter=meter,
        kafka=kafka,
        retries=settings,
    )
    retry_loop = providers.Singleton(
        _retry_loop, group, unit_of_work=unit_of_work, handle=handle, meter=meter, retries=settings
    )
