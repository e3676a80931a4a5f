"""Cursors of lists that are read page by page, the newest first: the id of the last item of the page before."""

from uuid import UUID

from ordersys.domain.shared.errors import DomainError, Kind


class BadCursor(DomainError):
    def __init__(self) -> None:
        super().__init__("bad_cursor", Kind.INVALID, "Unknown cursor; use the next_cursor of an earlier page.")


def position(cursor: str | None) -> UUID | None:
    """Returns the id before which the page begins, or None for the first page. Raises BadCursor."""
    try:
        return UUID(cursor) if cursor is not None else None
    except ValueError:
        raise BadCursor from None
