"""A Redis publish/subscribe channel. Every wait has a timeout."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ordersys.config import RedisSettings
from ordersys.domain.shared.errors import Unavailable

TROUBLE: Final = (RedisError, OSError, TimeoutError)
MESSAGE: Final = "message"


class RedisChannel:
    """Implements messaging.notifications.Channel. Connects when it is first used; `name` shows in CLIENT LIST."""

    def __init__(self, redis: RedisSettings, *, channel: str, name: str) -> None:
        self._channel = channel
        self._patience = redis.timeout_seconds
        # No retry in the client: a subscriber that reconnected silently would not know that it missed messages.
        self._client = Redis.from_url(
            redis.url.reveal(),
            socket_timeout=redis.timeout_seconds,
            socket_connect_timeout=redis.timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            client_name=name,
        )
        self._subscription: PubSub | None = None

    async def publish(self, message: bytes) -> int:
        with _translated():
            return int(await self._client.publish(self._channel, message))

    async def subscribe(self) -> None:
        if self._subscription:
            return
        self._subscription = self._client.pubsub()
        with _translated():
            await self._subscription.subscribe(self._channel)
            if await self._subscription.get_message(timeout=self._patience) is None:
                raise TimeoutError

    async def receive(self, seconds: float) -> Sequence[bytes]:
        messages: list[bytes] = []
        with _translated():
            while self._subscription:
                told = await self._subscription.get_message(timeout=0.0 if messages else seconds)
                if told is None:
                    break
                if told["type"] == MESSAGE:
                    messages.append(told["data"])
        return messages

    async def unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription:
            with suppress(*TROUBLE):
                await subscription.aclose()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    async def close(self) -> None:
        await self.unsubscribe()
        with suppress(*TROUBLE):
            await self._client.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except TROUBLE as error:
        raise Unavailable("redis", f"redis cannot be reached: {type(error).__name__}") from error
