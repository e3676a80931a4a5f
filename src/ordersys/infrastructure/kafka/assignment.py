"""Which partitions a member owns, since when, and how far it has come in each.

Every assignment of a partition gets a number of its own. A delivery carries the number under which it was fetched: a
partition that was taken away and given back since then is not the same assignment, and the delivery is void.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from ordersys.messaging.envelope import Delivery

Partition = tuple[str, int]
_numbers = count(1)  # of all members in the process: one member's delivery is never another's


@dataclass(slots=True, kw_only=True)
class PartitionProgress:
    """Offsets of the next record: `taken` is what we have got, `marked` what we said is done, `saved` what the group's
    coordinator knows.
    """

    assignment: int
    taken: int = -1
    marked: int = -1
    saved: int = -1


@dataclass(slots=True)
class Assignments:
    _owned: dict[Partition, PartitionProgress] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._owned)

    def partitions(self) -> Sequence[Partition]:
        return tuple(self._owned)

    def replace(self, partitions: Iterable[Partition]) -> None:
        """Those and no others. Each is a new assignment, also where it was ours before."""
        self._owned = {partition: PartitionProgress(assignment=next(_numbers)) for partition in partitions}

    def remove(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self._owned.pop(partition, None)

    def take(self, partition: Partition, offset: int) -> int | None:
        """Notes that a record has come. Answers the number of the assignment; None when the partition is not ours."""
        progress = self._owned.get(partition)
        if progress is None:
            return None
        progress.taken = offset + 1
        return progress.assignment

    def taken(self) -> Mapping[Partition, int]:
        """Where to go on; -1 where nothing has come yet."""
        return {key: progress.taken for key, progress in self._owned.items()}

    def number(self, partition: Partition) -> int | None:
        progress = self._owned.get(partition)
        return progress.assignment if progress else None

    def owns(self, delivery: Delivery) -> bool:
        return self._progress(delivery) is not None

    def mark(self, deliveries: Sequence[Delivery]) -> None:
        """Notes them as done, except for those whose assignment has ended."""
        for delivery in deliveries:
            progress = self._progress(delivery)
            if progress:
                progress.marked = max(progress.marked, delivery.offset + 1)

    def _progress(self, delivery: Delivery) -> PartitionProgress | None:
        """Of the assignment that the delivery came under. One look-up: another thread may take the partition away."""
        progress = self._owned.get((delivery.topic, delivery.partition))
        ours = progress and delivery.assignment == progress.assignment
        return progress if ours else None

    def saved(self, partition: Partition, offset: int) -> None:
        progress = self._owned.get(partition)
        if progress:
            progress.saved = max(progress.saved, offset)

    def unsaved(self) -> Mapping[Partition, int]:
        """What was marked and is not known to be saved."""
        return {key: progress.marked for key, progress in self._owned.items() if progress.marked > progress.saved}
