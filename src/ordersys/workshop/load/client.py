"""The HTTP client of the load generator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol, TypeVar

import aiohttp
import msgspec

ATTEMPT_SECONDS: Final = 10
CONNECTIONS: Final = 512
PAGE: Final = 100

T = TypeVar("T")


class Unreachable(Exception):
    """No response, or an unreadable one: the request may or may not have been executed."""


class FlightPayload(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    seats_left: int


class OrderPayload(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str
    created_at: datetime
    updated_at: datetime


class OrderPagePayload(msgspec.Struct, frozen=True, kw_only=True):
    items: Sequence[OrderPayload]
    next_cursor: str | None = None


class _Flights(msgspec.Struct, frozen=True, kw_only=True):
    items: Sequence[FlightPayload]


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementResponse:
    """`code`: the problem's code, "" for an accepted order. `retry_after`: seconds."""

    status: int
    code: str = ""
    order_id: str = ""
    retry_after: float = 0


class Api(Protocol):
    """Every method raises Unreachable."""

    async def place(self, customer: str, key: str, body: bytes) -> PlacementResponse: ...
    async def flights(self, origin: str, destination: str, day: date) -> Sequence[FlightPayload]: ...
    async def orders(self, customer: str, cursor: str | None) -> OrderPagePayload: ...


def open_session(api: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        api.rstrip("/") + "/",
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class HttpApi:
    """`token` returns a customer's bearer token."""

    def __init__(self, session: aiohttp.ClientSession, token: Callable[[str], str], browser: str) -> None:
        self._session = session
        self._token = token
        self._browser = browser

    async def place(self, customer: str, key: str, body: bytes) -> PlacementResponse:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        status, reply, content = await self._call("POST", "orders", customer, headers=headers, data=body)
        if status == 201:
            return PlacementResponse(status=status, order_id=_decode(content, OrderPayload).id)
        retry_after = reply.get("Retry-After", "")
        return PlacementResponse(
            status=status, code=_code(status, content), retry_after=float(retry_after) if retry_after.isdigit() else 0
        )

    async def flights(self, origin: str, destination: str, day: date) -> Sequence[FlightPayload]:
        query = {"from": origin, "to": destination, "date": day.isoformat()}
        return (await self._read("flights", self._browser, query, _Flights)).items

    async def orders(self, customer: str, cursor: str | None) -> OrderPagePayload:
        query = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
        return await self._read("orders", customer, query, OrderPagePayload)

    async def _read(self, path: str, customer: str, query: dict[str, str], shape: type[T]) -> T:
        status, _, content = await self._call("GET", path, customer, params=query)
        if status != 200:
            raise Unreachable(f"GET /{path}: {status} {_code(status, content)}")
        return _decode(content, shape)

    async def _call(
        self, method: str, path: str, customer: str, **request: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {self._token(customer)}", **request.pop("headers", {})}
        try:
            async with self._session.request(method, path, headers=headers, **request) as reply:
                return reply.status, reply.headers, await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from None


def _decode(content: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError as error:
        raise Unreachable(f"unreadable response: {error}") from None


def _code(status: int, content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_Problem).code or str(status)
    except msgspec.DecodeError:
        return str(status)
