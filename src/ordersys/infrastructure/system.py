"""The clock and the id factory of a running process."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat


class SystemClock:
    """Implements domain.shared.clock.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class TimeOrderedIds:
    """UUIDv7. Implements domain.shared.ids.Ids."""

    def new(self) -> UUID:
        return uuid_utils.compat.uuid7()
