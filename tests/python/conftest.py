"""What the tests share: a mock cluster for each, and programs in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rmq
from rmq.testing import MockCluster

REPOSITORY = Path(__file__).resolve().parents[2]
SEND = 310
"""Request code of a send."""
LATE = 10.0
"""Seconds that a machine with much else to do may come late: no test needs a fast one."""

# A job in the background of a shell ignores it, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Ticks:
    """How often the running loop came round to a task that asks for it every 10 ms."""

    count = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.count += 1


@contextlib.contextmanager
def ticking_loop() -> Iterator[Ticks]:
    ticks = Ticks()
    ticking = asyncio.create_task(ticks.run())
    try:
        yield ticks
    finally:
        ticking.cancel()


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    """One mock broker."""
    with MockCluster() as cluster:
        yield cluster


@pytest.fixture
def two_brokers() -> Iterator[MockCluster]:
    with MockCluster(brokers=2) as cluster:
        yield cluster


@pytest.fixture
def producer(cluster: MockCluster) -> Iterator[rmq.Producer]:
    with rmq.Producer("group", name_server=cluster.name_server) as producer:
        yield producer


Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_program() -> Program:
    """Runs a Python text in a process of its own, for a bounded time."""

    def run(text: str, *arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(text), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"the program hangs\n{out}\n{err}")
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
