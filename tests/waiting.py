"""Waiting for a condition with a deadline, for tests that must not sleep and hope."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")
STEP = 0.02


async def eventually(
    predicate: Callable[[], T | Awaitable[T]], within: float = 5.0, what: str = "", step: float = STEP
) -> T:
    """The first true answer of a plain or async predicate; the loop goes on meanwhile."""
    deadline = time.monotonic() + within
    while True:
        answer = predicate()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(_verdict(predicate, within, what, value))
        await asyncio.sleep(step)


def eventually_blocking(predicate: Callable[[], T], within: float = 5.0, what: str = "") -> T:
    """The same for plain tests: nothing else runs in this thread meanwhile."""
    deadline = time.monotonic() + within
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(_verdict(predicate, within, what, answer))
        time.sleep(STEP)


def _verdict(predicate: Callable[[], object], within: float, what: str, last: object) -> str:
    asked = repr(predicate) if isinstance(predicate, partial) else inspect.getsource(predicate).strip()
    return f"not within {within} s: {what or asked}; last answer {last!r}"
