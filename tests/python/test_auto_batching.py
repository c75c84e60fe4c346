"""Sends that travel together by themselves."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from conftest import SEND

SEND_BATCH = 320

Test = Callable[[rmq.aio.Producer], Awaitable[None]]
every_kind = pytest.mark.parametrize("batch_auto", ["pressure", "linger"])


def run(cluster: MockCluster, test: Test, **options: object) -> None:
    async def main() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            await test(producer)
        assert complaints == []

    asyncio.run(main(), debug=True)


@every_kind
def test_many_sends_at_once_take_few_requests(cluster: MockCluster, batch_auto: str) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"-1")
        # While requests have no answer the others gather, however long it takes to make them.
        rules = [cluster.inject(Fault.hold(), request_code=code) for code in (SEND, SEND_BATCH)]
        sends = [producer.send("topic", b"%d" % number) for number in range(1000)]
        for rule in rules:
            cluster.remove_fault(rule)
        receipts = await asyncio.gather(*sends)
        stored = {message.properties["UNIQ_KEY"]: message for message in cluster.stored("topic")}
        assert len({receipt.message_id for receipt in receipts}) == 1000
        assert len({receipt.offset_message_id for receipt in receipts}) == 1000
        for number, receipt in enumerate(receipts):
            message = stored[receipt.message_id]
            assert (message.body, message.queue_id) == (b"%d" % number, receipt.queue_id)
            assert message.queue_offset == receipt.queue_offset
        assert producer.in_flight == 0

    run(cluster, test, batch_auto=batch_auto, batch_linger_ms=500, send_timeout_ms=60_000)
    assert cluster.stored_count("topic") == 1001
    assert 0 < cluster.request_count(SEND_BATCH)
    assert cluster.request_count(SEND_BATCH) + cluster.request_count(SEND) < 100


def test_send_many_travels_together_too(cluster: MockCluster) -> None:
    options = {"batch_auto": "pressure", "send_timeout_ms": 60_000}
    with rmq.Producer("group", cluster.name_server, **options) as producer:
        producer.send("topic", b"x")
        rule = cluster.inject(Fault.hold(), request_code=SEND)

        def messages() -> Iterator[rmq.Message]:
            yield from (rmq.Message("topic", b"x") for _ in range(1000))
            cluster.remove_fault(rule)

        results = producer.send_many(messages())
    assert len({result.message_id for result in results if isinstance(result, rmq.Receipt)}) == 1000
    assert cluster.request_count(SEND_BATCH) + cluster.request_count(SEND) < 100


def test_nothing_travels_together_where_it_is_off(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await asyncio.gather(*(producer.send("topic", b"x") for _ in range(100)))

    run(cluster, test, batch_auto="off")
    assert (cluster.request_count(SEND_BATCH), cluster.request_count(SEND)) == (0, 100)


@every_kind
def test_messages_of_one_queue_keep_the_order_of_their_calls(cluster: MockCluster, batch_auto: str) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await asyncio.gather(
            *(
                producer.send("topic", b"%d" % number, sharding_key="key", delay_level=18 if number % 50 == 49 else 0)
                if number % 2
                else producer.send("topic", b"%d" % number, queue=("broker-0", 2))
                for number in range(500)
            )
        )

    run(cluster, test, batch_auto=batch_auto)
    bodies = [int(stored.body) for stored in cluster.stored("topic") if stored.queue_id == 2]
    even = [body for body in bodies if body % 2 == 0]
    odd = [int(stored.body) for stored in cluster.stored("topic") if int(stored.body) % 2]
    assert even == list(range(0, 500, 2))
    assert odd == [number for number in range(1, 500, 2) if number % 50 != 49]


@every_kind
def test_cancelled_sends_are_stored_and_counted_once(cluster: MockCluster, batch_auto: str) -> None:
    told: Counter[bytes] = Counter()

    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"first")
        rules = [cluster.inject(Fault.hold(), request_code=code) for code in (SEND, SEND_BATCH)]
        futures = [producer.send("topic", b"%d" % number) for number in range(300)]
        for future in futures[::3]:
            future.cancel()
        for rule in rules:
            cluster.remove_fault(rule)
        results = await asyncio.gather(*futures, return_exceptions=True)
        kinds = Counter(type(result) for result in results)
        assert kinds == {asyncio.CancelledError: 100, rmq.Receipt: 200}
        await producer.flush()
        assert producer.in_flight == 0

    told_of = {"after_send": lambda message, outcome: told.update([message.body])}
    run(cluster, test, batch_auto=batch_auto, send_timeout_ms=60_000, **told_of)
    assert cluster.stored_count("topic") == 301
    assert len(told) == 301 and set(told.values()) == {1}


@every_kind
def test_each_message_keeps_its_own_deadline(cluster: MockCluster, batch_auto: str) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"first")
        rules = [cluster.inject(Fault.hold(), request_code=code) for code in (SEND, SEND_BATCH)]
        start = time.monotonic()
        futures = [producer.send("topic", b"x", timeout=1.0 if number % 2 else 60.0) for number in range(200)]
        ended = [0.0] * 200
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, number=number: ended.__setitem__(number, time.monotonic() - start))
        late = await asyncio.gather(*futures[1::2], return_exceptions=True)
        assert {type(result) for result in late} == {rmq.TimeoutError}
        assert not any(future.done() for future in futures[0::2])
        for rule in rules:
            cluster.remove_fault(rule)
        assert {type(result) for result in await asyncio.gather(*futures[0::2])} == {rmq.Receipt}
        # Not before its time.
        assert all(0.99 <= ended[number] for number in range(1, 200, 2))
        assert producer.in_flight == 0

    # Its answers to heartbeats show that the peer is there. One that is silent for three seconds is given up with the next
    # time-out, and a slow machine calls `send` for longer than that.
    run(cluster, test, batch_auto=batch_auto, heartbeat_interval_ms=100)


@every_kind
def test_close_ends_every_send_once(cluster: MockCluster, batch_auto: str) -> None:
    told: Counter[bytes] = Counter()

    async def main() -> None:
        producer = rmq.aio.Producer(
            "group", cluster.name_server, batch_auto=batch_auto, send_timeout_ms=30_000,
            after_send=lambda message, outcome: told.update([message.body]),
        )
        await producer.send("topic", b"first")
        for code in (SEND, SEND_BATCH):
            cluster.inject(Fault.no_answer(), request_code=code)
        ends: list[object] = []
        futures = [producer.send("topic", b"%d" % number) for number in range(1000)]
        for future in futures:
            future.add_done_callback(ends.append)
        with pytest.raises(rmq.TimeoutError):
            await producer.close(0.2)
        results = await asyncio.gather(*futures, return_exceptions=True)
        assert {type(result) for result in results} == {rmq.ClosedError}
        assert len(ends) == 1000

    asyncio.run(main())
    assert len(told) == 1001 and set(told.values()) == {1}


@every_kind
def test_leaving_the_block_waits_for_what_travels_together(cluster: MockCluster, batch_auto: str) -> None:
    futures: list[asyncio.Future] = []

    async def test(producer: rmq.aio.Producer) -> None:
        futures.extend(producer.send("topic", b"x") for _ in range(500))

    run(cluster, test, batch_auto=batch_auto, batch_linger_ms=200)
    assert all(isinstance(future.result(), rmq.Receipt) for future in futures)
    assert cluster.stored_count("topic") == 500


@every_kind
def test_only_the_guilty_message_of_a_batch_fails(cluster: MockCluster, batch_auto: str) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"first")
        cluster.inject(Fault.code(13, "of one message"), request_code=SEND_BATCH)
        receipts = await asyncio.gather(*(producer.send("topic", b"%d" % number) for number in range(100)))
        assert len({receipt.message_id for receipt in receipts}) == 100

    run(cluster, test, batch_auto=batch_auto)
    assert cluster.stored_count("topic") == 101
