"""Memory stays flat."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

import rmq
import rmq.aio
from rmq.testing import MockCluster


def resident_megabytes() -> float:
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def grown(action, rounds: int) -> float:
    """How many megabytes the process grew by when `action` ran `rounds` times more."""
    for _ in range(max(rounds // 4, 1)):
        action()
    before = resident_megabytes()
    for _ in range(rounds):
        action()
    return resident_megabytes() - before


def test_messages_that_are_dropped() -> None:
    body = bytes(50_000)
    # 20,000 messages of 50 kB: a leak of the bodies would be a gigabyte.
    assert grown(lambda: rmq.Message("topic", bytearray(body), keys=["a"], properties={"a": "b"}), 20_000) < 8


def test_sends_whose_futures_are_dropped() -> None:
    async def main() -> None:
        with MockCluster(keep=0) as cluster:
            # Compressed bodies would hide a leak.
            async with rmq.aio.Producer("group", cluster.name_server, compress_threshold_bytes=0) as producer:
                body = bytes(5_000)

                async def send(count: int) -> None:
                    for _ in range(count // 500):
                        for _ in range(500):
                            producer.send("topic", body)
                        await producer.flush()

                await send(5_000)
                before = resident_megabytes()
                await send(20_000)
                # A leak of the bodies would be 100 MB.
                assert resident_megabytes() - before < 8

    asyncio.run(main())


def test_sends_that_fail(cluster: MockCluster) -> None:
    with rmq.Producer("group", cluster.name_server) as producer:
        body = bytes(50_000)

        def fail() -> None:
            with pytest.raises(rmq.MessageIllegalError):
                producer.send("no/slash", bytearray(body))

        assert grown(fail, 5_000) < 8


def test_producers_that_come_and_go() -> None:
    with MockCluster(keep=0) as cluster:

        def once() -> None:
            async def send() -> None:
                async with rmq.aio.Producer("group", cluster.name_server) as producer:
                    await producer.send("topic", b"x")

            asyncio.run(send())

        assert grown(once, 200) < 8
