"""Sends many messages with the asyncio producer and measures it.

    python async_send.py --name-server 127.0.0.1:9876 --topic orders --count 50000
    python async_send.py --mock 3

Prints progress on stderr, then a table, and `RESULT {json}` as the last line. Ends with 0 only if every message
was stored.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

import rmq
import rmq.aio

PROGRESS_INTERVAL = 0.2


class Run:
    """The messages of one run and what became of them."""

    def __init__(self, topic: str, size: int, count: int) -> None:
        self.topic = topic
        self.body = bytes(number % 251 for number in range(size))
        self.count = count
        self.accepted = 0
        self.receipts: list[rmq.Receipt] = []
        self.latencies: list[float] = []
        self.errors: Counter[str] = Counter()

    @property
    def failed(self) -> int:
        return self.errors.total()

    @property
    def done(self) -> int:
        return len(self.receipts) + self.failed

    async def send_one_after_the_other(self, producer: rmq.aio.Producer, numbers: Iterator[int]) -> None:
        """Sends while there are numbers; many of these run side by side and share the iterator."""
        for _ in numbers:
            self.accepted += 1
            start = perf_counter()
            try:
                receipt = await producer.send(self.topic, self.body)
            except rmq.Error as error:
                self.errors[str(error)] += 1
            else:
                self.latencies.append(perf_counter() - start)
                self.receipts.append(receipt)

    async def show_progress(self) -> None:
        while True:
            self.print_progress()
            await asyncio.sleep(PROGRESS_INTERVAL)

    def print_progress(self) -> None:
        print(f"\r{self.done:>10,} of {self.count:,} messages", end="", file=sys.stderr, flush=True)


def percentile(sorted_values: list[float], share: float) -> float:
    """The value below which `share` of the values lie; 0 if there are none."""
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)] if sorted_values else 0.0


def report(run: Run, seconds: float) -> None:
    latencies = sorted(latency * 1000 for latency in run.latencies)
    queues: dict[str, dict[str, int]] = {}
    counts = Counter((receipt.broker_name, receipt.queue_id) for receipt in run.receipts)
    for (broker, queue_id), count in sorted(counts.items()):
        queues.setdefault(broker, {})[str(queue_id)] = count
    result = {
        "accepted": run.accepted,
        "succeeded": len(run.receipts),
        "failed": run.failed,
        "seconds": round(seconds, 3),
        "messages_per_second": round(len(run.receipts) / seconds) if seconds else 0,
        "latency_p50_ms": round(percentile(latencies, 0.50), 3),
        "latency_p99_ms": round(percentile(latencies, 0.99), 3),
        "latency_max_ms": round(percentile(latencies, 1.0), 3),
        "brokers": {broker: sum(counts.values()) for broker, counts in queues.items()},
        "queues": queues,
    }
    for name in ("accepted", "succeeded", "failed", "messages_per_second"):
        print(f"{name.replace('_', ' '):<22}{result[name]:>14,}")
    for name in ("latency_p50_ms", "latency_p99_ms", "latency_max_ms"):
        print(f"{name.replace('_', ' '):<22}{result[name]:>14}")
    for broker, by_queue in queues.items():
        shares = "  ".join(f"{queue_id}: {count:,}" for queue_id, count in by_queue.items())
        print(f"{broker:<22}{sum(by_queue.values()):>14,}   queues  {shares}")
    for text, count in run.errors.most_common(5):
        print(f"{count:,} times {text}")
    print(f"RESULT {json.dumps(result)}", flush=True)


async def main() -> int:
    parser = argparse.ArgumentParser(description="Send many messages with the asyncio producer.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--name-server", metavar="HOST:PORT", help="a real cluster")
    where.add_argument("--mock", metavar="N", type=int, help="N mock brokers in this process")
    parser.add_argument("--topic", default="RmqExample")
    parser.add_argument("--count", type=int, default=50_000, help="messages (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, help="bytes of a body (default: %(default)s)")
    parser.add_argument("--in-flight", type=int, default=1024, help="side by side (default: %(default)s)")
    options = parser.parse_args()

    run = Run(options.topic, options.size, options.count)
    async with rmq.aio.Producer(
        "rmq-example", name_server=options.name_server, test_mock_brokers=options.mock or 0
    ) as producer:
        await producer.wait_ready()
        progress = asyncio.create_task(run.show_progress())
        numbers = iter(range(options.count))
        start = perf_counter()
        await asyncio.gather(
            *(run.send_one_after_the_other(producer, numbers) for _ in range(options.in_flight))
        )
        seconds = perf_counter() - start
        progress.cancel()
    run.print_progress()
    print(file=sys.stderr)
    report(run, seconds)
    return 0 if run.failed == 0 and run.accepted == len(run.receipts) == options.count else 1


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except rmq.Error as error:
        sys.exit(f"{type(error).__name__}: {error}")
