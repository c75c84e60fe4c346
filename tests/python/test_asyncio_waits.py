"""What waits in asyncio is told: it takes no thread, no task, no executor, and no timer but that of its deadline."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from conftest import LATE

ROUTE = 105
SEND = 310


class Loop(asyncio.SelectorEventLoop):
    """A loop that counts its timers, and has no executor."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[float] = []

    def call_at(self, when: float, *arguments: Any, **keywords: Any) -> asyncio.TimerHandle:
        self.timers.append(when - self.time())
        return super().call_at(when, *arguments, **keywords)

    def run_in_executor(self, *_: Any) -> Any:
        raise AssertionError("the executor was asked for")


def run(test: Callable[[Loop], Awaitable[None]]) -> None:
    loop = Loop()
    try:
        loop.run_until_complete(asyncio.wait_for(test(loop), 60))
    finally:
        loop.close()


def threads() -> list[str]:
    return [task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm")]


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("many", [False, True])
def test_waiting_for_room_has_one_timer(cluster: MockCluster, many: bool) -> None:
    async def test(loop: Loop) -> None:
        async with rmq.aio.Producer("group", cluster.name_server, in_flight_max_messages=2) as producer:
            await producer.send("topic", b"x")
            rule = cluster.inject(Fault.hold(), request_code=SEND)
            loop.timers.clear()
            if many:
                waiting = [producer.send_many([rmq.Message("topic", b"x")] * 20, timeout=60)]
            else:
                waiting = [producer.send("topic", b"x", timeout=60) for _ in range(20)]
            cluster.remove_fault(rule)
            results = await asyncio.gather(*waiting)
            assert all(isinstance(result, rmq.Receipt) for result in (results[0] if many else results))
            assert len(loop.timers) == 1 and loop.timers[0] > 20, loop.timers

    run(test)


def test_a_cancelled_send_keeps_nobody_waiting(cluster: MockCluster) -> None:
    """It waited for room that a send of another loop has."""
    told: list[tuple[bytes, object]] = []

    def after(message: rmq.Message, outcome: object) -> None:
        told.append((message.body, type(outcome)))

    async def test(loop: Loop) -> None:
        options: dict[str, Any] = {"in_flight_max_messages": 1, "after_send": after}
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            await producer.send("topic", b"first")
            held = cluster.request_count(SEND)
            rule = cluster.inject(Fault.hold(), request_code=SEND, times=1)

            async def send() -> None:
                await producer.send("topic", b"elsewhere", timeout=60)

            other = threading.Thread(target=asyncio.run, args=(send(),))
            other.start()
            await until(lambda: cluster.request_count(SEND) > held)
            producer.send("topic", b"cancelled", timeout=30).cancel()
            assert told == [(b"first", rmq.Receipt)]
            with pytest.raises(rmq.TimeoutError):
                await producer.flush(0.2)
            assert told[1:] == [(b"cancelled", rmq.QueueFullError)]
            cluster.remove_fault(rule)
            await producer.flush(30)
            other.join(20)

    run(test)


LOOK_UPS = {
    "queues": lambda producer: producer.queues("new", 30),
    "send": lambda producer: producer.send("new", b"x", selector=lambda queues: 0, timeout=30),
    "send_many": lambda producer: producer.send_many(
        [rmq.Message(topic, b"x", selector=lambda queues: 0) for topic in ("new", "newer", "newest")], timeout=30
    ),
}


@pytest.mark.parametrize("call", LOOK_UPS)
def test_a_look_up_takes_no_thread_no_task_and_no_timer(cluster: MockCluster, call: str) -> None:
    async def test(loop: Loop) -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            await producer.send("topic", b"x")
            rule = cluster.inject(Fault.hold(), broker="namesrv", request_code=ROUTE)
            before, asked = threads(), cluster.request_count(ROUTE)
            tasks = asyncio.all_tasks()
            loop.timers.clear()
            waiting = LOOK_UPS[call](producer)
            waiting = asyncio.ensure_future(waiting)
            # The one of `ensure_future`, for a coroutine.
            tasks |= {waiting} if isinstance(waiting, asyncio.Task) else set()
            await asyncio.sleep(0)
            assert loop.timers == []
            await until(lambda: cluster.request_count(ROUTE) > asked)
            assert "rmq-wait" not in threads() and len(threads()) <= len(before)
            assert asyncio.all_tasks() <= tasks
            assert not waiting.done()
            cluster.remove_fault(rule)
            await waiting

    run(test)


def test_flush_close_and_wait_ready_take_no_thread(cluster: MockCluster) -> None:
    async def test(loop: Loop) -> None:
        producer = rmq.aio.Producer("group", cluster.name_server)
        await producer.send("topic", b"x")
        before = len(threads())
        for call in (producer.wait_ready, producer.flush, producer.close):
            producer.send_oneway("topic", b"x")
            waiting = asyncio.ensure_future(call())
            await asyncio.sleep(0)
            assert "rmq-wait" not in threads() and len(threads()) <= before
            await waiting

    run(test)


def test_a_selector_that_waited_has_the_context_of_its_call(cluster: MockCluster) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="none")
    seen: list[str] = []

    def choose(queues: list[tuple[str, int]]) -> int:
        seen.append(name.get())
        return 0

    async def send(producer: rmq.aio.Producer, caller: str) -> None:
        name.set(caller)
        await producer.send("topic", b"x", selector=choose)

    async def test(loop: Loop) -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            await asyncio.gather(*(send(producer, caller) for caller in ("one", "two", "three")))

    run(test)
    assert seen == ["one", "two", "three"]


def test_a_send_that_waits_for_its_turn_keeps_its_deadline(cluster: MockCluster) -> None:
    """An earlier one has its topic and another one, which nobody tells of."""

    async def test(loop: Loop) -> None:
        cluster.create_topic("known")
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            await producer.send("known", b"first")
            cluster.inject(Fault.no_answer(), broker="namesrv", request_code=ROUTE)
            both = [rmq.Message(topic, b"both", selector=lambda queues: 0) for topic in ("known", "silent")]
            earlier = producer.send_many(both, timeout=30)
            start = time.monotonic()
            later = producer.send("known", b"later", selector=lambda queues: 0, timeout=0.3)
            with pytest.raises(rmq.TimeoutError):
                await later
            assert 0.29 <= time.monotonic() - start < LATE
            assert [type(result) for result in await earlier] == [rmq.Receipt, rmq.NameServerError]
        assert [stored.body for stored in cluster.stored("known")] == [b"first", b"both"]

    run(test)


def test_a_producer_that_is_collected_fails_what_waits_for_a_route(cluster: MockCluster) -> None:
    async def test(loop: Loop) -> None:
        producer = rmq.aio.Producer("group", cluster.name_server)
        await producer.send("topic", b"x")
        cluster.inject(Fault.hold(), broker="namesrv", request_code=ROUTE)
        send = producer.send("new", b"x", selector=lambda queues: 0, timeout=30)
        del producer
        gc.collect()
        with pytest.raises(rmq.ClosedError):
            await send
        assert cluster.stored_count("new") == 0

    run(test)
