"""When a message is delivered, and to which queue."""

from __future__ import annotations

import asyncio
import copy
import itertools
import pickle
import time

import pytest

import rmq
import rmq.aio
from rmq.testing import MockCluster

from conftest import SEND
from ways import WAYS, Way

PARKED = {"delay_level": "SCHEDULE_TOPIC_XXXX"}
TIMERS = "rmq_sys_wheel_timer"
IN_A_DAY = int(time.time() + 86_400) * 1000
WHEN = {"delay_level": 3, "delay_seconds": 60, "delay_ms": 60_000, "deliver_at_ms": IN_A_DAY}
WHERE = {"sharding_key": "order-1", "queue": ("broker-0", 1), "selector": max}
PROPERTY = {
    "delay_level": "DELAY",
    "delay_seconds": "TIMER_DELAY_SEC",
    "delay_ms": "TIMER_DELAY_MS",
    "deliver_at_ms": "TIMER_DELIVER_MS",
}

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


@every_way
@pytest.mark.parametrize("keyword", WHEN)
def test_a_delivery_time_becomes_the_brokers_property(cluster: MockCluster, way: Way, keyword: str) -> None:
    value = WHEN[keyword]
    way(cluster, "topic", b"later", **{keyword: value})
    topic = PARKED.get(keyword, TIMERS)
    assert cluster.wait_until(lambda: cluster.stored_count(topic) == 1)
    (stored,) = cluster.stored(topic)
    assert {name: stored.properties.get(name) for name in PROPERTY.values()} == {
        name: str(value) if key == keyword else None for key, name in PROPERTY.items()
    }
    assert (stored.properties["REAL_TOPIC"], stored.body) == ("topic", b"later")


def test_a_short_timer_delivers(cluster: MockCluster, producer: rmq.Producer) -> None:
    producer.send("topic", b"soon", delay_ms=1500)
    assert cluster.stored_count("topic") == 0
    assert cluster.wait_until(lambda: cluster.stored_count("topic") == 1)


@every_way
@pytest.mark.parametrize(
    ("keywords", "queue", "sharding_property"),
    [
        # "TagA".hashCode() is 2598919, "order-1".hashCode() is -1207111310; both modulo four queues.
        ({"sharding_key": "TagA"}, ("broker-1", 1), "TagA"),
        ({"sharding_key": "order-1"}, ("broker-1", 0), "order-1"),
        ({"sharding_key": 6}, ("broker-1", 0), None),
        ({"sharding_key": -(2**40)}, ("broker-0", 0), None),
        ({"queue": ("broker-1", 1)}, ("broker-1", 1), None),
    ],
)
def test_keys_and_fixed_queues_choose_the_queue(
    two_brokers: MockCluster, way: Way, keywords: dict, queue: tuple[str, int], sharding_property: str | None
) -> None:
    two_brokers.create_topic("topic", read_queues=2, write_queues=2)
    for _ in range(3):
        way(two_brokers, "topic", b"x", **keywords)
    assert two_brokers.wait_until(lambda: two_brokers.stored_count("topic") == 3)
    assert two_brokers.queue_counts("topic") == {queue: 3}
    properties = [stored.properties.get("__SHARDINGKEY") for stored in two_brokers.stored("topic")]
    assert properties == [sharding_property] * 3


def test_a_receipt_names_the_queue_for_the_next_message(two_brokers: MockCluster) -> None:
    with rmq.Producer("group", two_brokers.name_server) as producer:
        first = producer.send("topic", b"x")
        queue = (first.broker_name, first.queue_id)
        others = [producer.send("topic", b"x", queue=queue) for _ in range(10)]
    assert [(other.broker_name, other.queue_id) for other in others] == [queue] * 10
    assert [other.queue_offset for other in others] == list(range(1, 11))


@every_way
@pytest.mark.parametrize(
    "pair",
    [*itertools.combinations(WHEN.items(), 2), *itertools.combinations(WHERE.items(), 2)],
    ids=lambda pair: "+".join(name for name, _ in pair),
)
def test_keywords_that_exclude_each_other_are_refused(cluster: MockCluster, way: Way, pair: tuple) -> None:
    (first, _), (second, _) = pair
    with pytest.raises(rmq.MessageIllegalError, match=f"{first} and {second} are both set") as caught:
        way(cluster, "topic", b"x", **dict(pair))
    assert (caught.value.attempts, caught.value.persistence) == (0, rmq.Persistence.NOT_PERSISTED)
    assert cluster.stored_count("topic") == 0


def test_the_future_of_a_send_tells_of_keywords_that_exclude_each_other(cluster: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            future = producer.send("topic", b"x", delay_level=1, delay_ms=1)
            with pytest.raises(rmq.MessageIllegalError):
                await future

    asyncio.run(main())


def test_a_time_and_a_place_may_be_told_together(two_brokers: MockCluster) -> None:
    with rmq.Producer("group", two_brokers.name_server) as producer:
        producer.send("topic", b"x", delay_seconds=60, queue=("broker-1", 2))
    (stored,) = two_brokers.stored(TIMERS)
    assert (stored.broker, stored.properties["REAL_QID"]) == ("broker-1", "2")


@pytest.mark.parametrize(
    "keywords",
    [
        {"delay_level": 19},
        {"delay_seconds": -1},
        {"delay_ms": -1},
        {"deliver_at_ms": -1},
        {"sharding_key": ""},
        {"sharding_key": " "},
        {"queue": ("", 0)},
        {"queue": ("broker-0", -1)},
    ],
    ids=str,
)
def test_values_outside_the_rules_are_refused(cluster: MockCluster, producer: rmq.Producer, keywords: dict) -> None:
    with pytest.raises(rmq.MessageIllegalError):
        producer.send("topic", b"x", **keywords)
    assert cluster.request_count(SEND) == 0


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"sharding_key": b"order-1"}, r"sharding_key must be str or int, not b'order-1'"),
        ({"sharding_key": 1.5}, "sharding_key"),
        ({"queue": "broker-0"}, 'queue must be a tuple of broker name and queue id, or "random"'),
        ({"selector": 1}, "selector must be callable, not 1"),
        ({"queue": ("broker-0",)}, "queue"),
        ({"queue": ("broker-0", "1")}, "queue"),
        ({"queue": (0, "broker-0")}, "queue"),
        ({"delay_ms": 1.5}, "float"),
    ],
    ids=str,
)
def test_values_of_other_types_are_type_errors(keywords: dict, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        rmq.Message("topic", b"x", **keywords)


@pytest.mark.parametrize(
    "keywords", [{"sharding_key": 2**63}, {"queue": ("broker-0", 2**31)}, {"delay_seconds": 2**63}], ids=str
)
def test_numbers_that_java_has_not_are_overflow_errors(keywords: dict) -> None:
    with pytest.raises(OverflowError):
        rmq.Message("topic", b"x", **keywords)


def test_texts_that_are_not_unicode_are_refused() -> None:
    for keywords in ({"sharding_key": "\ud800"}, {"queue": ("\ud800", 0)}):
        with pytest.raises(UnicodeEncodeError):
            rmq.Message("topic", b"x", **keywords)


def test_a_queue_that_is_not_there_is_no_route(cluster: MockCluster, producer: rmq.Producer) -> None:
    producer.send("topic", b"x")
    with pytest.raises(rmq.NoRouteError, match="queue 9 of broker broker-0"):
        producer.send("topic", b"x", queue=("broker-0", 9), timeout=1)
    assert cluster.stored_count("topic") == 1


@pytest.mark.parametrize(
    ("keyword", "value"), [*WHEN.items(), *WHERE.items(), ("queue", "random"), ("sharding_key", 0), ("sharding_key", -(2**63))], ids=str
)
def test_messages_carry_them_as_values(keyword: str, value: object) -> None:
    message = rmq.Message("topic", b"x", **{keyword: value})
    unset = {**dict.fromkeys(WHEN, 0), **dict.fromkeys(WHERE)}
    for again in (message, pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
        assert again == message
        assert {name: getattr(again, name) for name in unset} == {**unset, keyword: value}
        assert repr(again) == f"<rmq.Message topic='topic' body=1 bytes {keyword}={value!r}>"
    assert message != rmq.Message("topic", b"x")


def test_messages_with_other_times_or_places_differ() -> None:
    messages = [rmq.Message("topic", b"x", **{name: 5}) for name in (*WHEN, "sharding_key")]
    messages += [rmq.Message("topic", b"x", sharding_key=key) for key in ("5", "6")]
    messages += [rmq.Message("topic", b"x", queue=queue) for queue in (("5", 5), ("5", 6), ("6", 5))]
    messages += [rmq.Message("topic", b"x", selector=selector) for selector in (max, min)]
    messages += [rmq.Message("topic", b"x"), rmq.Message("topic", b"x", queue="random")]
    assert all(one != other for one, other in itertools.combinations(messages, 2))
