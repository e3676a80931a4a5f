"""The api role's own application over a real database, as a client sees it, and what its tests ask again and again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
from dependency_injector import providers
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ordersys.bootstrap import roles
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import KafkaSettings, PostgresSettings, Secret, Settings
from ordersys.entrypoint.http.tokens import UserRole, mint
from ordersys.entrypoint.runtime import Assembly
from ordersys.infrastructure.postgres import tables
from ordersys.workshop.extension import extend
from tests.servers import NO_REDIS

DEPARTURE = datetime(2031, 5, 1, 8, 30, tzinfo=UTC)
PRICE = 540_000
NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1")
LEAKS = ("Traceback", "asyncpg", "sqlalchemy", "SELECT ", "INSERT ", "localhost", "127.0.0.1", "postgres", ".py")
PROBLEM_FIELDS = {"type", "title", "status", "code", "detail"}
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One instance of the api role; requests go through the whole application, without a socket. `engine` is the
    test's own.
    """

    client: httpx.AsyncClient
    assembly: Assembly
    engine: AsyncEngine
    settings: Settings

    async def get(self, path: str, *, user: str = "", role: UserRole = "customer", **query: Any) -> httpx.Response:
        """Without a user, nobody in particular asks."""
        return await self.client.get(path, params=query, headers=self.bearer(user, role) if user else {})

    async def search(self, **changes: str | None) -> httpx.Response:
        """GET /flights; None leaves a parameter out."""
        query = {"from": "SVO", "to": "LED", "date": "2031-05-01", **changes}
        return await self.client.get("/flights", params={name: value for name, value in query.items() if value})

    async def post(self, body: Any, *, key: str | None = None, user: str = "ann", **headers: str) -> httpx.Response:
        """POST /orders; with a key of its own unless one is given ("" for none). Text and bytes go as they are."""
        key = str(uuid4()) if key is None else key
        sent = {**self.bearer(user), **({"Idempotency-Key": key} if key else {}), **headers}
        content = {"content": body} if isinstance(body, str | bytes) else {"json": body}
        return await self.client.post("/orders", headers=sent, **content)

    async def place(self, flight: UUID, *, seats: int = 1, user: str = "ann") -> dict[str, Any]:
        answer = await self.post(order_of(flight, seats=seats), user=user)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def change(
        self, order_id: str, verb: str, body: Any = None, *, user: str = "ann", role: UserRole = "customer"
    ) -> httpx.Response:
        """POST /orders/{id}/cancel or /refund. Text and bytes go as they are."""
        sent = {"reason": "changed my mind"} if body is None else body
        content = {"content": sent} if isinstance(sent, str | bytes) else {"json": sent}
        return await self.client.post(f"/orders/{order_id}/{verb}", headers=self.bearer(user, role), **content)

    def bearer(self, user: str, role: UserRole = "customer") -> dict[str, str]:
        return {"Authorization": f"Bearer {mint(self.settings.auth, user, role, datetime.now(UTC))}"}

    async def flight(self, **changes: Any) -> UUID:
        row = flight_row(**changes)
        async with self.engine.begin() as connection:
            await connection.execute(insert(tables.flights), [row])
        return UUID(str(row["id"]))

    async def count(self, table: str) -> int:
        async with self.engine.connect() as connection:
            return int((await connection.execute(select(func.count()).select_from(text(table)))).scalar_one())

    async def seats_taken(self, flight: UUID) -> int:
        taken = select(tables.flights.c.seats_taken).where(tables.flights.c.id == flight)
        async with self.engine.connect() as connection:
            return int((await connection.execute(taken)).scalar_one())

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)


@asynccontextmanager
async def serving(url: str, **sections: Any) -> AsyncIterator[Api]:
    """`sections`: parts of the settings that differ from their defaults. There is neither Kafka nor Redis: the api
    needs none."""
    postgres = sections.pop("postgres", PostgresSettings(url=Secret(url), connect_timeout_seconds=1))
    settings = Settings(postgres=postgres, **{"kafka": NOBODY, "redis": NO_REDIS, **sections})
    assembly = roles.api(PlatformContainer(settings=settings, name="api", extend=providers.Object(extend)))
    # As in production: an error that nobody foresaw is the application's to answer, not the test client's to raise.
    transport = httpx.ASGITransport(app=assembly.app, raise_app_exceptions=False)
    engine = create_async_engine(url)
    async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=30) as client:
        yield Api(client=client, assembly=assembly, engine=engine, settings=settings)
    for leave in (*assembly.leaving, engine.dispose):
        await leave()


def order_of(*flights: UUID, seats: int = 1, **more: Any) -> dict[str, Any]:
    return {"items": [{"flight_id": str(flight), "seats": seats} for flight in flights], **more}


def flight_row(**changes: Any) -> Mapping[str, Any]:
    departs_at = changes.get("departs_at", DEPARTURE)
    row = {
        "id": uuid4(),
        "airline": "Aurora",
        "number": f"AU {next(_numbers)}",
        "origin": "SVO",
        "destination": "LED",
        "departs_at": departs_at,
        "arrives_at": departs_at + timedelta(minutes=95),
        "price_amount": PRICE,
        "currency": "RUB",
        "seats_total": 100,
    }
    return row | changes


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, after a look at its form: problem+json that tells nothing of the inside."""
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert problem.keys() - {"errors"} == PROBLEM_FIELDS
    assert problem["status"] == answer.status_code
    assert not leaks(answer)
    return answer.status_code, problem["code"]


def leaks(answer: httpx.Response) -> Sequence[str]:
    return [word for word in LEAKS if word in answer.text]
