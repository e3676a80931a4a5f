"""The page draws the saga from a table of its own; here it is held to the one that decides."""

import json
from pathlib import Path
from typing import Any, Final

from ordersys.domain.shared.event import Event
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS
from ordersys.workshop.chaos.faults import POINTS

PAGE: Final = Path(__file__).parents[4] / "frontend" / "src"


def events() -> set[type[Event]]:
    return {subscription.event for table in SUBSCRIPTIONS.values() for subscription in table}


def consumers(event: type[Event]) -> set[str]:
    return {name for name, table in SUBSCRIPTIONS.items() if event in {one.event for one in table}}


def test_the_page_knows_every_event_its_topic_and_who_is_concerned() -> None:
    table: dict[str, dict[str, Any]] = json.loads((PAGE / "workflow" / "saga.json").read_text())

    known = {name: (row["stream"], row["producer"], set(row["consumers"])) for name, row in table.items()}

    assert known == {event.__name__: (event.STREAM, event.SOURCE, consumers(event)) for event in events()}


def test_the_page_has_words_for_every_fault_point() -> None:
    for language in ("en", "ru"):
        words = (PAGE / "control" / "words" / f"{language}.ts").read_text()

        assert {point for point in POINTS if f'"{point}": {{' in words} == set(POINTS)
