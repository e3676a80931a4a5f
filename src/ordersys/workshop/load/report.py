"""The report of a load run."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from rich.table import Table

from ordersys.workshop.load.client import OrderPayload


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """The outcome of one planned order: exactly one of `order_id`, `refused` (a code) and `failed` (no response).

    `late` and `seconds` are measured from the time when the order was due, not from when it was sent.
    """

    customer: str
    attempts: int
    late: float
    seconds: float
    order_id: str = ""
    refused: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Milliseconds."""

    p50: float = 0
    p99: float = 0
    max: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """`final`, `saga`: None if the orders were not followed. `unfinished`: orders without a final status in time."""

    sent: int
    accepted: int
    refused: Mapping[str, int]
    failed: Mapping[str, int]
    retried: int
    seconds: float
    request: Spread
    lateness: Spread
    final: Mapping[str, int] | None = None
    saga: Spread | None = None
    unfinished: Sequence[str] = field(default=())

    @property
    def holds(self) -> bool:
        """False if an accepted order did not finish in time, or if the outcome of an order is unknown."""
        return not self.unfinished and not self.failed


def report(outcomes: Collection[OrderOutcome], seconds: float, ended: Mapping[str, OrderPayload] | None) -> LoadReport:
    """`ended`: the orders with a final status, by id; None if the orders were not followed."""
    accepted = [outcome.order_id for outcome in outcomes if outcome.order_id]
    return LoadReport(
        sent=len(outcomes),
        accepted=len(accepted),
        refused=Counter(outcome.refused for outcome in outcomes if outcome.refused),
        failed=Counter(outcome.failed for outcome in outcomes if outcome.failed),
        retried=sum(outcome.attempts > 1 for outcome in outcomes),
        seconds=round(seconds, 3),
        request=spread([outcome.seconds for outcome in outcomes]),
        lateness=spread([outcome.late for outcome in outcomes]),
        final=None if ended is None else Counter(order.status for order in ended.values()),
        saga=None if ended is None else spread([_age(order) for order in ended.values()]),
        unfinished=() if ended is None else tuple(order_id for order_id in accepted if order_id not in ended),
    )


def spread(seconds: Sequence[float]) -> Spread:
    """Returns nearest-rank percentiles: every figure is a measured value."""
    if not seconds:
        return Spread()
    ordered = sorted(seconds)
    p50, p99, most = (ordered[ceil(len(ordered) * share) - 1] for share in (0.5, 0.99, 1))
    return Spread(p50=_ms(p50), p99=_ms(p99), max=_ms(most))


def table(outcome: LoadReport) -> Table:
    rows = Table(show_header=False, box=None, pad_edge=False)
    rows.add_row("sent", f"{outcome.sent} in {outcome.seconds:g} s")
    rows.add_row("accepted", str(outcome.accepted))
    rows.add_row("refused", _counts(outcome.refused))
    rows.add_row("no response", _counts(outcome.failed))
    rows.add_row("retried", str(outcome.retried))
    if outcome.final is not None and outcome.saga is not None:
        rows.add_row("finished", _counts(outcome.final))
        rows.add_row("not finished in time", _counts({"orders": len(outcome.unfinished)} if outcome.unfinished else {}))
        rows.add_row("saga", _figures(outcome.saga))
    rows.add_row("request", _figures(outcome.request))
    rows.add_row("sent late by", _figures(outcome.lateness))
    return rows


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "0"


def _figures(figures: Spread) -> str:
    return f"p50 {figures.p50:g} ms, p99 {figures.p99:g} ms, max {figures.max:g} ms"


def _age(order: OrderPayload) -> float:
    return (order.updated_at - order.created_at).total_seconds()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
