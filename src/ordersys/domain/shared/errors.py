"""The error type of the core. `code` is public and stable; `kind` decides the HTTP status and whether to retry."""

from enum import Enum


class Kind(Enum):
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    TRANSIENT = "transient"


class DomainError(Exception):
    """An error with a stable `code`, a `kind`, and a sentence for the caller (`detail`)."""

    def __init__(self, code: str, kind: Kind, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
        self.kind = kind
        self.detail = detail or code


class Unavailable(DomainError):
    """A server that ordersys depends on is unreachable. `server`: postgres, kafka, redis, identity provider."""

    def __init__(self, server: str, detail: str = "") -> None:
        super().__init__("unavailable", Kind.TRANSIENT, detail or f"{server} cannot be reached")
        self.server = server


class Contention(DomainError):
    """PostgreSQL aborted this transaction (deadlock, serialization failure): run the whole batch again."""

    def __init__(self, detail: str) -> None:
        super().__init__("contention", Kind.TRANSIENT, detail)
