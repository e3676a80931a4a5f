"""Stored answers: the JSON of idempotency_keys.outcome, as rows have it that earlier versions wrote."""

import pytest

from ordersys.domain.shared.errors import Kind
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.infrastructure.postgres.placement_repository import _decoded, _encoded
from ordersys.usecase.orders.ports import OrderPlaced, OrderRefused, Refusal
from ordersys.usecase.orders.views import order_view
from tests.fakes.making import order

REFUSED = OrderRefused(refusal=Refusal(code="sold_out", kind=Kind.CONFLICT, detail="Flight x has 0 seats left."))
PLACED = OrderPlaced(order=order_view(order(1)))


@pytest.mark.parametrize("answer", [PLACED, REFUSED])
def test_stored_answer_is_read_back(answer: OrderPlaced | OrderRefused) -> None:
    assert to_json(_decoded(_encoded(answer))) == to_json(answer)


def test_stored_answer_with_both_keys_is_readable() -> None:
    old_refusal = (
        '{"placed":null,"refused":{"code":"sold_out","kind":"conflict","detail":"Flight x has 0 seats left."}}'
    )
    old_order = f'{{"placed":{to_json(PLACED.order)},"refused":null}}'

    assert _decoded(old_refusal) == REFUSED
    assert to_json(_decoded(old_order)) == to_json(PLACED)


def test_stored_answer_without_order_or_refusal_is_an_error() -> None:
    with pytest.raises(ValueError, match="order or a refusal"):
        _decoded("{}")
