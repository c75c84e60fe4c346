"""The blocking producer: what is sent, what comes back."""

from __future__ import annotations

import copy
import pickle
import threading
import time

import pytest

import rmq
from rmq.testing import Fault, MockCluster

from conftest import SEND


def test_a_message_arrives_whole_and_the_receipt_says_where(cluster: MockCluster, producer: rmq.Producer) -> None:
    receipt = producer.send(
        "topic",
        b"body",
        tags="paid",
        keys=["order-42", "customer-7"],
        properties={"größe": "µ", "b": "2"},
        flag=9,
    )
    (stored,) = cluster.stored("topic")
    assert stored.body == b"body"
    assert stored.flag == 9
    assert stored.properties["TAGS"] == "paid"
    assert stored.properties["KEYS"].split() == ["order-42", "customer-7"]
    assert stored.properties["größe"] == "µ"
    assert stored.properties["b"] == "2"
    assert stored.properties["UNIQ_KEY"] == receipt.message_id
    assert receipt.status is rmq.SendStatus.SEND_OK
    assert receipt.topic == "topic"
    assert (receipt.broker_name, receipt.queue_id) == (stored.broker, stored.queue_id)
    assert receipt.queue_offset == stored.queue_offset == 0
    assert receipt.offset_message_id == stored.message_id
    assert receipt.broker_address == cluster.broker_address("broker-0")
    assert receipt.attempts == 1
    assert 0 < receipt.elapsed < 3


@pytest.mark.parametrize("body", [b"\0", b"a\0b\0\0c", bytes(range(256)), b"\xff" * 70_000, bytes(4 << 20)])
def test_bodies_keep_every_byte(cluster: MockCluster, producer: rmq.Producer, body: bytes) -> None:
    producer.send("topic", body, timeout=20)
    assert cluster.stored("topic")[0].body == body


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda body: memoryview(body)[::1]])
def test_a_body_may_be_any_bytes_like_object(cluster: MockCluster, producer: rmq.Producer, kind: type) -> None:
    producer.send("topic", kind(b"a\0b"))
    assert cluster.stored("topic")[0].body == b"a\0b"


def test_a_single_key_may_be_a_string(cluster: MockCluster, producer: rmq.Producer) -> None:
    producer.send("topic", b"body", keys="order-42")
    assert cluster.stored("topic")[0].properties["KEYS"].split() == ["order-42"]


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ((1, b"x"), {}),
        (("topic", "text"), {}),
        (("topic", None), {}),
        (("topic", b"x"), {"tags": 1}),
        (("topic", b"x"), {"keys": [1]}),
        (("topic", b"x"), {"properties": {"a": 1}}),
        (("topic", b"x"), {"flag": "1"}),
        (("topic", b"x"), {"timeout": "1"}),
        (("topic", b"x"), {"unknown": 1}),
        ((), {}),
    ],
)
def test_wrong_types_are_type_errors(producer: rmq.Producer, arguments: tuple, keywords: dict) -> None:
    with pytest.raises(TypeError):
        producer.send(*arguments, **keywords)


@pytest.mark.parametrize("timeout", [-1.0, float("nan"), float("inf")])
def test_a_timeout_that_is_none_is_refused(producer: rmq.Producer, timeout: float) -> None:
    with pytest.raises(rmq.InvalidArgumentError, match="timeout"):
        producer.send("topic", b"x", timeout=timeout)


def test_texts_that_are_not_unicode_are_refused(producer: rmq.Producer) -> None:
    with pytest.raises(UnicodeEncodeError):
        producer.send("\ud800", b"x")
    with pytest.raises(UnicodeEncodeError):
        producer.send("topic", b"x", properties={"a": "\ud800"})


@pytest.mark.parametrize(
    ("topic", "body", "keywords"),
    [
        ("", b"x", {}),
        ("no/slash", b"x", {}),
        ("t" * 200, b"x", {}),
        ("topic", b"", {}),
        ("topic", bytes((4 << 20) + 1), {}),
        ("topic", b"x", {"properties": {"UNIQ_KEY": "mine"}}),
        ("topic", b"x", {"delay_level": -1}),
    ],
)
def test_illegal_messages_are_refused_before_anything_is_sent(
    cluster: MockCluster, producer: rmq.Producer, topic: str, body: bytes, keywords: dict
) -> None:
    with pytest.raises(rmq.MessageIllegalError) as caught:
        producer.send(topic, body, **keywords)
    assert caught.value.persistence is rmq.Persistence.NOT_PERSISTED
    assert caught.value.attempts == 0
    assert cluster.request_count(SEND) == 0


def test_receipts_are_values(producer: rmq.Producer) -> None:
    receipt = producer.send("topic", b"body")
    for again in (pickle.loads(pickle.dumps(receipt)), copy.copy(receipt), copy.deepcopy(receipt)):
        assert again == receipt
        assert hash(again) == hash(receipt)
        assert again.status is rmq.SendStatus.SEND_OK
        assert again.message_id == receipt.message_id
        assert again.elapsed == pytest.approx(receipt.elapsed, abs=1e-6)
    assert producer.send("topic", b"body") != receipt
    assert "SEND_OK" in repr(receipt) and receipt.message_id in repr(receipt)
    with pytest.raises(AttributeError):
        receipt.topic = "other"
    with pytest.raises(ValueError):
        rmq.Receipt(4, "topic", "id")


def test_messages_are_values() -> None:
    message = rmq.Message(
        "topic", bytearray(b"\0a"), tags="t", keys=("k",), properties={"a": "b"}, flag=3, delay_level=2, wait_store_ok=False
    )
    for again in (pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
        assert again == message
        assert (again.topic, again.body, again.tags, again.keys) == ("topic", b"\0a", "t", ("k",))
        assert (again.properties, again.flag, again.delay_level, again.wait_store_ok) == ({"a": "b"}, 3, 2, False)
    assert message != rmq.Message("topic", b"\0a")
    body = bytearray(b"before")
    copied = rmq.Message("topic", body)
    body[:] = b"after!"
    assert copied.body == b"before"


def test_a_message_is_replaced_but_for_what_is_named() -> None:
    message = rmq.Message(
        "topic",
        b"body",
        tags="tag",
        keys=["a", "b"],
        properties={"n": "v"},
        buyer_id="buyer",
        flag=7,
        delay_level=3,
        sharding_key="key",
        wait_store_ok=False,
    )
    assert message.replace() == message
    other = message.replace(body=b"other", delay_level=0, delay_seconds=2)
    assert (other.body, other.delay_level, other.delay_seconds) == (b"other", 0, 2)
    assert other.replace(body=b"body", delay_level=3, delay_seconds=0) == message
    assert message.replace(sharding_key=None, queue=("broker-0", 1)).queue == ("broker-0", 1)
    with pytest.raises(rmq.MessageIllegalError, match="sharding_key"):
        message.replace(queue=("broker-0", 1))
    with pytest.raises(TypeError, match="colour"):
        message.replace(colour="red")
    assert message.flag == 7


def test_send_many_keeps_the_order_and_tells_each_outcome(cluster: MockCluster, producer: rmq.Producer) -> None:
    messages = [rmq.Message("topic", b"%d" % number, keys=str(number)) for number in range(1000)]
    messages[500] = rmq.Message("no/slash", b"x")
    results = producer.send_many(iter(messages))
    assert len(results) == 1000
    assert isinstance(results[500], rmq.MessageIllegalError)
    ids = {stored.properties["UNIQ_KEY"]: stored.body for stored in cluster.stored("topic")}
    assert len(ids) == 999
    for number, result in enumerate(results):
        if number != 500:
            assert isinstance(result, rmq.Receipt)
            assert ids[result.message_id] == b"%d" % number
    assert producer.send_many([]) == []
    with pytest.raises(TypeError):
        producer.send_many([b"x"])


def test_send_many_may_be_longer_than_what_fits_in_flight(cluster: MockCluster) -> None:
    with rmq.Producer("group", name_server=cluster.name_server, in_flight_max_messages=10) as producer:
        results = producer.send_many(rmq.Message("topic", b"%d" % number) for number in range(500))
        assert all(isinstance(result, rmq.Receipt) for result in results)
    assert sorted(int(stored.body) for stored in cluster.stored("topic")) == list(range(500))


def test_send_many_gives_up_at_its_deadline(cluster: MockCluster) -> None:
    with rmq.Producer("group", name_server=cluster.name_server, in_flight_max_messages=2) as producer:
        producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), topic="topic")
        results = producer.send_many([rmq.Message("topic", b"x")] * 5, timeout=0.2)
        assert [type(result) for result in results] == [rmq.TimeoutError] * 5
        persistence = [result.persistence for result in results if isinstance(result, rmq.Error)]
        assert persistence == [rmq.Persistence.POSSIBLY_PERSISTED] * 2 + [rmq.Persistence.NOT_PERSISTED] * 3


def test_a_full_queue_waits_or_fails_by_choice(cluster: MockCluster) -> None:
    cluster.create_topic("topic")
    options = {"in_flight_max_messages": 1, "send_timeout_ms": 300}
    for full, kind in (("fail", rmq.QueueFullError), ("wait", rmq.TimeoutError)):
        with rmq.Producer("group", name_server=cluster.name_server, in_flight_full=full, **options) as producer:
            producer.send("topic", b"x")
            rule = cluster.inject(Fault.no_answer(), request_code=SEND)
            held = cluster.request_count(SEND)
            thread = threading.Thread(target=lambda: pytest.raises(rmq.TimeoutError, producer.send, "topic", b"x", timeout=3))
            thread.start()
            assert cluster.wait_until(lambda: cluster.request_count(SEND) > held)
            with pytest.raises(kind) as caught:
                producer.send("topic", b"x")
            assert caught.value.persistence is rmq.Persistence.NOT_PERSISTED
            thread.join()
            cluster.remove_fault(rule)


def test_a_full_queue_lets_the_next_in(cluster: MockCluster) -> None:
    with rmq.Producer("group", name_server=cluster.name_server, in_flight_max_messages=2) as producer:
        sent = [threading.Thread(target=producer.send, args=("topic", b"x")) for _ in range(30)]
        for thread in sent:
            thread.start()
        for thread in sent:
            thread.join()
    assert cluster.stored_count("topic") == 30


def test_oneway_messages_are_stored_after_a_flush(cluster: MockCluster, producer: rmq.Producer) -> None:
    for number in range(100):
        producer.send_oneway("topic", b"%d" % number)
    producer.flush(5)
    assert cluster.wait_until(lambda: cluster.stored_count("topic") == 100)


def test_threads_share_a_producer(cluster: MockCluster, producer: rmq.Producer) -> None:
    def send() -> None:
        for _ in range(50):
            producer.send("topic", b"x")

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cluster.stored_count("topic") == 400


def test_a_waiting_send_lets_other_threads_run(cluster: MockCluster, producer: rmq.Producer) -> None:
    producer.send("topic", b"x")
    held = cluster.request_count(SEND)
    cluster.inject(Fault.no_answer(), request_code=SEND, times=1)
    thread = threading.Thread(target=lambda: pytest.raises(rmq.TimeoutError, producer.send, "topic", b"x", timeout=3))
    thread.start()
    assert cluster.wait_until(lambda: cluster.request_count(SEND) > held)
    assert producer.in_flight == 1
    producer.send("topic", b"x")
    assert thread.is_alive()
    thread.join()


def test_a_closed_producer_says_so(cluster: MockCluster) -> None:
    with rmq.Producer("group", name_server=cluster.name_server) as producer:
        assert not producer.closed
        assert producer.group == "group"
        assert "group" in repr(producer)
        producer.send("topic", b"x")
        # The heartbeat and the send are on their way at the same time.
        assert cluster.wait_until(lambda: bool(cluster.registrations()))
        assert [entry.group for entry in cluster.registrations()] == ["group"]
        assert cluster.registrations()[0].client_id == producer.client_id
    assert producer.closed
    producer.close()
    with pytest.raises(rmq.ClosedError):
        producer.send("topic", b"x")
    with pytest.raises(rmq.ClosedError):
        producer.send_oneway("topic", b"x")
    assert cluster.wait_until(lambda: not cluster.registrations())


def test_two_clusters_in_one_process(cluster: MockCluster) -> None:
    with MockCluster() as other:
        with rmq.Producer("group", cluster.name_server) as first, rmq.Producer("group", other.name_server) as second:
            first.send("topic", b"first")
            second.send("topic", b"second")
        assert [stored.body for stored in cluster.stored("topic")] == [b"first"]
        assert [stored.body for stored in other.stored("topic")] == [b"second"]


def test_producers_come_and_go_without_leaving_anything(cluster: MockCluster) -> None:
    from pathlib import Path

    def descriptors_and_threads() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir()))

    def once() -> None:
        with rmq.Producer("group", name_server=cluster.name_server) as producer:
            producer.send("topic", b"x")

    once()
    assert cluster.wait_until(lambda: cluster.connection_count("broker-0") == 0)
    before = descriptors_and_threads()
    for _ in range(100):
        once()
    assert cluster.wait_until(lambda: cluster.connection_count("broker-0") == 0)
    # A thread is joined a moment before the system has forgotten it.
    deadline = time.monotonic() + 30
    while (after := descriptors_and_threads())[0] > before[0] + 4 or after[1] > before[1] + 1:
        assert time.monotonic() < deadline, (before, after)
