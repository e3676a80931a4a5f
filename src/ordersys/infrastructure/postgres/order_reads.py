"""Orders as callers see them. Each read is one statement that builds the view as JSON, so it is one consistent
moment.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.domain.payments.payment import CALLS, OUTCOMES
from ordersys.domain.shared.ids import CustomerId
from ordersys.infrastructure.postgres.codec import from_json
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.session import opened
from ordersys.usecase.orders.views import OrderPage, OrderView, StoredWorkflow

V = TypeVar("V")

AWAITING: Final = " ".join(f"WHEN '{status}' THEN '{call}'" for status, call in CALLS.items())
OUTCOME: Final = " ".join(f"WHEN '{status}' THEN '{outcome}'" for status, outcome in OUTCOMES.items())

ORDER: Final = f"""
    json_build_object(
        'id', o.id, 'status', o.status, 'reason', o.reason, 'created_at', o.created_at, 'updated_at', o.updated_at,
        'total', json_build_object('amount', o.total_amount, 'currency', o.currency),
        'items', (SELECT json_agg(json_build_object('flight_id', i.flight_id, 'seats', i.seats, 'unit_price',
                json_build_object('amount', i.unit_amount, 'currency', o.currency)) ORDER BY i.position)
            FROM order_items AS i WHERE i.order_id = o.id),
        'payment', (SELECT json_build_object('status', p.status, 'method', p.method, 'attempts', p.attempts,
                'amount', json_build_object('amount', p.amount, 'currency', p.currency),
                'authorization_id', p.authorization_id, 'reason', p.reason, 'last_error', p.last_error,
                'awaiting', CASE p.status {AWAITING} END, 'outcome', CASE p.status {OUTCOME} END,
                'next_attempt_at', CASE WHEN p.next_attempt_at IS NOT NULL
                    THEN greatest(p.next_attempt_at, p.claimed_until) END)
            FROM payments AS p WHERE p.order_id = o.id),
        'tickets', (SELECT coalesce(json_agg(json_build_object('number', t.number, 'flight_id', t.flight_id,
                'seat', t.seat, 'status', t.status) ORDER BY t.ordinal), '[]')
            FROM tickets AS t WHERE t.order_id = o.id))
"""  # noqa: S608 - constants only

WORKFLOW_PARTS: Final = """
    'history', (SELECT coalesce(json_agg(json_build_object('from_status', h.from_status, 'to_status', h.to_status,
            'at', h.at, 'reason', h.reason, 'event_id', h.event_id) ORDER BY h.id), '[]')
        FROM order_status_history AS h WHERE h.order_id = o.id),
    'outbox', (SELECT coalesce(json_agg(event ORDER BY id), '[]') FROM (
        SELECT q.id, json_build_object('id', q.id, 'event_id', q.event_id, 'type', q.type,
            'producer', q.headers->>'source', 'occurred_at', q.occurred_at,
            'attempts', coalesce(a.attempts, 0), 'last_error', a.last_error,
            'next_attempt_at', CASE WHEN a.parked_at IS NULL THEN a.next_attempt_at END,
            'status', CASE WHEN a.parked_at IS NULL THEN 'pending' ELSE 'parked' END,
            'correlation_id', q.headers->>'correlation_id', 'causation_id', q.headers->>'causation_id') AS event
        FROM outbox AS q LEFT JOIN outbox_attempts AS a ON a.outbox_id = q.id WHERE q.aggregateid = o.id
        UNION ALL
        SELECT d.id, json_build_object('id', d.id, 'event_id', d.event_id, 'type', d.type,
            'producer', d.headers->>'source', 'occurred_at', d.occurred_at,
            'attempts', d.attempts, 'status', 'published',
            'published_at', d.published_at, 'topic', d.topic, 'partition', d.partition, 'offset', d."offset",
            'correlation_id', d.headers->>'correlation_id', 'causation_id', d.headers->>'causation_id')
        FROM outbox_archive AS d WHERE d.aggregateid = o.id) AS events),
    'inbox', (SELECT coalesce(json_agg(mark ORDER BY at), '[]') FROM (
        SELECT n.processed_at AS at, json_build_object('consumer', n.consumer, 'event_id', n.event_id, 'type', n.type,
            'status', 'processed', 'attempts', n.attempts, 'processed_at', n.processed_at) AS mark
        FROM inbox_events AS n WHERE n.order_id = o.id
        UNION ALL
        SELECT r.created_at, json_build_object('consumer', r.consumer, 'event_id', r.event_id, 'type', r.type,
            'status', 'retrying', 'attempts', r.attempts)
        FROM inbox_retries AS r WHERE r.order_id = o.id
        UNION ALL
        SELECT l.created_at, json_build_object('consumer', l.consumer, 'event_id', l.event_id, 'type', l.type,
            'status', 'dead', 'attempts', l.attempts)
        FROM dead_letters AS l WHERE l.order_id = o.id AND l.status = 'NEW' AND l.event_id IS NOT NULL) AS marks),
    'retries', (SELECT coalesce(json_agg(json_build_object('consumer', r.consumer, 'event_id', r.event_id,
            'type', r.type, 'attempts', r.attempts, 'next_attempt_at', r.next_attempt_at, 'error', r.error)
            ORDER BY r.id), '[]')
        FROM inbox_retries AS r WHERE r.order_id = o.id),
    'dead_letters', (SELECT coalesce(json_agg(json_build_object('id', l.id, 'consumer', l.consumer,
            'event_id', l.event_id, 'type', l.type, 'status', l.status, 'attempts', l.attempts, 'error', l.error,
            'created_at', l.created_at) ORDER BY l.created_at), '[]')
        FROM dead_letters AS l WHERE l.order_id = o.id)
"""

OWNED: Final = "o.id = :id AND (CAST(:customer AS text) IS NULL OR o.customer_id = :customer)"

GET_ORDER = text(f"SELECT CAST({ORDER} AS text) FROM orders AS o WHERE {OWNED}")  # noqa: S608 - constants only

WORKFLOW: Final = f"""
    CAST(json_build_object(
        'order', view, 'payment', view->'payment', 'tickets', view->'tickets', {WORKFLOW_PARTS}) AS text)
    FROM orders AS o CROSS JOIN LATERAL (SELECT {ORDER} AS view) AS v
"""

GET_WORKFLOW = text(f"SELECT {WORKFLOW} WHERE {OWNED}")

GET_WORKFLOWS = text(f"SELECT {WORKFLOW} WHERE o.id = ANY(CAST(:ids AS uuid[]))")

# Whoever asks, and from wherever on: the customer's index, newest first. As a plain parameter a big customer would be
# looked for among all orders, and an optional cursor would bound nothing in a plan that serves for all arguments.
LIST_ORDERS = text(f"""
    SELECT CAST(json_build_object('items', coalesce(json_agg(view ORDER BY id DESC), '[]')) AS text) FROM (
        SELECT o.id, {ORDER} AS view FROM (
            SELECT * FROM orders
            WHERE customer_id = (SELECT CAST(:customer AS text))
                AND id < coalesce(CAST(:before AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                AND (CAST(:status AS text) IS NULL OR status = :status)
            ORDER BY id DESC LIMIT :limit) AS o) AS page
""")  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresOrderReads:
    """Implements usecase.orders.ports.OrderReads."""

    engine: AsyncEngine

    async def order(self, order_id: UUID, customer_id: CustomerId | None) -> OrderView | None:
        return await self._view(GET_ORDER, OrderView, id=order_id, customer=customer_id)

    async def page(self, customer_id: CustomerId, *, status: str | None, before: UUID | None, limit: int) -> OrderPage:
        bound = {"customer": customer_id, "status": status, "before": before}
        page = await self._view(LIST_ORDERS, OrderPage, limit=limit + 1, **bound)
        if page is None or len(page.items) <= limit:
            return page or OrderPage(items=())
        shown = page.items[:limit]
        return OrderPage(items=shown, next_cursor=str(shown[-1].id))

    async def workflow(self, order_id: UUID, customer_id: CustomerId | None) -> StoredWorkflow | None:
        return await self._view(GET_WORKFLOW, StoredWorkflow, id=order_id, customer=customer_id)

    async def workflows(self, order_ids: Collection[UUID]) -> Mapping[UUID, StoredWorkflow]:
        with translated():
            async with opened(self.engine) as connection:
                documents = list((await connection.execute(GET_WORKFLOWS, {"ids": list(order_ids)})).scalars())
        flows = [from_json(document, StoredWorkflow) for document in documents]
        return {flow.order.id: flow for flow in flows}

    async def _view(self, statement: TextClause, shape: type[V], **bound: object) -> V | None:
        with translated():
            async with opened(self.engine) as connection:
                document = (await connection.execute(statement, bound)).scalar_one_or_none()
        return None if document is None else from_json(document, shape)
