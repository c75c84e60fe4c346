"""Sends of `rmq.aio.Producer` whose selectors need the queues of topics that are not known yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from ._errors import ClosedError, Error

if TYPE_CHECKING:
    from ._rmq import Selecting

LookUp = Callable[[str, float], "asyncio.Future[Any]"]
"""The future of knowing the queues of a topic, within so many seconds."""


class Turns:
    """Whose turn it is: calls that need the same topic go on in their order, one look-up after the other.

    Used by several loops at once; each has its own turns.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Future[None]] = {}
        self._tasks: dict[asyncio.Task[Any], asyncio.Future[None]] = {}
        """The calls without an outcome; each with what ends its wait early."""

    def may_pass(self, topics: Collection[str]) -> bool:
        """Whether no earlier call of the running loop waits for one of these."""
        loop = asyncio.get_running_loop()
        return not any((loop, topic) in self._last for topic in topics)

    def tasks(self) -> list[asyncio.Task[Any]]:
        """The calls of the running loop that have no outcome."""
        loop = asyncio.get_running_loop()
        return [task for task in list(self._tasks) if task.get_loop() is loop]

    def close(self) -> bool:
        """Ends the waits of the running loop; the calls fail as closed. Whether there was any."""
        tasks = self.tasks()
        for task in tasks:
            closed = self._tasks[task]
            if not closed.done():
                closed.set_result(None)
        return bool(tasks)

    def join(self, selecting: Selecting, timeout: float, look_up: LookUp) -> asyncio.Task[Any]:
        """Looks the topics up when it is this call's turn, and lets it send."""
        loop = asyncio.get_running_loop()
        lines = [(loop, topic) for topic in selecting.topics]
        earlier = [self._last[line] for line in lines if line in self._last]
        turn: asyncio.Future[None] = loop.create_future()
        self._last.update(dict.fromkeys(lines, turn))

        def pass_on(_: object = None) -> None:
            """Ends the turn, but not before those of the calls before it."""
            for other in earlier:
                if not other.done():
                    other.add_done_callback(pass_on)
                    return
            if not turn.done():
                turn.set_result(None)
            for line in lines:
                if self._last.get(line) is turn:
                    del self._last[line]

        def end(task: asyncio.Task[Any]) -> None:
            del self._tasks[task]
            selecting.cancel()
            pass_on()

        closed: asyncio.Future[None] = loop.create_future()
        task = loop.create_task(_send_in_turn(selecting, timeout, look_up, earlier, closed, pass_on))
        self._tasks[task] = closed
        task.add_done_callback(end)
        return task


async def _send_in_turn(
    selecting: Selecting,
    timeout: float,
    look_up: LookUp,
    earlier: list[asyncio.Future[None]],
    closed: asyncio.Future[None],
    pass_on: Callable[[], None],
) -> Any:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    for other in earlier:
        left = max(deadline - loop.time(), 0.0)
        await asyncio.wait([other, closed], timeout=left, return_when=asyncio.FIRST_COMPLETED)
    found: dict[str, list[tuple[str, int]] | Error] = {}
    for topic in selecting.topics:
        looked_up = look_up(topic, max(deadline - loop.time(), 0.0))
        try:
            await asyncio.wait([looked_up, closed], return_when=asyncio.FIRST_COMPLETED)
            if closed.done():
                raise ClosedError("the producer is closed")
            found[topic] = looked_up.result()
        except Error as error:
            found[topic] = error
        finally:
            looked_up.cancel()
    future = selecting.send(found, max(deadline - loop.time(), 0.0))
    pass_on()
    return None if future is None else await future
