"""The producer for asyncio.

Sends are handed over at the call and return a future of the running loop; the outcomes of many are delivered
together on the loop's own thread. There is no thread and no task for a message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from ._errors import TimeoutError
from ._rmq import AioProducer

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Producer"]


class Producer(AioProducer):
    """A producer whose sends are awaited. It may be used on several loops, each on its own thread."""

    # How often a close whose time was over found sends open, and cut them off.
    _cuts = 0

    async def __aenter__(self) -> Self:
        self._attach()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_forked():
            return
        if error is None or isinstance(error, Exception):
            await self.close()
        else:
            # What ended the block is raised, not that sends were cut off by it.
            with contextlib.suppress(TimeoutError):
                await self.close(0.0)

    async def wait_ready(self, timeout: float = 10.0) -> None:
        """Waits until a name server has answered.

        Raises what keeps it from answering when `timeout` seconds have passed.
        """
        self._check_process()
        await self._wait_ready(timeout)

    async def queues(self, topic: str, timeout: float | None = None) -> list[tuple[str, int]]:
        """The queues of a topic that may be written, as broker and number, in the Java client's order.

        Looks the topic up if it is not known yet, within `timeout` seconds (default: `send.timeout.ms`).
        """
        self._check_process()
        return await self._queues(topic, timeout)

    async def flush(self, timeout: float | None = None) -> None:
        """Waits until no send is open and one-way sends are written; `TimeoutError` after `timeout` seconds."""
        self._check_process()
        left = await self._wait_idle(timeout)
        if left is not None and left < 0.0:
            raise _late(timeout)
        if self.in_flight:
            await self._run(self._flush, left, timeout)

    async def close(self, timeout: float | None = None) -> None:
        """Refuses new sends, waits up to `timeout` seconds for the outcomes of those that are open, fails the
        rest with `ClosedError` and raises `TimeoutError` then. Of several that close at the same time, the one
        whose time is over first does so for all. Every future has its outcome afterwards. Closing again does
        nothing."""
        self._check_process()
        self._refuse()
        cuts = self._cuts
        left = await self._wait_idle(timeout)
        is_cut_by_another = self._cuts != cuts
        cut_off = False
        if left is not None and left < 0.0:
            self._cuts += 1
            cut_off = self._close_routes()
            left = 0.0
        try:
            await self._run(self._close, left, timeout)
        finally:
            await self._idle()
            self._detach()
        if cut_off:
            raise _late(timeout)
        if is_cut_by_another:
            raise TimeoutError("sends ended as closed: another close had less time", retriable=True)

    async def _run(
        self, call: Callable[[float | None], asyncio.Future[None]], left: float | None, timeout: float | None
    ) -> None:
        """Waits for `call` with the seconds left; its `TimeoutError` tells the caller's `timeout`."""
        try:
            await call(left)
        except TimeoutError:
            if timeout is None:
                raise
            raise _late(timeout) from None

    async def _wait_idle(self, timeout: float | None) -> float | None:
        """The seconds left when no send is open; negative if some still are."""
        if timeout is None:
            await self._idle()
            return None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        idle = self._idle()
        try:
            done, _ = await asyncio.wait([idle], timeout=timeout)
        finally:
            idle.cancel()
        return max(deadline - loop.time(), 0.0) if done else -1.0

    def __del__(self) -> None:
        # A constructor that raised leaves an object without anything to give up.
        abandon = getattr(self, "_abandon", None)
        if abandon is not None:
            abandon()


def _late(timeout: float | None) -> TimeoutError:
    return TimeoutError(
        f"not all sends had an outcome within {timeout} s", elapsed=timeout or 0.0, retriable=True
    )
