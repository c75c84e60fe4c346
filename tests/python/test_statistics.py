"""Statistics as a dictionary and as text for Prometheus."""

from __future__ import annotations

import asyncio

import pytest

import rmq
import rmq.aio
from conftest import SEND
from rmq.testing import Fault, MockCluster


def test_they_agree_with_what_the_mock_counted(two_brokers: MockCluster) -> None:
    producer = rmq.Producer("group", two_brokers.name_server, batch_auto="off")
    two_brokers.inject(Fault.code(2, "busy"), request_code=SEND, times=1)
    for _ in range(10):
        producer.send("topic", b"body")
    with pytest.raises(rmq.MessageIllegalError):
        producer.send("topic", b"")
    producer.close()
    stats = producer.stats()
    assert stats["group"] == "group"
    assert stats["client_id"] == producer.client_id
    assert (stats["accepted"], stats["accepted_bytes"], stats["succeeded"]) == (10, 40, 10)
    assert stats["attempts"] == two_brokers.request_count(SEND) == 11
    assert (stats["retries"], stats["failed"]["total"]) == (1, 0)
    assert stats["rejected"]["MESSAGE_ILLEGAL"] == stats["rejected"]["total"] == 1
    assert stats["latency_us"]["count"] == 10
    assert 0 < stats["latency_us"]["p50"] <= stats["latency_us"]["max"]
    assert sum(broker["attempts"] for broker in stats["brokers"].values()) == 11
    assert stats["topics"]["topic"]["writable_queues"] == 8
    labels = f'{{group="group",client_id="{producer.client_id}"}}'
    assert f"rmq_producer_succeeded_total{labels} 10\n" in producer.prometheus()


def test_an_asyncio_producer_has_them_too(cluster: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            await asyncio.gather(*(producer.send("topic", b"x") for _ in range(500)))
            stats = producer.stats()
            assert stats["succeeded"] == 500
            assert stats["wire_batch_messages"] > 0
            assert stats["attempts"] < 500
            assert "rmq_producer_wire_batches_total" in producer.prometheus()

    asyncio.run(main())
