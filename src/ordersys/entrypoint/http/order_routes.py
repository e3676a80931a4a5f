"""Order routes; docs/reference/http.md describes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, SkipValidation

from ordersys.domain.orders.order import Status
from ordersys.domain.orders.placing import SeatRequest
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.shared.money import Money
from ordersys.entrypoint.coalescer import Coalescer
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
    "Chosen by the client: 1 to 255 printable ASCII characters, bare or as a quoted string. "
    "A repeated request with the same key and body returns the first answer again, for 24 hours."
)
# Documentation only: an invalid key is refused with its own error code.
BARE_KEY: Final = {"pattern": r"^[!#-~]([ -~]{0,253}[!-~])?$"}
CURSOR: Final = "The `next_cursor` of the previous page."
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


Causes = Callable[[str], Cause]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlacement:
    """The dependencies of `POST /orders` as one object: Litestar resolves several dependencies in a group of tasks,
    which costs as much as the rest of its work for a request.
    """

    coalescer: Coalescer[PlaceOrder, OrderPlaced | OrderRefused]
    causes: Causes


def _documented(name: str, description: str) -> ResponseHeader:
    return ResponseHeader(name=name, documentation_only=True, value="", description=description)


@post(
    "/",
    status_code=201,
    summary="Place an order",
    response_description="The order was accepted.",
    response_headers=[
        _documented("Location", "Path of the order."),
        _documented("Idempotency-Replayed", "`true`: the stored answer to an earlier request with this key."),
    ],
    responses=refusals("unauthorized", *PLACING_REFUSALS),
)
async def place_order(
    request: Caller,
    data: JSONBody[OrderBody],
    placement: NamedDependency[SkipValidation[OrderPlacement]],
    key: Annotated[
        str, HeaderParameter(name="Idempotency-Key", description=KEY_DESCRIPTION, schema_extra=BARE_KEY)
    ] = "",
) -> Response[OrderView]:
    """Holds the seats and starts the purchase. A repeated request with the same key and body returns the same
    answer.
    """
    command = PlaceOrder(
        customer_id=request.user.customer,
        items=tuple(SeatRequest(flight_id=FlightId(item.flight_id), seats=item.seats) for item in data.items),
        payment_method=data.payment_method,
        expected_total=_money(data.expected_total),
        idempotency=IdempotencyKey(customer_id=request.user.customer, route=ROUTE, key=parse_key(key)),
        fingerprint=fingerprint(data),
        cause=placement.causes(request.headers.get("traceparent", "")),
    )
    return _answer(await placement.coalescer.submit(command))


@get(
    "/",
    summary="List the caller's orders, newest first",
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


@get("/{order_id:uuid}", summary="Get an order", responses=NOT_THERE)
async def get_order(
    request: Caller, order_id: FromPath[UUID], get_order: NamedDependency[SkipValidation[GetOrder]]
) -> OrderView:
    return order_for(request.user, await get_order.execute(order_id, owner(request.user)))


@get("/{order_id:uuid}/workflow", summary="Get the workflow of an order", responses=NOT_THERE)
async def get_workflow(
    request: Caller, order_id: FromPath[UUID], get_workflow: NamedDependency[SkipValidation[GetWorkflow]]
) -> WorkflowView:
    return workflow_for(request.user, await get_workflow.execute(order_id, owner(request.user)))


@post(
    "/{order_id:uuid}/cancel",
    status_code=202,
    summary="Cancel an order that is not completed",
    response_description="The order, now CANCELLED. Its payment is released afterwards.",
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
    """Releases the seats immediately. Cancelling a cancelled order changes nothing."""
    customer, cause = owner(request.user), causes(request.headers.get("traceparent", ""))
    command = CancelOrder(order_id=OrderId(order_id), customer_id=customer, reason=data.reason, cause=cause)
    await cancel_orders.execute([command])
    return order_for(request.user, await get_order.execute(order_id, customer))


@post(
    "/{order_id:uuid}/refund",
    status_code=202,
    summary="Refund a completed order",
    response_description="The order, now REFUND_PENDING until its tickets are voided and its payment is refunded.",
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
    """Starts the refund. Refunding an order again changes nothing."""
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
