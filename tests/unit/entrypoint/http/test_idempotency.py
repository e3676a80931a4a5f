from uuid import UUID

import pytest

from ordersys.entrypoint.http.idempotency import fingerprint, parse_key
from ordersys.entrypoint.http.payloads import ItemBody, MoneyBody, OrderBody
from ordersys.entrypoint.http.problem import BadRequest

FLIGHT = UUID("00000000-0000-7000-8000-000000000001")
KEYS = {
    "bare": ("8e03978e", "8e03978e"),
    "quoted": ('"8e03978e"', "8e03978e"),
    "white space around": ("  8e03978e\t", "8e03978e"),
    "white space within": ('"a b"', "a b"),
    "escaped": ('"a\\"b\\\\c"', 'a"b\\c'),
    "a quotation mark within a bare one": ('a"b', 'a"b'),
    "longest": ("k" * 255, "k" * 255),
    "longest quoted": (f'"{"k" * 255}"', "k" * 255),
}
NO_KEYS = {
    "too long": "k" * 256,
    "too long quoted": f'"{"k" * 256}"',
    "empty quoted": '""',
    "not closed": '"k',
    "closed too early": '"k"k"',
    "a stray escape": '"k\\n"',
    "a control character": "k\x01k",
    "a line break": "k\nk",
    "not ASCII": "ключ",
    "DEL": "k\x7fk",
}


@pytest.mark.parametrize("form", KEYS)
def test_a_key_is_read(form: str) -> None:
    header, key = KEYS[form]

    assert parse_key(header) == key


@pytest.mark.parametrize("form", NO_KEYS)
def test_what_is_no_key_is_refused(form: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_key(NO_KEYS[form])

    assert refused.value.extra == {"code": "idempotency_key_invalid"}


@pytest.mark.parametrize("header", ["", " ", "\t"])
def test_no_key_has_a_code_of_its_own(header: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_key(header)

    assert refused.value.extra == {"code": "idempotency_key_missing"}


def order(seats: int = 1, method: str = "pm_ok", total: MoneyBody | None = None) -> OrderBody:
    return OrderBody(items=[ItemBody(flight_id=FLIGHT, seats=seats)], payment_method=method, expected_total=total)


def test_equal_bodies_have_equal_fingerprints() -> None:
    assert fingerprint(order()) == fingerprint(order())


@pytest.mark.parametrize(
    "other", [order(seats=2), order(method="pm_slow"), order(total=MoneyBody(amount=1, currency="RUB"))]
)
def test_different_bodies_have_different_fingerprints(other: OrderBody) -> None:
    assert fingerprint(other) != fingerprint(order())
