"""A line of JSON per order sent: what the client was told, to be held against what the system says later."""

from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

import msgspec

from ordersys.load.plan import PlannedOrder
from ordersys.load.report import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`file` may be None: then nothing is kept. Times are seconds since 1970."""

    file: BinaryIO | None

    def write(
        self, order: PlannedOrder, body: bytes, outcome: Outcome, *, status: int, sent_at: float, replied_at: float
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
