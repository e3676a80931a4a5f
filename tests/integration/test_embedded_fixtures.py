"""What every other test against real servers stands on."""

import redis.asyncio as redis
from confluent_kafka.admin import AdminClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers import KafkaServer, ValkeyServer


async def test_a_test_gets_a_migrated_database_of_its_own(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM orders")) == 0
        assert await connection.scalar(text("SELECT current_user")) == "ordersys"
    await engine.dispose()


def test_a_test_gets_topics_of_its_own(topic_prefix: str, kafka_server: KafkaServer) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_server.bootstrap_servers})
    names = admin.list_topics(timeout=5).topics
    assert {f"{topic_prefix}{stream}" for stream in ("orders", "payments", "tickets", "dlq")} <= set(names)


async def test_valkey_answers(valkey_server: ValkeyServer) -> None:
    async with redis.from_url(valkey_server.url) as client:
        assert await client.ping()
