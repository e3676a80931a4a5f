"""Each repository names only the tables of its context. Another context is reached through its port."""

import re
from typing import Final

import pytest

from tests.architecture.places import ROOT

POSTGRES: Final = ROOT / "src" / "ordersys" / "infrastructure" / "postgres"
TABLE: Final = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?([a-z_]+)\b")

ORDERS: Final = {"orders", "order_items", "order_status_history", "flights"}
INBOX: Final = {"inbox_events", "inbox_retries", "dead_letters"}
OWNED: Final = {
    "order_repository.py": ORDERS,
    "placement_repository.py": ORDERS | {"idempotency_keys", "outbox"},
    "payment_repository.py": {"payments", "outbox"},
    "ticket_repository.py": {"tickets", "ticketings", "seat_maps", "outbox"},
    "gateway_decisions.py": {"gateway_charges"},
    "inbox_repository.py": INBOX,
    "retry_repository.py": INBOX,
    "dead_letter_repository.py": INBOX,
    "outbox_insert.py": {"outbox"},
    "outbox_repository.py": {"outbox", "outbox_attempts", "outbox_archive", "outbox_shards"},
    "shard_leases.py": {"outbox_shards", "outbox_workers"},
}
EVERY_TABLE: Final = set().union(*OWNED.values())


def tables_named_in(source: str) -> set[str]:
    return set(TABLE.findall(source)) & EVERY_TABLE


@pytest.mark.parametrize("name", OWNED)
def test_a_repository_names_only_the_tables_of_its_context(name: str) -> None:
    named = tables_named_in((POSTGRES / name).read_text("utf-8"))

    assert named
    assert named <= OWNED[name]


def test_every_repository_has_an_owner() -> None:
    repositories = {path.name for path in POSTGRES.glob("*_repository.py")}

    assert repositories <= OWNED.keys()


def test_a_join_with_a_table_of_another_context_is_found() -> None:
    assert tables_named_in("SELECT 1 FROM decided LEFT JOIN order_items ON true") == {"order_items"}
