"""The `traceparent` header of W3C Trace Context, without a tracing library, so that trace ids are always available."""

import re
import secrets
from dataclasses import dataclass
from typing import Final

_HEADER: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A span of a trace; ids are lower-case hex (32 and 16 digits)."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def header(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self) -> "Trace":
        """A new span of the same trace."""
        return Trace(trace_id=self.trace_id, span_id=_random_hex(8), sampled=self.sampled)


def parse(header: str) -> Trace | None:
    """Returns the trace, or None if the header is invalid; the standard then requires a new trace."""
    match = _HEADER.fullmatch(header.strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if (version == "00" and rest) or not (int(trace_id, 16) and int(span_id, 16)):
        return None
    return Trace(trace_id=trace_id, span_id=span_id, sampled=bool(int(flags, 16) & _SAMPLED))


def new() -> Trace:
    return Trace(trace_id=_random_hex(16), span_id=_random_hex(8))


def continued(header: str | None) -> Trace:
    """Returns the caller's trace with a new span, or a new trace if the caller has none."""
    parent = parse(header) if header else None
    return parent.child() if parent else new()


def _random_hex(size: int) -> str:
    """Returns random hex digits, never all zeros: the standard reserves that for "no id"."""
    while not int(digits := secrets.token_hex(size), 16):
        pass
    return digits
