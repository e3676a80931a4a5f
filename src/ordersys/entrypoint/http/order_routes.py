"""Order routes; docs/reference/http.md describes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, SkipValidation

from ordersys.domain.orders.order import Status
from ordersys.domain.orders.placing import SeatRequest
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.shared.money import Money
from ordersys.entrypoint.http.idempotency import fingerprint, parse_key
from ordersys.entrypoint.http.order_events import watch_order
from ordersys.entrypoint.http.payloads import MoneyBody, OrderBody, ReasonBody
from ordersys.entrypoint.http.problem import refused
from ordersys.entrypoint.http.redaction import order_for, page_for, workflow_for
from ordersys.entrypoint.http.refusals import refusals
from ordersys.entrypoint.http.tokens import Principal, owner
from ordersys.messaging.envelope import Cause
from ordersys.usecase.orders.cancel_orders import CancelOrder, CancelOrders
from ordersys.usecase.orders.place_orders import PlaceOrder
from ordersys.usecase.orders.ports import IdempotencyKey, OrderPlaced, OrderRefused
from ordersys.usecase.orders.read_orders import GetOrder, GetWorkflow, ListOrders
from ordersys.usecase.orders.refund_orders import RefundOrder, RefundOrders
from ordersys.usecase.orders.views import OrderPage, OrderView, WorkflowView

Caller = Request[Principal, Any, State]
ROUTE: Final = "POST /orders"
REPLAYED: Final = {"Idempotency-Replayed": "true"}
KEY_DESCRIPTION: Final = (
    "Chosen by the client, 1 to 255 printable ASCII characters, bare or as a quoted string. "
    "The same key and body again give the first answer again, for 24 hours."
)
# Of the document alone: a key that does not fit is refused with a code of its own.
BARE_KEY: Final = {"pattern": r"^[!#-~]([ -~]{0,253}[!-~])?$"}
CURSOR: Final = "the `next_cursor` of the page before"
PLACING_REFUSALS: Final = (
    "idempotency_key_missing",
    "idempotency_key_invalid",
    "idempotency_key_in_use",
    "idempotency_key_reused",
    "malformed_body",
    "body_too_large",
    "invalid_request",
    "sold_out",
    "price_changed",
    "flight_unknown",
    "flight_departed",
    "currencies_mixed",
    "too_many_items",
    "too_many_seats",
    "contention",
    "busy",
)
NOT_THERE: Final = refusals("unauthorized", "not_found", "order_not_found")

CHANGING_REFUSALS: Final = refusals(
    "unauthorized",
    "not_found",
    "order_not_found",
    "illegal_move",
    "malformed_body",
    "body_too_large",
    "invalid_request",
    "contention",
)


class Placing(Protocol):
    """The coalescer in front of PlaceOrders."""

    async def submit(self, command: PlaceOrder) -> OrderPlaced | OrderRefused: ...


Causes = Callable[[str], Cause]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What `POST /orders` needs, in one: several dependencies are resolved in a group of tasks, one each, and that
    costs as much as the rest of Litestar's part in a request.
    """

    placing: Placing
    causes: Causes


def _documented(name: str, description: str) -> ResponseHeader:
    return ResponseHeader(name=name, documentation_only=True, value="", description=description)


@post(
    "/",
    status_code=201,
    summary="Buy seats",
    response_description="the order was accepted",
    response_headers=[
        _documented("Location", "path of the order"),
        _documented("Idempotency-Replayed", "`true`: this is the first answer again"),
    ],
    responses=refusals("unauthorized", *PLACING_REFUSALS),
)
async def place_order(
    request: Caller,
    data: JSONBody[OrderBody],
    desk: NamedDependency[SkipValidation[Desk]],
    key: Annotated[
        str, HeaderParameter(name="Idempotency-Key", description=KEY_DESCRIPTION, schema_extra=BARE_KEY)
    ] = "",
) -> Response[OrderView]:
    """Holds the seats and starts the purchase. The same key and body again give the same answer again."""
    command = PlaceOrder(
        customer_id=request.user.customer,
        items=tuple(SeatRequest(flight_id=FlightId(item.flight_id), seats=item.seats) for item in data.items),
        payment_method=data.payment_method,
        expected_total=_money(data.expected_total),
        idempotency=IdempotencyKey(customer_id=request.user.customer, route=ROUTE, key=parse_key(key)),
        fingerprint=fingerprint(data),
        cause=desk.causes(request.headers.get("traceparent", "")),
    )
    return _answer(await desk.placing.submit(command))


@get(
    "/",
    summary="My orders, the newest first",
    responses=refusals("unauthorized", "invalid_request", "bad_cursor", "bad_status"),
)
async def list_orders(
    request: Caller,
    list_orders: NamedDependency[SkipValidation[ListOrders]],
    status: Annotated[str | None, QueryParameter(schema_extra={"enum": [*Status]})] = None,
    cursor: Annotated[str | None, QueryParameter(description=CURSOR, schema_extra={"format": "uuid"})] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> OrderPage:
    page = await list_orders.execute(request.user.customer, status=status, cursor=cursor, limit=limit)
    return page_for(request.user, page)


@get("/{order_id:uuid}", summary="One order", responses=NOT_THERE)
async def get_order(
    request: Caller, order_id: FromPath[UUID], get_order: NamedDependency[SkipValidation[GetOrder]]
) -> OrderView:
    return order_for(request.user, await get_order.execute(order_id, owner(request.user)))


@get("/{order_id:uuid}/workflow", summary="How the saga of an order went so far", responses=NOT_THERE)
async def get_workflow(
    request: Caller, order_id: FromPath[UUID], get_workflow: NamedDependency[SkipValidation[GetWorkflow]]
) -> WorkflowView:
    return workflow_for(request.user, await get_workflow.execute(order_id, owner(request.user)))


@post(
    "/{order_id:uuid}/cancel",
    status_code=202,
    summary="Cancel an order that is not completed",
    response_description="the order as it is now: CANCELLED; its money and tickets, if any, follow",
    responses=CHANGING_REFUSALS,
)
async def cancel_order(
    request: Caller,
    order_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    causes: NamedDependency[SkipValidation[Causes]],
    cancel_orders: NamedDependency[SkipValidation[CancelOrders]],
    get_order: NamedDependency[SkipValidation[GetOrder]],
) -> OrderView:
    """Gives the seats back at once. An order that is cancelled already stays as it is."""
    customer, cause = owner(request.user), causes(request.headers.get("traceparent", ""))
    command = CancelOrder(order_id=OrderId(order_id), customer_id=customer, reason=data.reason, cause=cause)
    await cancel_orders.execute([command])
    return order_for(request.user, await get_order.execute(order_id, customer))


@post(
    "/{order_id:uuid}/refund",
    status_code=202,
    summary="Give a completed order back",
    response_description="the order as it is now: REFUND_PENDING until tickets are void and the money is back",
    responses=CHANGING_REFUSALS,
)
async def refund_order(
    request: Caller,
    order_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    causes: NamedDependency[SkipValidation[Causes]],
    refund_orders: NamedDependency[SkipValidation[RefundOrders]],
    get_order: NamedDependency[SkipValidation[GetOrder]],
) -> OrderView:
    """Starts the refund. An order whose refund runs or has run stays as it is."""
    customer, cause = owner(request.user), causes(request.headers.get("traceparent", ""))
    command = RefundOrder(order_id=OrderId(order_id), customer_id=customer, reason=data.reason, cause=cause)
    await refund_orders.execute([command])
    return order_for(request.user, await get_order.execute(order_id, customer))


ORDER_ROUTES = Router(
    "/orders",
    route_handlers=[place_order, list_orders, get_order, get_workflow, watch_order, cancel_order, refund_order],
    tags=["orders"],
    security=[{"bearer": []}],
)


def _money(body: MoneyBody | None) -> Money | None:
    return None if body is None else Money(amount=body.amount, currency=body.currency)


def _answer(result: OrderPlaced | OrderRefused) -> Response[Any]:
    headers = dict(REPLAYED) if result.replayed else {}
    if isinstance(result, OrderRefused):
        refusal = result.refusal
        return refused(refusal.kind, refusal.code, refusal.detail, headers=headers)
    return Response(result.order, status_code=201, headers={"Location": f"/orders/{result.order.id}", **headers})
