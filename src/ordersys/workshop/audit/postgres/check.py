"""An invariant as the database can check it: set-based, so that a million orders cost no memory on our side.

`now()` is the moment of the snapshot. The time-dependent parts share the fragments below.
"""

from dataclasses import dataclass
from typing import Final, Literal

# Younger than that may be under way.
OLD: Final = "now() - CAST(:grace AS float8) * interval '1 second'"
# An unfinished purchase has its deadline on top.
OVERDUE: Final = (
    "now() - CAST(:grace AS float8) * interval '1 second' - CAST(:deadline AS float8) * interval '1 second'"
)
# Older history may have been dropped.
KEPT: Final = "now() - CAST(:kept AS float8) * interval '1 second'"
SUBSCRIBED: Final = "unnest(CAST(:consumers AS text[]), CAST(:types AS text[])) AS s (consumer, type)"
NO_LIMIT_SECONDS: Final = 3e9
"""A century: `kept` when nothing was ever dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantCheck:
    """`checked` counts the rows that are looked at; `broken` selects those that break the rule, as (subject, reason).

    `needs`: evidence without which the rule cannot be held against anything.
    """

    name: str
    meaning: str
    checked: str
    broken: str
    needs: Literal["", "topics", "ledger"] = ""
