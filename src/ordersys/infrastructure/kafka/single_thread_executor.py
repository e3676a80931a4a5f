"""An executor with one thread, for the blocking calls of one client, in submission order."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")
_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class SingleThreadExecutor:
    """Not a ThreadPoolExecutor: the interpreter joins its threads at exit, so a client that hangs in a call would keep
    the process from ending. Its futures also cost several times as much as those of the event loop.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._ended = False
        Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], T]) -> T:
        """Runs a call in the thread. A cancelled caller stops waiting; a call that has started runs to its end."""
        if self._ended:
            raise RuntimeError("the executor is closed")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put((call, answer))
        return await answer

    def end(self) -> None:
        """Ends the thread after all submitted calls."""
        self._ended = True
        self._calls.put(None)

    def _work(self) -> None:
        while asked := self._calls.get():
            call, answer = asked
            if not answer.cancelled():
                _make(call, answer)


def _make(call: Callable[[], T], answer: "asyncio.Future[T]") -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  # raised again in the caller
        _deliver(answer, answer.set_exception, error)
    else:
        _deliver(answer, answer.set_result, result)


def _deliver(answer: "asyncio.Future[Any]", settle: Callable[[U], None], outcome: U) -> None:
    with suppress(RuntimeError):  # the loop is closed, so no caller waits
        answer.get_loop().call_soon_threadsafe(_settle, answer, settle, outcome)


def _settle(answer: "asyncio.Future[Any]", settle: Callable[[U], None], outcome: U) -> None:
    if not answer.cancelled():
        settle(outcome)
