"""Bodies that travel compressed."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Callable

import pytest

import rmq
from rmq.testing import MockCluster

from ways import WAYS, Way

BODY = bytes(number % 251 for number in range(10_000))
ZLIB, LZ4, ZSTD = 0x301, 0x101, 0x201
"""System flags of compressed bodies."""


@pytest.mark.parametrize(
    ("kind", "sys_flag", "magic"),
    [("zlib", ZLIB, b"\x78"), ("lz4", LZ4, bytes.fromhex("04224d18")), ("zstd", ZSTD, bytes.fromhex("28b52ffd"))],
)
def test_every_type_travels_small_and_reads_as_sent(
    cluster: MockCluster, kind: str, sys_flag: int, magic: bytes
) -> None:
    with rmq.Producer("group", cluster.name_server, compress_type=kind) as producer:
        producer.send("topic", BODY)
    (stored,) = cluster.stored("topic")
    assert stored.sys_flag & 0x701 == sys_flag
    assert stored.raw_body.startswith(magic)
    assert len(stored.raw_body) < 1000
    assert stored.body == BODY
    assert f"raw_body={len(stored.raw_body)} bytes" in repr(stored)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_every_way_to_send_compresses_with_zlib_by_default(cluster: MockCluster, way: Way) -> None:
    way(cluster, "topic", BODY)
    assert cluster.wait_until(lambda: cluster.stored_count("topic") == 1)
    (stored,) = cluster.stored("topic")
    assert zlib.decompress(stored.raw_body) == stored.body == BODY


@pytest.mark.parametrize(("size", "compressed"), [(4095, False), (4096, True)])
def test_bodies_from_the_threshold_on_are_compressed(
    cluster: MockCluster, producer: rmq.Producer, size: int, compressed: bool
) -> None:
    producer.send("topic", BODY[:size])
    (stored,) = cluster.stored("topic")
    assert (stored.raw_body != stored.body) is compressed
    assert bool(stored.sys_flag & 1) is compressed
    assert stored.body == BODY[:size]


@pytest.mark.parametrize(("threshold", "compressed"), [(0, False), (10_001, False), (10_000, True)])
def test_the_threshold_is_configured(cluster: MockCluster, threshold: int, compressed: bool) -> None:
    with rmq.Producer("group", cluster.name_server, compress_threshold_bytes=threshold) as producer:
        producer.send("topic", BODY)
    (stored,) = cluster.stored("topic")
    assert (stored.raw_body != stored.body) is compressed


def test_a_body_that_does_not_get_smaller_travels_as_it_is(cluster: MockCluster, producer: rmq.Producer) -> None:
    body = os.urandom(10_000)
    producer.send("topic", body)
    (stored,) = cluster.stored("topic")
    assert (stored.raw_body, stored.body, stored.sys_flag & 0x701) == (body, body, 0)


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(rmq.InvalidValueError, match="zlib, lz4, zstd"):
        rmq.Producer("group", "127.0.0.1:1", compress_type="gzip")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_other_threads_run_while_a_long_body_is_compressed(
    cluster: MockCluster, producer: rmq.Producer, way: Way
) -> None:
    # Few different bytes in random order take long.
    body = os.urandom(4 << 20).translate(bytes(byte & 7 for byte in range(256)))
    producer.send("topic", b"x")
    start = time.monotonic()
    producer.send_oneway("topic", body)
    compressing = time.monotonic() - start
    # A busy machine may let a thread pause as well, but not every time.
    assert any(longest_pause_during(lambda: way(cluster, "topic", body)) < compressing / 2 for _ in range(3))


def longest_pause_during(action: Callable[[], object]) -> float:
    """How long another thread, which wants to run every millisecond, did not."""
    pauses: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        before = time.monotonic()
        while not ended.wait(0.001):
            now = time.monotonic()
            pauses.append(now - before)
            before = now

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        action()
    finally:
        ended.set()
        watcher.join()
    return max(pauses)
