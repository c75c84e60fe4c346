"""The example programs, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import rmq
from rmq.testing import Fault, MockCluster

from conftest import REPOSITORY, SEND

EXAMPLES = REPOSITORY / "examples" / "python"


def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_sync_send_on_a_mock() -> None:
    result = run_example("sync_send.py", "--mock", "1", "--count", "3")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("SEND_OK") == 3


def test_sync_send_on_a_cluster_that_refuses(cluster: MockCluster) -> None:
    cluster.inject(Fault.code(1, "disk on fire"), request_code=SEND)
    result = run_example("sync_send.py", "--name-server", cluster.name_server, "--count", "1")
    assert result.returncode == 1
    assert "disk on fire" in result.stderr and "NOT_PERSISTED" in result.stderr


def test_async_send_counts_what_the_cluster_has(cluster: MockCluster) -> None:
    result = run_example(
        "async_send.py", "--name-server", cluster.name_server, "--topic", "measured", "--count", "5000", "--size", "100"
    )
    assert result.returncode == 0, result.stderr
    last = result.stdout.splitlines()[-1]
    assert last.startswith("RESULT ")
    numbers = json.loads(last.removeprefix("RESULT "))
    assert (numbers["accepted"], numbers["succeeded"], numbers["failed"]) == (5000, 5000, 0)
    assert 0 < numbers["latency_p50_ms"] <= numbers["latency_p99_ms"] <= numbers["latency_max_ms"]
    assert numbers["messages_per_second"] > 0
    counted = {
        ("broker-0", int(queue_id)): count for queue_id, count in numbers["queues"]["broker-0"].items()
    }
    assert counted == cluster.queue_counts("measured")
    assert numbers["brokers"] == {"broker-0": 5000}
    assert "5,000 of 5,000" in result.stderr
    assert {len(stored.body) for stored in cluster.stored("measured")} == {100}


def test_async_send_fails_if_a_message_does(cluster: MockCluster) -> None:
    cluster.inject(Fault.code(1, "disk on fire"), request_code=SEND)
    result = run_example("async_send.py", "--name-server", cluster.name_server, "--count", "100")
    assert result.returncode == 1
    numbers = json.loads(result.stdout.splitlines()[-1].removeprefix("RESULT "))
    assert (numbers["accepted"], numbers["succeeded"], numbers["failed"]) == (100, 0, 100)
    assert "disk on fire" in result.stdout


@pytest.mark.parametrize("name", ["sync_send.py", "async_send.py"])
def test_examples_say_what_is_wrong_with_their_arguments(name: str) -> None:
    result = run_example(name)
    assert result.returncode == 2 and "--name-server" in result.stderr


def test_async_send_ends_without_a_cluster() -> None:
    result = run_example("async_send.py", "--name-server", "127.0.0.1:1", "--count", "10")
    assert result.returncode == 1
    assert "127.0.0.1:1" in result.stderr
    assert rmq.NameServerError.__name__ in result.stderr
