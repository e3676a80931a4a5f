"""Views, events and causes as JSON: the shapes are the dataclasses themselves."""

from typing import Any, TypeVar

import msgspec

from ordersys.messaging.envelope import Cause

T = TypeVar("T")


def to_json(value: Any) -> str:
    """`value`: anything msgspec knows; dataclasses, UUIDs and datetimes among them."""
    return msgspec.json.encode(value).decode()


def from_json(text: str, shape: type[T]) -> T:
    return msgspec.json.decode(text, type=shape)


def cause_to_json(cause: Cause, **more: str) -> str:
    return to_json(
        {
            "correlation_id": cause.correlation_id,
            "causation_id": cause.causation_id,
            "traceparent": cause.traceparent,
            **more,
        }
    )


def cause_from(headers: dict[str, str]) -> Cause:
    return Cause(
        correlation_id=headers.get("correlation_id", ""),
        causation_id=headers.get("causation_id", ""),
        traceparent=headers.get("traceparent", ""),
    )
