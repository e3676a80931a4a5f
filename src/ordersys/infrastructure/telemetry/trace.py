"""The `traceparent` header of W3C Trace Context, without a tracing library: trace ids are wanted everywhere."""

import re
import secrets
from dataclasses import dataclass
from typing import Final

_HEADER: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A place in a trace; ids are lower-case hex (32 and 16 digits)."""

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
    """None when the header is not valid; the standard then asks for a new trace."""
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
    """The caller's trace with a span of our own, or a new trace when the caller has none."""
    parent = parse(header) if header else None
    return parent.child() if parent else new()


def _random_hex(size: int) -> str:
    """Never all zeros: that means "no id" in the standard."""
    while not int(digits := secrets.token_hex(size), 16):
        pass
    return digits
