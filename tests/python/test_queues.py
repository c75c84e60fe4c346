"""What a producer knows of the cluster: queues of topics, name servers, namespaces."""

from __future__ import annotations

import asyncio
import time

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from ways import WAYS, Way

ROUTE = 105


def test_queues_are_those_that_may_be_written(two_brokers: MockCluster) -> None:
    two_brokers.create_topic("topic", read_queues=3, write_queues=2)
    expected = [("broker-0", 0), ("broker-0", 1), ("broker-1", 0), ("broker-1", 1)]

    async def main() -> None:
        async with rmq.aio.Producer("group", two_brokers.name_server) as producer:
            assert await producer.queues("topic") == expected
            assert await producer.queues("topic", 1.0) == expected

    asyncio.run(main())
    with rmq.Producer("group", two_brokers.name_server) as producer:
        assert producer.queues("topic") == expected
        two_brokers.stop_name_server()
        assert producer.queues("topic", timeout=0.1) == expected


def test_queues_that_cannot_be_had_are_errors() -> None:
    with MockCluster(auto_create=False) as cluster:

        async def main() -> None:
            async with rmq.aio.Producer("group", cluster.name_server) as producer:
                with pytest.raises(rmq.NoRouteError, match="nowhere"):
                    await producer.queues("nowhere")
                with pytest.raises(rmq.InvalidArgumentError):
                    await producer.queues("nowhere", -1)

        asyncio.run(main())
        with rmq.Producer("group", cluster.name_server) as producer:
            with pytest.raises(rmq.NoRouteError, match="nowhere"):
                producer.queues("nowhere")
            with pytest.raises(rmq.MessageIllegalError):
                producer.queues("no/slash")
            cluster.inject(Fault.no_answer(), broker="namesrv", request_code=ROUTE)
            start = time.monotonic()
            with pytest.raises(rmq.NameServerError):
                producer.queues("other", timeout=0.3)
            assert 0.29 <= time.monotonic() - start < 10.0
        with pytest.raises(rmq.ClosedError):
            producer.queues("topic")


@pytest.mark.parametrize("kind", [str, list])
def test_name_servers_change_at_run_time(cluster: MockCluster, kind: type) -> None:
    with MockCluster() as other:
        cluster.stop_name_server()
        with rmq.Producer("group", cluster.name_server) as producer:
            with pytest.raises(rmq.Error):
                producer.wait_ready(0.2)
            producer.set_name_servers(other.name_server if kind is str else [other.name_server])
            producer.wait_ready(5)
            producer.send("topic", b"x")
        assert other.stored_count("topic") == 1


def test_name_servers_that_are_none_are_refused(cluster: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            for addresses in ("", "host", []):
                with pytest.raises(rmq.InvalidValueError, match="name servers"):
                    producer.set_name_servers(addresses)
            with pytest.raises(TypeError, match="addresses"):
                producer.set_name_servers(b"127.0.0.1:1")
            producer.set_name_servers(cluster.name_server)
            await producer.send("topic", b"x")

    asyncio.run(main())


def test_topics_are_looked_up_at_start(two_brokers: MockCluster) -> None:
    two_brokers.create_topic("one")
    two_brokers.create_topic("two")
    for topics in ("one;two", ["one", "two"]):
        asked = two_brokers.request_count(ROUTE)
        with rmq.Producer("group", two_brokers.name_server, topics=topics):
            assert two_brokers.wait_until(lambda: two_brokers.request_count(ROUTE) >= asked + 2)


def test_a_namespace_is_seen_by_the_broker_only(cluster: MockCluster) -> None:
    with rmq.Producer("group", cluster.name_server, namespace="NS") as producer:
        receipt = producer.send("topic", b"x", instance_id="other")
        batch = producer.send_batch([rmq.Message("topic", b"y")] * 2)
        assert {receipt.topic, *(receipt.topic for receipt in batch)} == {"topic"}
        assert producer.queues("topic")[0] == ("broker-0", 0)
        assert [entry.group for entry in cluster.registrations()] == ["NS%group"]
        cluster.inject(Fault.code(1, "no"))
        with pytest.raises(rmq.BrokerError, match="topic topic failed"):
            producer.send("topic", b"x")
    assert cluster.stored_count("topic") == 0
    stored = cluster.stored("NS%topic")
    assert [(message.body, message.properties["INSTANCE_ID"]) for message in stored] == [
        (b"x", "NS"),
        (b"y", "NS"),
        (b"y", "NS"),
    ]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_ids_of_buyer_and_instance_are_properties(cluster: MockCluster, way: Way) -> None:
    way(cluster, "topic", b"x", buyer_id="buyer", instance_id="instance")
    assert cluster.wait_until(lambda: cluster.stored_count("topic") == 1)
    (stored,) = cluster.stored("topic")
    assert (stored.properties["BUYER_ID"], stored.properties["INSTANCE_ID"]) == ("buyer", "instance")


def test_messages_carry_ids_as_values(producer: rmq.Producer) -> None:
    import pickle

    message = rmq.Message("topic", b"x", buyer_id="b", instance_id="i")
    again = pickle.loads(pickle.dumps(message))
    assert again == message and (again.buyer_id, again.instance_id) == ("b", "i")
    assert message != rmq.Message("topic", b"x", buyer_id="b")
    assert message != rmq.Message("topic", b"x", instance_id="i")
    with pytest.raises(rmq.MessageIllegalError, match="buyer id"):
        producer.send("topic", b"x", buyer_id=" ")
    with pytest.raises(TypeError):
        rmq.Message("topic", b"x", buyer_id=1)
