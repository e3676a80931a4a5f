from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def first_of_each(items: Iterable[T], key: Callable[[T], K]) -> list[T]:
    """The first item of each key, in the order in which the keys came up."""
    first: dict[K, T] = {}
    for item in items:
        first.setdefault(key(item), item)
    return list(first.values())
