"""One thread that makes the blocking calls of one client, in the order in which they were asked for."""

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
    """Not a ThreadPoolExecutor: the interpreter joins that one's threads at exit, so a client that hangs in a call
    would keep the process from ending; and its futures cost several times what a bare one of the loop does.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._ended = False
        Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], T]) -> T:
        """A cancelled caller stops waiting; a call that has begun goes on to its end."""
        if self._ended:
            raise RuntimeError("the lane has ended")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put((call, answer))
        return await answer

    def end(self) -> None:
        """The thread ends after what was asked for before."""
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
    except BaseException as error:  # noqa: BLE001  # raised again where the call was asked for
        _tell(answer, answer.set_exception, error)
    else:
        _tell(answer, answer.set_result, result)


def _tell(answer: "asyncio.Future[Any]", settle: Callable[[U], None], outcome: U) -> None:
    with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        answer.get_loop().call_soon_threadsafe(_settle, answer, settle, outcome)


def _settle(answer: "asyncio.Future[Any]", settle: Callable[[U], None], outcome: U) -> None:
    if not answer.cancelled():
        settle(outcome)
