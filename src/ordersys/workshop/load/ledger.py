"""A line of JSON per order sent: what the client was told, to be held against what the system says later."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO
from uuid import UUID

import msgspec

from ordersys.workshop.load.plan import PlannedOrder
from ordersys.workshop.load.report import OrderOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`file` may be None: then nothing is kept. Times are seconds since 1970."""

    file: BinaryIO | None

    def write(
        self, order: PlannedOrder, body: bytes, outcome: OrderOutcome, *, status: int, sent_at: float, replied_at: float
    ) -> None:
        if self.file is None:
            return
        line = {
            "op": "place_order",
            "owner": order.customer,
            "key": order.key,
            "body_hash": sha256(body).hexdigest(),
            "t_send": sent_at,
            "t_reply": replied_at,
            "attempts": outcome.attempts,
            "status": status,
            "order_id": outcome.order_id or None,
            "error": outcome.refused or outcome.failed or None,
        }
        self.file.write(msgspec.json.encode(line) + b"\n")
        # A generator that is killed must not take with it what was promised to it.
        self.file.flush()


class BadLedger(Exception):
    """The file is no ledger; the message says where."""


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit needs of a line."""

    owner: str
    key: str
    status: int
    order_id: UUID | None


def read(file: BinaryIO, name: str) -> Iterator[LedgerLine]:
    """Raises BadLedger. A last line that its writer could not finish was no promise yet."""
    decode = msgspec.json.Decoder(LedgerLine).decode
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            return
        try:
            yield decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadLedger(f"{name}, line {number} is no line of a ledger: {error}") from None
