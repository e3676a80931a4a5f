"""The api role on a port of its own, its loops running: for what takes a connection that stays open."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from dependency_injector import providers
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from ordersys.bootstrap import roles
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import HttpSettings, PostgresSettings, Secret, Settings
from ordersys.entrypoint.http.tokens import UserRole, mint
from ordersys.entrypoint.runtime import run
from ordersys.infrastructure.postgres import tables
from ordersys.workshop.extension import extend
from ordersys.workshop.stack.servers import ports
from tests.integration.http_api import NOBODY, flight_row, order_of
from tests.integration.statements import Recorder
from tests.servers import NO_REDIS
from tests.waiting import eventually

FLIGHTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    kind: str
    version: str
    data: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """An open stream of server-sent events."""

    answer: httpx.Response
    lines: AsyncIterator[str]

    async def next(self, within: float = 5.0) -> Event:
        """The next event; comments and hints are passed over. Raises StopAsyncIteration when the stream is closed."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(within):
            while True:
                line = await anext(self.lines)
                name, _, value = line.partition(": ")
                if line and name:
                    fields[name] = value
                elif "event" in fields:
                    return Event(kind=fields["event"], version=fields.get("id", ""), data=json.loads(fields["data"]))
                else:
                    fields = {}

    async def until(self, status: str) -> Event:
        while (event := await self.next()).data["order"]["status"] != status:
            pass
        return event

    async def closed(self) -> bool:
        """Whether nothing comes any more, neither an event."""
        try:
            await self.next()
        except StopAsyncIteration:
            return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveApi:
    client: httpx.AsyncClient
    recorder: Recorder
    role: "asyncio.Task[None]"
    settings: Settings
    flight: UUID

    async def order(self, user: str = "ann") -> str:
        headers = {**self.bearer(user), "Idempotency-Key": str(uuid4())}
        answer = await self.client.post("/orders", json=order_of(self.flight), headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def cancel(self, order_id: str, user: str = "ann") -> None:
        body = {"reason": "changed my mind"}
        answer = await self.client.post(f"/orders/{order_id}/cancel", json=body, headers=self.bearer(user))
        assert answer.status_code == 202, answer.text

    @asynccontextmanager
    async def watching(self, order_id: str, user: str = "ann", role: UserRole = "customer") -> AsyncIterator[Events]:
        headers = self.bearer(user, role)
        async with self.client.stream("GET", f"/orders/{order_id}/events", headers=headers) as answer:
            if answer.status_code != 200:
                await answer.aread()
            yield Events(answer=answer, lines=answer.aiter_lines())

    def bearer(self, user: str, role: UserRole = "customer") -> Mapping[str, str]:
        return {"Authorization": f"Bearer {mint(self.settings.auth, user, role, datetime.now(UTC))}"}

    def terminate(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@asynccontextmanager
async def live(url: str, **sections: Any) -> AsyncIterator[LiveApi]:
    """`sections` as in `http_api.serving`. It is ended by a real SIGTERM: the test needs `signal_handlers`."""
    http = HttpSettings(port=ports.choose(()))
    postgres = PostgresSettings(url=Secret(url), connect_timeout_seconds=1)
    settings = Settings(postgres=postgres, http=http, **{"kafka": NOBODY, "redis": NO_REDIS, **sections})
    platform = PlatformContainer(settings=settings, name="api", extend=providers.Object(extend))
    recorder = Recorder(platform.engine())
    role = asyncio.create_task(run(lambda: roles.api(platform), settings, "api"))
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http.port}", timeout=10, limits=limits) as client:
        started: Callable[[], bool | Awaitable[bool]] = _answers(client)
        await eventually(started, within=10)
        api = LiveApi(client=client, recorder=recorder, role=role, settings=settings, flight=await _flight(url))
        yield api
        if not role.done():
            api.terminate()
    await asyncio.wait_for(role, 10)


def _answers(client: httpx.AsyncClient) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        try:
            return (await client.get("/health/live")).status_code == 200
        except httpx.TransportError:
            return False

    return answers


async def _flight(url: str) -> UUID:
    """Of some, so that a load need not look for more."""
    departs_at = datetime.now(UTC) + timedelta(days=1)
    made = [flight_row(seats_total=1000, departs_at=departs_at) for _ in range(FLIGHTS)]
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(insert(tables.flights), made)
    await engine.dispose()
    return UUID(str(made[0]["id"]))
