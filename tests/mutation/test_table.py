"""The table of guards is consistent, and docs/guards.md is up to date."""

from ordersys.workshop.audit.postgres.database import CHECKS
from tests.mutation.guards import GUARDS, MUTATIONS
from tests.mutation.page import PAGE, page


def test_a_mutation_has_a_name_of_its_own() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


def test_the_invariants_that_a_guard_names_are_the_audits() -> None:
    """A violation of each is planted by tests/integration/audit_plants.py."""
    assert {name for guard in GUARDS for name in guard.audited} <= {check.name for check in CHECKS}


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), "Run: .venv/bin/python -m tests.mutation.page"
