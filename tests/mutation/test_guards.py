"""Each guard is proved: taken away, the tests that the table names fail, and for the right reason."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.mutation.guards import MUTATIONS, Mutation
from tests.mutation.witness import PASSED
from tests.mutation.workshop import SECONDS, Outcome, mutated, run
from tests.servers import PostgresServer

pytestmark = pytest.mark.timeout(1.5 * SECONDS)

AT_ONCE: Final = 2
# Which of them a worker of xdist gets next cannot be known.
AHEAD: Final = 0 if "PYTEST_XDIST_WORKER" in os.environ else AT_ONCE
INTACT: Final = "intact"
NAMED: Final = {mutation.name: mutation for mutation in MUTATIONS}
EVERY_TEST: Final = list(dict.fromkeys(test for mutation in MUTATIONS for test in mutation.tests))


@dataclass(slots=True, kw_only=True)
class Workshop:
    """Runs what is asked for, and meanwhile what will be asked for next. `order` are names of mutations, or INTACT."""

    folder: Path
    env: Mapping[str, str]
    order: Sequence[str]
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))
    _begun: dict[str, Future[Outcome]] = field(default_factory=dict)

    def outcome(self, name: str) -> Outcome:
        at = self.order.index(name)
        for each in self.order[at : at + AHEAD + 1]:
            if each not in self._begun:
                self._begun[each] = self.pool.submit(self._run, each, self.folder / str(len(self._begun)))
        return self._begun[name].result()

    def _run(self, name: str, folder: Path) -> Outcome:
        mutation = NAMED.get(name)
        tests = mutation.tests if mutation else EVERY_TEST
        return run([f"tests/{test}" for test in tests], mutation, folder, self.env)


@pytest.fixture(scope="module")
def workshop(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    database_template: str,
) -> Iterator[Workshop]:
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    given = [item.callspec.params for item in items if hasattr(item, "callspec")]
    order = [str(params["name"]) for params in given if "name" in params]
    folder = tmp_path_factory.mktemp("mutation")
    shop = Workshop(folder=folder, env=postgres_server.lent(), order=order)
    yield shop
    shop.pool.shutdown(cancel_futures=True)


def missing(outcome: Outcome, tests: Sequence[str]) -> list[str]:
    """Named tests of which nothing is known: they are not there, or nothing came so far."""
    return [test for test in tests if not any(f"{one}[".startswith(f"tests/{test}[") for one in outcome.ended)]


@pytest.mark.parametrize("name", [INTACT])
def test_with_all_guards_in_place_every_test_of_the_table_is_green(workshop: Workshop, name: str) -> None:
    outcome = workshop.outcome(name)

    assert {test: how for test, how in outcome.ended.items() if how != PASSED} == {}, outcome.output
    assert missing(outcome, EVERY_TEST) == [], outcome.output
    assert outcome.code == pytest.ExitCode.OK, outcome.output


@pytest.mark.parametrize("name", NAMED)
def test_a_guard_that_is_taken_away_is_missed(workshop: Workshop, name: str) -> None:
    mutation, outcome = NAMED[name], workshop.outcome(name)

    unmoved = {test: how for test, how in outcome.ended.items() if not how.startswith(f"{mutation.by}: ")}
    assert unmoved == {}, f"the guard is gone, and these did not fail by {mutation.by}\n{outcome.output}"
    assert missing(outcome, mutation.tests) == [], outcome.output
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output


@pytest.mark.parametrize("text", ["", "twice twice"])
def test_a_mutation_that_does_not_fit_the_source_says_what_to_do(text: str) -> None:
    mutation = Mutation(name="n", file="f.py", before="twice", after="", tests=())

    with pytest.raises(AssertionError, match=r"src/ordersys/f\.py .* not once[\s\S]*tests/mutation/guards\.py"):
        mutated(mutation, text)
