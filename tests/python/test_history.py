"""What an error tells of the attempts before it."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from conftest import SEND


def blocking(cluster: MockCluster, **options: object) -> None:
    with rmq.Producer("group", cluster.name_server, **options) as producer:
        producer.send("topic", b"x")


def on_a_loop(cluster: MockCluster, **options: object) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            await producer.send("topic", b"x")

    asyncio.run(main())


every_way = pytest.mark.parametrize("send", [blocking, on_a_loop])


@every_way
def test_every_attempt_is_told_with_its_own_failure(two_brokers: MockCluster, send: Callable) -> None:
    two_brokers.inject(Fault.code(1, "disk on fire"), broker="broker-0", request_code=SEND)
    two_brokers.inject(Fault.reset(), broker="broker-1", request_code=SEND)
    with pytest.raises(rmq.Error) as caught:
        send(two_brokers)
    error = caught.value
    assert error.attempts == len(error.history) == 3
    names = [attempt.broker_name for attempt in error.history]
    assert names in (["broker-0", "broker-1", "broker-0"], ["broker-1", "broker-0", "broker-1"])
    for attempt in error.history:
        assert attempt.broker_address == two_brokers.broker_address(attempt.broker_name)
        assert 0 <= attempt.elapsed <= error.elapsed
        if attempt.broker_name == "broker-0":
            assert (attempt.code, attempt.name, attempt.broker_code) == (rmq.ErrorCode.BROKER, "BROKER", 1)
            assert "disk on fire" in attempt.message
        else:
            assert (attempt.name, attempt.broker_code) == ("CONNECTION_LOST", None)
            assert attempt.message
    assert error.history[-1].code is error.code
    assert error.persistence is rmq.Persistence.POSSIBLY_PERSISTED


@every_way
def test_attempts_that_time_out_are_told_with_their_time(two_brokers: MockCluster, send: Callable) -> None:
    two_brokers.inject(Fault.no_answer(), request_code=SEND)
    with pytest.raises(rmq.TimeoutError) as caught:
        send(two_brokers, send_timeout_ms=4000, send_max_timeout_per_request_ms=1000)
    first, second, last = caught.value.history
    assert {attempt.name for attempt in (first, second, last)} == {"TIMEOUT"}
    # The last attempt has all the time that is left.
    assert first.elapsed >= 0.99 and second.elapsed >= 0.99 and last.elapsed > 0.1
    assert first.elapsed + second.elapsed + last.elapsed == pytest.approx(caught.value.elapsed, abs=1.0)


def test_the_history_is_a_value(two_brokers: MockCluster) -> None:
    two_brokers.inject(Fault.code(1, "no"), request_code=SEND)
    with pytest.raises(rmq.BrokerError) as caught:
        blocking(two_brokers)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.history == caught.value.history and len(again.history) == 3
    assert isinstance(again.history[0], rmq.FailedAttempt)
    name, address, elapsed, code, broker_code, message = again.history[0]
    assert (name, address) == (again.history[0].broker_name, two_brokers.broker_address(name))
    assert (code, broker_code, type(elapsed)) == (rmq.ErrorCode.BROKER, 1, float) and "no" in message


def test_what_was_never_attempted_has_no_history(cluster: MockCluster, producer: rmq.Producer) -> None:
    with pytest.raises(rmq.MessageIllegalError) as caught:
        producer.send("topic", b"")
    assert caught.value.history == () and caught.value.receipts == ()
