"""One thread that makes the blocking calls of one client, in the order in which they were asked for."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class Lane:
    """Not a ThreadPoolExecutor: the interpreter joins that one's threads at exit, so a client that hangs in a call
    would keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._ended = False
        Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], T]) -> T:
        """A cancelled caller stops waiting; a call that has begun goes on to its end."""
        if self._ended:
            raise RuntimeError("the lane has ended")
        answer: Future[T] = Future()
        self._calls.put(lambda: _settle(answer, call))
        return await asyncio.wrap_future(answer)

    def end(self) -> None:
        """The thread ends after what was asked for before."""
        self._ended = True
        self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            call()


def _settle(answer: Future[T], call: Callable[[], T]) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001  # raised again where the call was asked for
        answer.set_exception(error)
