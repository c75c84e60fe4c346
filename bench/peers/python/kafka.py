"""What the Kafka drivers share: a broker that answers at once, in a process of its own, and the producer's settings."""

import os
import subprocess
import sys

from confluent_kafka import Producer

TARGET = "librdkafka mock"

# Messages in flight from which on it gains to wait for company.
COMPANY = 512

# Serves until its input ends, so that it ends with the driver.
_SERVER = """
import sys
from confluent_kafka import Producer

broker = Producer({"test.mock.num.brokers": 1, "log_level": 2})
[address] = broker.list_topics(timeout=30).brokers.values()
print(f"{address.host}:{address.port}", flush=True)
sys.stdin.read()
"""


class Mock:
    """librdkafka's mock broker. Where the driver may not use every core, the mock gets the others."""

    def __init__(self, topic):
        others = set(range(os.cpu_count())) - os.sched_getaffinity(0)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, others)) if others else None,
        )
        self.address = self._process.stdout.readline().strip()
        # Asking for a topic makes it; the first messages must not wait for that.
        Producer({"bootstrap.servers": self.address, "log_level": 2}).list_topics(topic, timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()


def settings(mock, work):
    return {
        "bootstrap.servers": mock.address,
        "log_level": 2,  # the mock may end first, which is no error
        "linger.ms": 0.5 if work.mode == "async" and work.window >= COMPANY else 0,
        "compression.type": "none",
        "message.max.bytes": 100_000_000,
        "queue.buffering.max.messages": max(work.window * 2, 100_000),
        "queue.buffering.max.kbytes": 2_097_151,
    }
