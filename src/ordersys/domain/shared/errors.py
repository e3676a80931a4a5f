"""The one error of the core. `code` is public and stable; `kind` decides the HTTP status, the gRPC status and the
retry.
"""

from enum import Enum


class Kind(Enum):
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    TRANSIENT = "transient"


class DomainError(Exception):
    """A refusal with a stable `code`, a `kind` and a sentence for the caller."""

    def __init__(self, code: str, kind: Kind, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
        self.kind = kind
        self.detail = detail or code


class Unavailable(DomainError):
    """A server that ordersys depends on cannot be reached. `server` is its name for people: postgres, kafka, redis."""

    def __init__(self, server: str, detail: str = "") -> None:
        super().__init__("unavailable", Kind.TRANSIENT, detail or f"{server} cannot be reached")
        self.server = server


class Contention(DomainError):
    """The database chose this transaction as a deadlock or serialization victim: run the whole batch again."""

    def __init__(self, detail: str) -> None:
        super().__init__("contention", Kind.TRANSIENT, detail)
