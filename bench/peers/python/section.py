"""What the drivers of the other clients share: the section of ours, with what became of each message."""

import sys
import time

import driver
from driver import GROUP, TIMEOUT_MS, work

__all__ = ["GROUP", "TIMEOUT_MS", "Section", "work"]


class Section(driver.Section):
    """A number of sends: clocks, and what became of each. Any thread may report."""

    _SUCCEEDED, _FAILED = 1, 2

    def __init__(self, count):
        self._outcomes = bytearray(count)
        super().__init__()

    def report(self, number, error, start=None):
        """The message has an outcome, ``error`` or None; ``start`` is of ``perf_counter`` where it is timed."""
        if start is not None:
            self.latencies.append(time.perf_counter() - start)
        if self._outcomes[number]:
            self.doubled += 1
        elif error is None:
            self._outcomes[number] = self._SUCCEEDED
        else:
            if not self._outcomes.count(self._FAILED):
                print(f"send: {error!r}", file=sys.stderr)
            self._outcomes[number] = self._FAILED

    def print(self, work, **more):
        self.succeeded = self._outcomes.count(self._SUCCEEDED)
        self.failed = self._outcomes.count(self._FAILED)
        super().print(work, **more)
