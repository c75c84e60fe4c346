"""What the Python drivers share: the words that every driver gets, clocks, and the one line that they print."""

import argparse
import json
import resource
import sys
import time

GROUP = "rmq-bench"
TIMEOUT_MS = 30_000


def work():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name-server")
    parser.add_argument("--topic", default="bench")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--warm-up", type=int, default=0)
    parser.add_argument("--window", type=int, default=1_024)
    parser.add_argument("--body", type=int, default=256)
    parser.add_argument("--batch-auto")
    parser.add_argument("--mode", default="lone")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=64)
    return parser.parse_args()


class Section:
    """A number of sends: clocks, and what became of each. Any thread may report."""

    _SUCCEEDED, _FAILED = 1, 2

    def __init__(self, count):
        self.latencies = []
        self._outcomes = bytearray(count)
        self._doubled = 0
        self.slowest_thread = None
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._user, self._system = usage.ru_utime, usage.ru_stime
        self._start = time.perf_counter()

    def report(self, number, error, start=None):
        """The message has an outcome, ``error`` or None; ``start`` is of ``perf_counter`` where it is timed."""
        if start is not None:
            self.latencies.append(time.perf_counter() - start)
        if self._outcomes[number]:
            self._doubled += 1
        elif error is None:
            self._outcomes[number] = self._SUCCEEDED
        else:
            if not self._outcomes.count(self._FAILED):
                print(f"send: {error!r}", file=sys.stderr)
            self._outcomes[number] = self._FAILED

    def stop(self):
        self._seconds = time.perf_counter() - self._start
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._user, self._system = usage.ru_utime - self._user, usage.ru_stime - self._system
        self._peak_rss = usage.ru_maxrss
        self._threads = threads()

    def print(self, work, **more):
        """The outcome as the harness reads it."""
        outcome = {
            "count": work.count,
            "warm_up": work.warm_up,
            "succeeded": self._outcomes.count(self._SUCCEEDED),
            "failed": self._outcomes.count(self._FAILED),
            "doubled": self._doubled,
            "seconds": self._seconds,
            "user_seconds": self._user,
            "system_seconds": self._system,
            "latency": self._latency(),
            "peak_rss_kib": self._peak_rss,
            "threads": self._threads,
            **more,
        }
        if self.slowest_thread is not None:
            outcome["slowest_thread"] = self.slowest_thread
        print(json.dumps(outcome), flush=True)

    def _latency(self):
        if not self.latencies:
            return None
        ordered = sorted(self.latencies)

        def at(thousandths):
            return ordered[len(ordered) * thousandths // 1000] * 1e6

        return {
            "samples": len(ordered),
            "p50_us": at(500),
            "p99_us": at(990),
            "p999_us": at(999),
            "max_us": ordered[-1] * 1e6,
        }


def threads():
    """Threads of this process."""
    with open("/proc/self/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("Threads:")).split()[1])
