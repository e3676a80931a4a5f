"""A whole stack as a stranger starts it: `ordersys up` in an empty folder, driven from outside."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ordersys.config import AuthSettings
from ordersys.entrypoint.http.tokens import mint
from ordersys.workshop.stack.commands import services
from ordersys.workshop.stack.supervision.children import ChildState
from tests.waiting import eventually_blocking

ORDERSYS = [sys.executable, "-m", "ordersys"]
UP_SECONDS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """`settings`: by their environment names, what differs from the defaults."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, within: float = 60) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ORDERSYS__")}
        environ |= self.settings
        command = [*ORDERSYS, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environ, timeout=within, capture_output=True, text=True, check=False
        )

    def up(self, *arguments: str) -> str:
        done = self.run("up", *arguments, within=UP_SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def down(self) -> None:
        done = self.run("down")
        assert done.returncode == 0, done.stdout + done.stderr

    def services(self) -> dict[str, ChildState]:
        """What `status` shows, without the price of a process for each look."""
        return {service.name: service for service in services(self.folder / ".ordersys")}

    def kill(self, name: str) -> ChildState:
        """SIGKILL; answers what the service was."""
        service = self.services()[name]
        assert service.pid is not None
        os.kill(service.pid, signal.SIGKILL)
        return service

    def query(self, statement: str, **bound: object) -> list[Any]:
        """Asks the stack's database, as soon as it answers."""
        address = self.services()["postgres"].address.replace("postgresql://", "postgresql+asyncpg://")
        return asyncio.run(_fetch(address, statement, bound))

    def client(self, user: str) -> "Customer":
        return Customer(address=self.services()["api"].address, user=user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Talks to the api as one customer."""

    address: str
    user: str

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.address + path, headers=self._headers(), timeout=10)

    def order(self, flight: str, *, key: str, seats: int = 1, method: str = "pm_ok") -> httpx.Response:
        body = {"items": [{"flight_id": flight, "seats": seats}], "payment_method": method}
        headers = {**self._headers(), "Idempotency-Key": key}
        return httpx.post(self.address + "/orders", json=body, headers=headers, timeout=10)

    def change(self, order_id: str, verb: str) -> httpx.Response:
        """Cancels or refunds."""
        path = f"{self.address}/orders/{order_id}/{verb}"
        return httpx.post(path, json={"reason": "changed my mind"}, headers=self._headers(), timeout=10)

    def settled(self, order_id: str, status: str, within: float = 20) -> dict[str, Any]:
        """The workflow of an order, once it has that status and waits for nothing more."""

        def look() -> dict[str, Any] | None:
            flow: dict[str, Any] = self.get(f"/orders/{order_id}/workflow").json()
            return flow if flow["order"]["status"] == status and flow["waiting_for"] is None else None

        found = eventually_blocking(look, within=within, what=f"order {order_id} is {status} and settled")
        assert found is not None
        return found

    def ended(self, order_id: str, within: float = 20) -> dict[str, Any]:
        """The order, once it is COMPLETED or CANCELLED."""

        def look() -> dict[str, Any] | None:
            order: dict[str, Any] = self.get(f"/orders/{order_id}").json()
            return order if order.get("status") in {"COMPLETED", "CANCELLED"} else None

        found = eventually_blocking(look, within=within, what=f"the end of order {order_id}")
        assert found is not None
        return found

    def watch(self, order_id: str, within: float = 20) -> Iterator[tuple[str, Any]]:
        """What `GET /orders/{id}/events` tells: kind and content of each event, until the stream closes."""
        path, kind = f"{self.address}/orders/{order_id}/events", ""
        with httpx.stream("GET", path, headers=self._headers(), timeout=within) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {mint(AuthSettings(), self.user, 'customer', datetime.now(UTC))}"}


async def _fetch(address: str, statement: str, bound: dict[str, object]) -> list[Any]:
    engine = create_async_engine(address, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return list(await connection.execute(text(statement), bound))
    finally:
        await engine.dispose()
