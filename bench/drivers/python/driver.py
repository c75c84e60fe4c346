"""What all Python drivers share, also those of other clients: their work, their clocks, and the one line they print."""

import argparse
import json
import resource
import sys
import time

GROUP = "rmq-bench"
# Longer than any pause of a busy machine: a time-out would void the run.
TIMEOUT_MS = 30_000


def work():
    """The words that every driver gets. The harness says all of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name-server")
    parser.add_argument("--topic", default="bench")
    parser.add_argument("--mode", default="lone")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--warm-up", type=int, default=0)
    parser.add_argument("--window", type=int, default=1_024)
    parser.add_argument("--body", type=int, default=256)
    parser.add_argument("--batch-auto", default="off")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=64)
    return parser.parse_args()


def options(work):
    """The keywords of a producer of ours, which waits when the window is full."""
    return {
        "name_server": work.name_server,
        "send_timeout_ms": TIMEOUT_MS,
        "in_flight_max_messages": work.window,
        "in_flight_full": "wait",
        "batch_auto": work.batch_auto,
        # Equal bytes would travel as next to nothing.
        "compress_threshold_bytes": 0,
    }


class Section:
    """The measured part of a driver: counts, wall clock, processor time."""

    def __init__(self):
        self.latencies = []
        self.succeeded = 0
        self.failed = 0
        self.doubled = 0
        self.slowest_thread = None
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._user, self._system = usage.ru_utime, usage.ru_stime
        self._start = time.perf_counter()

    def fail(self, error):
        if self.failed == 0:
            print(f"send: {error!r}", file=sys.stderr)
        self.failed += 1

    def stop(self):
        self._seconds = time.perf_counter() - self._start
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._user, self._system = usage.ru_utime - self._user, usage.ru_stime - self._system
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            self._status = dict(line.split(":", 1) for line in status)

    def print(self, work, **more):
        """The outcome as the harness reads it."""
        outcome = {
            "count": work.count,
            "warm_up": work.warm_up,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "doubled": self.doubled,
            "seconds": self._seconds,
            "user_seconds": self._user,
            "system_seconds": self._system,
            "latency": self._latency(),
            "slowest_thread": self.slowest_thread,
            "peak_rss_kib": int(self._status["VmHWM"].split()[0]),
            "threads": int(self._status["Threads"]),
            **more,
        }
        # A client that cannot end leaves by a door that flushes nothing.
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
