"""Every way to send one message, for tests of what all of them must keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import rmq
import rmq.aio
from rmq.testing import MockCluster

PATIENT: dict[str, Any] = {"send_timeout_ms": 30_000}
"""The default is short enough for a busy machine to pass it."""

Way = Callable[..., None]
"""Sends `body` to `topic` with keywords of `Message`; returns when it is stored, raises what comes instead."""


def _check(outcomes: list[rmq.Receipt | rmq.Error]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, rmq.Error):
            raise outcome


def _blocking(call: Callable[..., object], **options: object) -> Way:
    def way(cluster: MockCluster, topic: str, body: bytes, **keywords: object) -> None:
        with rmq.Producer("group", cluster.name_server, **PATIENT, **options) as producer:
            call(producer, topic, body, **keywords)

    return way


def _asyncio(call: Callable[..., Awaitable[object]], **options: object) -> Way:
    def way(cluster: MockCluster, topic: str, body: bytes, **keywords: object) -> None:
        async def main() -> None:
            async with rmq.aio.Producer("group", cluster.name_server, **PATIENT, **options) as producer:
                await call(producer, topic, body, **keywords)

        asyncio.run(main())

    return way


def _send_many(producer: rmq.Producer, *arguments: object, **keywords: object) -> None:
    _check(producer.send_many([rmq.Message(*arguments, **keywords)]))


def _send_oneway(producer: rmq.Producer, *arguments: object, **keywords: object) -> None:
    producer.send_oneway(*arguments, **keywords)
    producer.flush(30)


async def _aio_send(producer: rmq.aio.Producer, *arguments: object, **keywords: object) -> None:
    await producer.send(*arguments, **keywords)


async def _aio_send_that_waits(producer: rmq.aio.Producer, *arguments: object, **keywords: object) -> None:
    """The message waits for the room that another one takes."""
    first = producer.send("other", b"x")
    await producer.send(*arguments, **keywords)
    await first


async def _aio_send_many(producer: rmq.aio.Producer, *arguments: object, **keywords: object) -> None:
    _check(await producer.send_many([rmq.Message(*arguments, **keywords)]))


async def _aio_send_oneway(producer: rmq.aio.Producer, *arguments: object, **keywords: object) -> None:
    producer.send_oneway(*arguments, **keywords)
    await producer.flush(30)


WAYS: dict[str, Way] = {
    "send": _blocking(rmq.Producer.send),
    "send_many": _blocking(_send_many),
    "send_oneway": _blocking(_send_oneway),
    "aio.send": _asyncio(_aio_send),
    "aio.send that waits": _asyncio(_aio_send_that_waits, in_flight_max_messages=1),
    "aio.send_many": _asyncio(_aio_send_many),
    "aio.send_oneway": _asyncio(_aio_send_oneway),
}
