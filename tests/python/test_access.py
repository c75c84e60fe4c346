"""Clusters with access control."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import rmq
import rmq.aio
from rmq.testing import MockCluster

KEYS = {"access_key": "orders", "secret_key": "hunter2"}


@pytest.fixture(params=["5.5.0", "4.9.7"])
def guarded(request: pytest.FixtureRequest) -> Iterator[MockCluster]:
    with MockCluster(profile=request.param, accounts={"orders": "hunter2"}) as cluster:
        yield cluster


def test_requests_are_signed(guarded: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("aio", guarded.name_server, **KEYS) as producer:
            await asyncio.gather(*(producer.send("topic", b"x") for _ in range(100)))

    with rmq.Producer("group", guarded.name_server, **KEYS, security_token="a-token") as producer:
        producer.send("topic", b"x")
        producer.send_batch([rmq.Message("topic", b"x")] * 3)
    asyncio.run(main())
    assert guarded.stored_count("topic") == 104


def test_a_refusal_is_an_error_of_its_own(guarded: MockCluster) -> None:
    with rmq.Producer("group", guarded.name_server, access_key="orders", secret_key="wrong") as producer:
        with pytest.raises(rmq.AccessDeniedError, match="secret key") as caught:
            producer.send("topic", b"x")
    error = caught.value
    assert error.code is rmq.ErrorCode.ACCESS_DENIED and error.broker_code in (1, 16)
    assert (error.attempts, error.retriable, error.persistence) == (1, False, rmq.Persistence.NOT_PERSISTED)
    assert "wrong" not in f"{error!r} {error} {producer!r}"


def test_permissions_are_of_topics(guarded: MockCluster) -> None:
    guarded.set_account("orders", "hunter2", ["other"])
    with rmq.Producer("group", guarded.name_server, **KEYS) as producer:
        producer.send("other", b"x")
        with pytest.raises(rmq.AccessDeniedError, match="does not permit"):
            producer.send("topic", b"x")


def test_credentials_change_at_run_time(guarded: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("aio", guarded.name_server, **KEYS) as producer:
            with pytest.raises(rmq.AccessDeniedError):
                await producer.send("topic", b"x")
            producer.set_credentials("orders", "hunter3", "a-token")
            await producer.send("topic", b"x")

    guarded.set_account("orders", "hunter3")
    with rmq.Producer("group", guarded.name_server, **KEYS) as producer:
        with pytest.raises(rmq.AccessDeniedError):
            producer.send("topic", b"x")
        with pytest.raises(rmq.InvalidArgumentError, match="secret key"):
            producer.set_credentials("orders", "")
        producer.set_credentials("orders", "hunter3")
        producer.send("topic", b"x")
    with pytest.raises(rmq.ClosedError):
        producer.set_credentials("orders", "hunter3")
    asyncio.run(main())
    guarded.remove_account("orders")
    assert guarded.stored_count("topic") == 2


def test_half_of_the_keys_is_refused() -> None:
    with pytest.raises(rmq.InvalidValueError, match=r"access\.key.*secret\.key"):
        rmq.Producer("group", "127.0.0.1:1", access_key="orders")
