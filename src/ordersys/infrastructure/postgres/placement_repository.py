"""New orders, by the batch: three statements between BEGIN and COMMIT, however many orders there are.

An idempotency key is taken by a transaction-scoped advisory lock that is only tried, never waited for: whoever comes
second is told at once, and a crash of the first frees the key with its connection.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import text

from ordersys.domain.orders.order import Item, Order
from ordersys.domain.orders.placing import Offer
from ordersys.domain.shared.errors import Contention
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.infrastructure.postgres.codec import from_json, to_json
from ordersys.infrastructure.postgres.order_repository import OFFERED, TAKING_SEATS, offer, seat_columns
from ordersys.infrastructure.postgres.outbox_insert import INSERT_ENTRIES, event_columns
from ordersys.infrastructure.postgres.session import Row, Session
from ordersys.usecase.orders.ports import (
    Claim,
    IdempotencyKey,
    InUse,
    OrderPlaced,
    OrderRefused,
    Placement,
    PreparedPlacement,
    Refusal,
    StoredAnswer,
)
from ordersys.usecase.orders.views import OrderView

TRY_LOCK = text("""
    SELECT pg_try_advisory_xact_lock(hashtextextended(concat_ws(chr(31), customer_id, route, key), 0)) AS taken
    FROM unnest(CAST(:customers AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]))
        WITH ORDINALITY AS wanted (customer_id, route, key, position) ORDER BY position
""")

# A statement of its own: the look-up needs a snapshot that is younger than the lock, or it could miss what the last
# holder committed. The flights can wait for it: those of an answered key are not locked.
# Each key is looked up by itself (OFFSET 0 keeps the age out of it): by the index of ages all of a day would be read.
OPEN = text(f"""
    WITH answered AS MATERIALIZED (
        SELECT position, fingerprint, outcome
        FROM unnest(CAST(:customers AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]))
            WITH ORDINALITY AS wanted (customer_id, route, key, position)
        CROSS JOIN LATERAL (
            SELECT fingerprint, outcome, created_at FROM idempotency_keys AS kept
            WHERE (kept.customer_id, kept.route, kept.key) = (wanted.customer_id, wanted.route, wanted.key) OFFSET 0
        ) AS answer
        WHERE answer.created_at > :since
    ), offered AS MATERIALIZED (
        {OFFERED} WHERE id = ANY(ARRAY(
            SELECT flight_id FROM unnest(CAST(:flights AS uuid[]), CAST(:positions AS bigint[]))
                AS item (flight_id, position) WHERE position NOT IN (SELECT position FROM answered)))
        ORDER BY id FOR NO KEY UPDATE
    )
    SELECT * FROM answered FULL JOIN offered ON false
""")  # noqa: S608 - constants only

# One statement for six tables. Their order does not matter: none of its parts reads what another one writes, and the
# foreign key of the items is checked at its end. An expired answer may be replaced; a live one cannot be there, since
# the key is locked and was looked up.
WRITE = text(f"""
    WITH taken AS ({TAKING_SEATS}), ordered AS (
        INSERT INTO orders (id, customer_id, status, payment_method, total_amount, currency, created_at, updated_at)
        SELECT id, customer_id, status, method, total, currency, at, at
        FROM unnest(CAST(:order_ids AS uuid[]), CAST(:buyers AS text[]), CAST(:statuses AS text[]),
            CAST(:methods AS text[]), CAST(:totals AS bigint[]), CAST(:currencies AS text[]),
            CAST(:created AS timestamptz[])) AS new (id, customer_id, status, method, total, currency, at)
    ), bought AS (
        INSERT INTO order_items (order_id, position, flight_id, seats, unit_amount)
        SELECT * FROM unnest(CAST(:item_orders AS uuid[]), CAST(:item_positions AS smallint[]),
            CAST(:item_flights AS uuid[]), CAST(:item_seats AS int[]), CAST(:item_amounts AS bigint[]))
    ), begun AS (
        INSERT INTO order_status_history (order_id, to_status, at)
        SELECT * FROM unnest(CAST(:order_ids AS uuid[]), CAST(:statuses AS text[]), CAST(:created AS timestamptz[]))
    ), told AS ({INSERT_ENTRIES})
    INSERT INTO idempotency_keys AS kept (customer_id, route, key, fingerprint, outcome, created_at)
    SELECT customer_id, route, key, fingerprint, outcome, :at
    FROM unnest(CAST(:customers AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]),
        CAST(:fingerprints AS bytea[]), CAST(:outcomes AS text[]))
        AS answered (customer_id, route, key, fingerprint, outcome)
    ON CONFLICT (customer_id, route, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, created_at = excluded.created_at
        WHERE kept.created_at <= :since
""")  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementRepository:
    """Implements usecase.orders.ports.Placements."""

    connection: Session

    async def prepare(
        self, wanted: Mapping[IdempotencyKey, Collection[FlightId]], *, since: datetime
    ) -> PreparedPlacement:
        keys = list(wanted)
        columns = _key_columns(keys)
        taken = list((await self.connection.execute(TRY_LOCK, columns)).scalars())
        claims: dict[IdempotencyKey, Claim] = {
            key: None if free else InUse() for key, free in zip(keys, taken, strict=True)
        }
        items = [(flight, at) for at, key in enumerate(keys, 1) if taken[at - 1] for flight in wanted[key]]
        bound = {
            **columns,
            "since": since,
            "flights": [flight for flight, _ in items],
            "positions": [position for _, position in items],
        }
        offers: dict[FlightId, Offer] = {}
        for row in await self.connection.execute(OPEN, bound):
            if row["position"] is None:
                offers[row["id"]] = offer(row)
            else:
                # Also for a key in use: an answer that is there is there to stay.
                claims[keys[row["position"] - 1]] = _answered(row)
        return PreparedPlacement(claims=claims, offers=offers)

    async def write(self, placement: Placement, *, at: datetime, since: datetime) -> None:
        answers = placement.answers
        if not (answers or placement.orders):
            return
        bound = {
            **seat_columns(placement.seats),
            **_order_columns(placement.orders),
            **_item_columns([(o.id, i, item) for o in placement.orders for i, item in enumerate(o.items)]),
            **event_columns(placement.events),
            **_key_columns(list(answers)),
            "fingerprints": [stored.fingerprint for stored in answers.values()],
            "outcomes": [_encoded(stored.answer) for stored in answers.values()],
            "at": at,
            "since": since,
        }
        stored = await self.connection.execute(WRITE, bound)
        if stored.rowcount != len(answers):
            raise Contention("another transaction used the idempotency key")


def _key_columns(keys: Sequence[IdempotencyKey]) -> dict[str, object]:
    return {
        "customers": [key.customer_id for key in keys],
        "routes": [key.route for key in keys],
        "keys": [key.key for key in keys],
    }


def _order_columns(orders: Sequence[Order]) -> dict[str, object]:
    return {
        "order_ids": [order.id for order in orders],
        "buyers": [order.customer_id for order in orders],
        "statuses": [order.status for order in orders],
        "methods": [order.payment_method for order in orders],
        "totals": [order.total.amount for order in orders],
        "currencies": [order.total.currency for order in orders],
        "created": [order.created_at for order in orders],
    }


def _item_columns(items: Sequence[tuple[OrderId, int, Item]]) -> dict[str, object]:
    return {
        "item_orders": [order_id for order_id, _, _ in items],
        "item_positions": [position for _, position, _ in items],
        "item_flights": [item.flight_id for _, _, item in items],
        "item_seats": [item.seats for _, _, item in items],
        "item_amounts": [item.unit_price.amount for _, _, item in items],
    }


def _answered(row: Row) -> StoredAnswer:
    return StoredAnswer(fingerprint=row["fingerprint"], answer=_decoded(row["outcome"]))


class _Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer as JSON: `placed` or `refused`. Earlier rows have both keys, one of them null."""

    placed: OrderView | None = None
    refused: Refusal | None = None


def _encoded(answer: OrderPlaced | OrderRefused) -> str:
    if isinstance(answer, OrderPlaced):
        return to_json(_Stored(placed=answer.order))
    return to_json(_Stored(refused=answer.refusal))


def _decoded(text: str) -> OrderPlaced | OrderRefused:
    """Raises ValueError if the text holds neither an order nor a refusal."""
    stored = from_json(text, _Stored)
    if stored.placed:
        return OrderPlaced(order=stored.placed)
    if stored.refused:
        return OrderRefused(refusal=stored.refused)
    raise ValueError("a stored answer holds an order or a refusal")
