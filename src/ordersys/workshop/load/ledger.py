"""The client's ledger: a JSON line per order sent, with the response, to compare with the system later."""

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
    """`file`: None to write nothing. Times are Unix seconds."""

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
        # If the generator is killed, the responses that it received must not be lost.
        self.file.flush()


class BadLedger(Exception):
    """The file is not a valid ledger; the message gives the line."""


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a line that the audit needs."""

    owner: str
    key: str
    status: int
    order_id: UUID | None


def read(file: BinaryIO, name: str) -> Iterator[LedgerLine]:
    """Yields the lines. Raises BadLedger. An incomplete last line is ignored: its write did not finish."""
    decode = msgspec.json.Decoder(LedgerLine).decode
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            return
        try:
            yield decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadLedger(f"{name}, line {number}: not a ledger line: {error}") from None
