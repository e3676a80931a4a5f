"""The workflow of an order as server-sent events: the current state, then an event after every change."""

from collections.abc import AsyncIterator
from hashlib import blake2b
from time import monotonic
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, SkipValidation
from litestar.response import Stream

from ordersys.entrypoint.http.measured import TO_THE_START
from ordersys.entrypoint.http.redaction import workflow_for_customer
from ordersys.entrypoint.http.refusals import refusals
from ordersys.entrypoint.http.tokens import Principal, is_operator, owner
from ordersys.entrypoint.order_watch import OrderWatch, Watcher
from ordersys.usecase.orders.views import WorkflowView

MEDIA_TYPE: Final = "text/event-stream"
# Caches and buffering proxies must not delay the stream.
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
RETRY: Final = b"retry: 2000\n\n"
STILL_HERE: Final = b": still here\n\n"
END: Final = b"event: end\ndata: {}\n\n"
SILENCE_SECONDS: Final = 15.0
# A client that watches longer reconnects, and its token is checked again.
LONGEST_SECONDS: Final = 900.0
DESCRIPTION: Final = (
    "Each `workflow` event has the JSON of `GET /orders/{order_id}/workflow` as its data and an opaque version as its "
    "id. After a final status, when nothing is left to wait for, an `end` event follows and the stream closes. If the "
    "stream closes without it, reconnect. A comment is sent every 15 seconds to keep the connection alive."
)


def workflow_event(workflow: WorkflowView) -> bytes:
    data = msgspec.json.encode(workflow)
    version = blake2b(data, digest_size=8).hexdigest()
    return b"event: workflow\nid: %b\ndata: %b\n\n" % (version.encode(), data)


def customer_workflow_event(workflow: WorkflowView) -> bytes:
    return workflow_event(workflow_for_customer(workflow))


async def stream_of(watcher: Watcher) -> AsyncIterator[bytes]:
    """Yields the chunks of the stream. If the client disconnects, it is cancelled here."""
    try:
        async for chunk in _chunks(watcher):
            yield chunk
    finally:
        watcher.stop()


async def _chunks(watcher: Watcher) -> AsyncIterator[bytes]:
    yield RETRY
    sent, until = b"", monotonic() + LONGEST_SECONDS
    while not watcher.closed and monotonic() < until:
        update = await watcher.next(SILENCE_SECONDS)
        if update is None:
            yield STILL_HERE
            continue
        if update.rendered != sent:
            sent = update.rendered
            yield sent
        if update.last:
            yield END
            return


@get(
    "/{order_id:uuid}/events",
    media_type=MEDIA_TYPE,
    summary="Watch the saga of an order (server-sent events)",
    opt={TO_THE_START: True},
    responses={
        200: ResponseSpec(str, media_type=MEDIA_TYPE, description=DESCRIPTION, generate_examples=False),
        **refusals("unauthorized", "not_found", "order_not_found", "busy"),
    },
)
async def watch_order(
    request: Request[Principal, Any, State],
    order_id: FromPath[UUID],
    order_watch: NamedDependency[SkipValidation[OrderWatch]],
) -> Stream:
    render = workflow_event if is_operator(request.user) else customer_workflow_event
    watcher = await order_watch.open(order_id, owner(request.user), render)
    return Stream(stream_of(watcher), media_type=MEDIA_TYPE, headers=HEADERS)
