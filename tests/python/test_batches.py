"""Explicit batches: one request, a receipt for each message, all or none."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from conftest import LATE, SEND

SEND_BATCH = 320
"""Request code of a send of a batch."""

Batch = Callable[..., list[rmq.Receipt]]


def blocking(cluster: MockCluster, messages: Iterable[rmq.Message], timeout: float | None = None, **options: object):
    with rmq.Producer("group", cluster.name_server, **options) as producer:
        return producer.send_batch(messages, timeout=timeout)


def split(*arguments: object, **options: object):
    return blocking(*arguments, batch_split=True, **options)


def on_a_loop(cluster: MockCluster, messages: Iterable[rmq.Message], timeout: float | None = None, **options: object):
    async def main() -> list[rmq.Receipt]:
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            future = producer.send_batch(messages, timeout=timeout)
            assert isinstance(future, asyncio.Future)
            return await future

    return asyncio.run(main())


every_way = pytest.mark.parametrize("send_batch", [blocking, split, on_a_loop], ids=lambda way: way.__name__)


def numbered(count: int, **keywords: object) -> list[rmq.Message]:
    return [rmq.Message("topic", b"%d" % number, **keywords) for number in range(count)]


@every_way
def test_a_batch_is_one_request_with_a_receipt_for_each(cluster: MockCluster, send_batch: Batch) -> None:
    messages = [
        rmq.Message("topic", b"%d" % number, tags="t", keys=["k"], properties={"n": str(number)}, flag=number)
        for number in range(20)
    ]
    receipts = send_batch(cluster, iter(messages))
    assert (cluster.request_count(SEND_BATCH), cluster.request_count(SEND)) == (1, 0)
    stored = {message.properties["UNIQ_KEY"]: message for message in cluster.stored("topic")}
    assert len(stored) == 20
    assert len({(receipt.broker_name, receipt.queue_id) for receipt in receipts}) == 1
    assert len({receipt.offset_message_id for receipt in receipts}) == 20
    for number, receipt in enumerate(receipts):
        message = stored[receipt.message_id]
        assert (message.body, message.flag, message.properties["n"]) == (b"%d" % number, number, str(number))
        assert (message.properties["TAGS"], message.properties["KEYS"]) == ("t", "k")
        assert receipt.queue_offset == message.queue_offset
        assert (receipt.status, receipt.topic) == (rmq.SendStatus.SEND_OK, "topic")


RULES = {
    "no messages": ([], "no messages"),
    "retry topic": ([rmq.Message("%RETRY%group", b"x")], "%RETRY%group"),
    "topics": ([rmq.Message("topic", b"x"), rmq.Message("other", b"x")], "message 1 .* another topic"),
    "wait_store_ok": (
        [rmq.Message("topic", b"x"), rmq.Message("topic", b"x", wait_store_ok=False)],
        "message 1 .* another wait_store_ok",
    ),
    "destinations": (
        [rmq.Message("topic", b"x", queue=("broker-0", 1)), rmq.Message("topic", b"x")],
        "message 1 .* another destination",
    ),
    "delay level": (numbered(1, delay_level=1), "message 0 .* delay"),
    "timer": (numbered(1, deliver_at_ms=1), "message 0 .* delay"),
    "content": ([rmq.Message("topic", b"x"), rmq.Message("topic", b"")], "body is empty"),
    "name": ([rmq.Message("no/slash", b"x")], "no/slash"),
}


@every_way
@pytest.mark.parametrize(("messages", "text"), RULES.values(), ids=RULES.keys())
def test_a_batch_against_the_rules_is_refused(
    cluster: MockCluster, send_batch: Batch, messages: list[rmq.Message], text: str
) -> None:
    with pytest.raises(rmq.MessageIllegalError, match=text) as caught:
        send_batch(cluster, messages)
    assert caught.value.receipts == ()
    assert caught.value.persistence is rmq.Persistence.NOT_PERSISTED
    assert cluster.request_count(SEND_BATCH) == 0


@pytest.mark.parametrize("send_batch", [blocking, on_a_loop])
def test_a_batch_that_is_too_long_names_its_length(cluster: MockCluster, send_batch: Batch) -> None:
    with pytest.raises(rmq.MessageIllegalError, match=r"batch of 20 messages .* max\.message\.size .*\(1000\)"):
        send_batch(cluster, [rmq.Message("topic", b"x" * 100)] * 20, max_message_size=1000)
    assert cluster.request_count(SEND_BATCH) == 0


def test_a_batch_that_is_too_long_goes_as_several_by_choice(cluster: MockCluster) -> None:
    receipts = split(cluster, [rmq.Message("topic", b"x" * 100)] * 20, max_message_size=1000)
    assert len({receipt.message_id for receipt in receipts}) == 20 == cluster.stored_count("topic")
    assert cluster.request_count(SEND_BATCH) > 1


def test_a_split_batch_tells_what_is_stored_of_it(cluster: MockCluster) -> None:
    messages = [rmq.Message("topic", b"%03d" % number * 30) for number in range(20)]
    told: list[object] = []
    with rmq.Producer(
        "group", cluster.name_server, batch_split=True, max_message_size=1000, retry_times=0,
        after_send=lambda message, outcome: told.append(type(outcome)),
    ) as producer:
        producer.send_batch(messages[:3])
        cluster.inject(Fault.delay(0), request_code=SEND_BATCH, times=1)
        cluster.inject(Fault.code(1, "full"), request_code=SEND_BATCH)
        told.clear()
        with pytest.raises(rmq.BrokerError, match="full") as caught:
            producer.send_batch(messages)
    receipts = caught.value.receipts
    assert 0 < len(receipts) < 20
    assert cluster.stored_count("topic") == 3 + len(receipts)
    bodies = {stored.properties["UNIQ_KEY"]: stored.body for stored in cluster.stored("topic")}
    assert [bodies[receipt.message_id] for receipt in receipts] == [m.body for m in messages[: len(receipts)]]
    assert told == [rmq.Receipt] * len(receipts) + [rmq.BrokerError] * (20 - len(receipts))


@every_way
def test_a_failed_batch_tells_the_story_of_its_attempts(two_brokers: MockCluster, send_batch: Batch) -> None:
    two_brokers.inject(Fault.code(1, "no"), request_code=SEND_BATCH)
    with pytest.raises(rmq.BrokerError, match="no") as caught:
        send_batch(two_brokers, numbered(3))
    error = caught.value
    assert (error.receipts, error.attempts, len(error.history)) == ((), 3, 3)
    assert {attempt.broker_name for attempt in error.history} == {"broker-0", "broker-1"}
    assert two_brokers.stored_count("topic") == 0


@every_way
def test_the_other_broker_takes_the_batch_that_one_refuses(two_brokers: MockCluster, send_batch: Batch) -> None:
    two_brokers.inject(Fault.code(1, "no"), broker="broker-0", request_code=SEND_BATCH)
    for _ in range(3):
        assert {receipt.broker_name for receipt in send_batch(two_brokers, numbered(4))} == {"broker-1"}
    assert two_brokers.stored_count("topic") == 12


@every_way
@pytest.mark.parametrize(
    ("keywords", "queue"),
    [
        ({"queue": ("broker-1", 1)}, ("broker-1", 1)),
        ({"sharding_key": "TagA"}, ("broker-1", 1)),
        ({"selector": lambda queues: queues.index(("broker-1", 0))}, ("broker-1", 0)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_batch_goes_to_one_queue(
    two_brokers: MockCluster, send_batch: Batch, keywords: dict, queue: tuple[str, int]
) -> None:
    two_brokers.create_topic("topic", read_queues=2, write_queues=2)
    send_batch(two_brokers, numbered(5, **keywords))
    assert two_brokers.queue_counts("topic") == {queue: 5}
    assert two_brokers.request_count(SEND_BATCH) == 1


@every_way
def test_a_selector_is_asked_once_for_a_batch(cluster: MockCluster, send_batch: Batch) -> None:
    calls: list[int] = []

    def next_queue(queues: list[tuple[str, int]]) -> int:
        calls.append(1)
        return len(calls) % len(queues)

    send_batch(cluster, numbered(5, selector=next_queue))
    assert calls == [1]
    assert cluster.queue_counts("topic") == {("broker-0", 1): 5}


@every_way
def test_selectors_that_disagree_are_refused(cluster: MockCluster, send_batch: Batch) -> None:
    messages = [rmq.Message("topic", b"x", selector=lambda queues, index=index: index) for index in (0, 1)]
    with pytest.raises(rmq.MessageIllegalError, match="another destination"):
        send_batch(cluster, messages)
    with pytest.raises(ZeroDivisionError):
        send_batch(cluster, numbered(2, selector=lambda queues: 1 // 0))
    assert cluster.stored_count("topic") == 0


@every_way
def test_a_batch_whose_queues_cannot_be_had_is_not_sent(send_batch: Batch) -> None:
    with MockCluster(auto_create=False) as cluster:
        cluster.create_topic("topic")
        messages = [rmq.Message("topic", b"x"), rmq.Message("nowhere", b"x", selector=len)]
        with pytest.raises(rmq.NoRouteError, match="nowhere"):
            send_batch(cluster, messages)
        assert cluster.stored_count("topic") == 0


@every_way
def test_a_batch_ends_at_its_timeout(cluster: MockCluster, send_batch: Batch) -> None:
    cluster.inject(Fault.store_then_no_answer(), request_code=SEND_BATCH)
    start = time.monotonic()
    with pytest.raises(rmq.TimeoutError) as caught:
        send_batch(cluster, numbered(3), timeout=0.3)
    assert 0.29 <= time.monotonic() - start < LATE
    assert caught.value.persistence is rmq.Persistence.POSSIBLY_PERSISTED


def test_a_batch_waits_for_room_as_a_whole(cluster: MockCluster) -> None:
    async def main() -> None:
        options = {"in_flight_max_messages": 10, "send_timeout_ms": 60_000}
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            await producer.send("topic", b"first")
            rule = cluster.inject(Fault.hold(), request_code=SEND)
            singles = [producer.send("topic", b"x") for _ in range(5)]
            batches = [producer.send_batch(numbered(8)) for _ in range(3)]
            after = producer.send("topic", b"x")
            cluster.remove_fault(rule)
            for batch in batches:
                assert len(await batch) == 8
            await asyncio.gather(*singles, after)

    asyncio.run(main())
    assert cluster.request_count(SEND_BATCH) == 3
    assert cluster.stored_count("topic") == 1 + 5 + 24 + 1


def test_threads_send_batches_through_little_room(cluster: MockCluster) -> None:
    with rmq.Producer("group", cluster.name_server, in_flight_max_messages=10) as producer:
        threads = [threading.Thread(target=producer.send_batch, args=(numbered(7),)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert cluster.stored_count("topic") == 140


def test_a_batch_without_room_fails_by_choice(cluster: MockCluster) -> None:
    async def main() -> None:
        options = {"in_flight_max_messages": 3, "in_flight_full": "fail", "send_timeout_ms": 60_000}
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            await producer.send("topic", b"x")
            rule = cluster.inject(Fault.hold(), request_code=SEND)
            held = producer.send("topic", b"x")
            with pytest.raises(rmq.QueueFullError):
                await producer.send_batch(numbered(3))
            cluster.remove_fault(rule)
            await held

    asyncio.run(main())
    assert cluster.request_count(SEND_BATCH) == 0


def test_arguments_that_make_no_batch_are_errors_of_the_call(cluster: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            with pytest.raises(TypeError):
                producer.send_batch([b"x"])
            with pytest.raises(rmq.InvalidArgumentError):
                producer.send_batch([], timeout=-1)
        with pytest.raises(rmq.ClosedError):
            await producer.send_batch(numbered(1))

    asyncio.run(main())
    producer = rmq.Producer("group", cluster.name_server)
    producer.close()
    with pytest.raises(rmq.ClosedError):
        producer.send_batch(numbered(1))
