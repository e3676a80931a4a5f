"""The parts of `make bench`, in the order in which they run."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.options import Options
from benchmarks.parts import api, consumer, hotflight, idle, queries, reads, relay, saga, snapshot
from benchmarks.report import Part
from benchmarks.servers import Servers

PARTS: Final[Mapping[str, Callable[[Servers, Options], Part]]] = {
    "saga": saga.run,
    "api": api.run,
    "relay": relay.run,
    "consumer": consumer.run,
    "hotflight": hotflight.run,
    "idle": idle.run,
    "snapshot": snapshot.run,
    "reads": reads.run,
    "queries": queries.run,
}
