"""How long everything may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    quick: bool = False
    long: bool = False

    @property
    def form(self) -> str:
        if self.quick:
            return "quick (to see that it runs)"
        return "long" if self.long else "short"

    def seconds(self, usual: float, *, long: float | None = None) -> float:
        if self.quick:
            return max(usual / 3, 1.5)
        return long if self.long and long is not None else usual

    def count(self, usual: int, *, long: int | None = None) -> int:
        if self.quick:
            return usual // 10
        return long if self.long and long is not None else usual
