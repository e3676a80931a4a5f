from pathlib import Path

import pytest

from benchmarks.report import Goal, Part, Table, figure, markdown, write_document


@pytest.mark.parametrize(
    ("goal", "holds"),
    [
        (Goal(what="rate", value=0.8, at_least=0.8), True),
        (Goal(what="rate", value=0.79, at_least=0.8), False),
        (Goal(what="p99", value=30.0, at_most=30), True),
        (Goal(what="p99", value=30.1, at_most=30), False),
    ],
)
def test_a_goal_holds_up_to_its_bound(goal: Goal, holds: bool) -> None:
    assert goal.holds is holds


def test_what_misses_its_goal_is_printed_as_such() -> None:
    part = Part(name="api", goals=[Goal(what="p99 ms", value=125.0, at_most=30)])

    assert "| p99 ms | <= 30 | 125      | **missed** |" in markdown(part)


@pytest.mark.parametrize(("value", "shown"), [(1234.5, "1,234"), (0.12345, "0.123"), (12, "12"), ("-", "-")])
def test_figures_have_three_digits_that_count(value: object, shown: str) -> None:
    assert figure(value) == shown


def test_a_section_is_replaced_between_its_marks_alone(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("before\n<!-- bench:api -->\nold\n<!-- /bench:api -->\nafter <!-- bench:saga -->\n")
    table = Table(title="Orders", header=["a"], rows=[[r"\1"]])

    write_document(document, {"api": markdown(Part(name="api", tables=[table]))})

    text = document.read_text()
    assert text.startswith("before\n<!-- bench:api -->\nOrders:")
    assert r"\1" in text
    assert "old" not in text
    assert text.endswith("<!-- /bench:api -->\nafter <!-- bench:saga -->\n")


def test_a_document_without_markers_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("nothing here\n")

    with pytest.raises(ValueError, match="no markers for api"):
        write_document(document, {"api": "x"})
