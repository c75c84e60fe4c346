"""Queues that the program chooses, and the list it chooses from."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
import time
import weakref

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from conftest import LATE, SEND, ticking_loop
from ways import WAYS, Way

Queue = tuple[str, int]
ROUTE = 105
"""Request code of a route look-up."""

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
TELLING = [name for name in WAYS if name != "aio.send_oneway"]
"""The ways whose caller hears what came of the selector."""
every_telling_way = pytest.mark.parametrize("way", [WAYS[name] for name in TELLING], ids=TELLING)


def last(queues: list[Queue]) -> int:
    return len(queues) - 1


@every_way
@pytest.mark.parametrize("answer", ["index", "item"])
def test_a_selector_chooses_among_the_queues(two_brokers: MockCluster, way: Way, answer: str) -> None:
    two_brokers.create_topic("topic", read_queues=2, write_queues=2)
    offered: list[list[Queue]] = []
    threads: set[int] = set()

    def choose(queues: list[Queue]) -> int | Queue:
        offered.append(list(queues))
        threads.add(threading.get_ident())
        return queues.index(("broker-1", 1)) if answer == "index" else ("broker-1", 1)

    for _ in range(3):
        way(two_brokers, "topic", b"x", selector=choose)
    assert two_brokers.wait_until(lambda: two_brokers.stored_count("topic") == 3)
    assert two_brokers.queue_counts("topic") == {("broker-1", 1): 3}
    assert offered == [[("broker-0", 0), ("broker-0", 1), ("broker-1", 0), ("broker-1", 1)]] * 3
    assert threads == {threading.get_ident()}


@every_telling_way
def test_what_a_selector_raises_is_raised_and_nothing_is_sent(cluster: MockCluster, way: Way) -> None:
    def choose(queues: list[Queue]) -> int:
        raise ZeroDivisionError("chosen")

    cluster.create_topic("topic")
    with rmq.Producer("known", cluster.name_server) as producer:
        producer.send("topic", b"first")
    with pytest.raises(ZeroDivisionError, match="chosen"):
        way(cluster, "topic", b"x", selector=choose)
    assert cluster.stored_count("topic") == 1


def test_what_the_selector_of_a_oneway_message_raises_is_told_late_or_at_once(cluster: MockCluster) -> None:
    async def main() -> None:
        complaints: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(type(context["exception"])))
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            producer.send_oneway("topic", b"x", selector=lambda queues: 1 // 0)
            await producer.flush()
            await asyncio.sleep(0)
            gc.collect()
            assert complaints == [ZeroDivisionError]
            with pytest.raises(ZeroDivisionError):
                producer.send_oneway("topic", b"x", selector=lambda queues: 1 // 0)

    asyncio.run(main())
    assert cluster.stored_count("topic") == 0


@pytest.mark.parametrize("answer", [4, -1, None, ("broker-0", 4), ("broker-9", 0), ()], ids=str)
def test_an_answer_that_is_no_queue_is_forbidden(cluster: MockCluster, producer: rmq.Producer, answer: object) -> None:
    with pytest.raises(rmq.ForbiddenError, match="selector returned .* none of 4 queues") as caught:
        producer.send("topic", b"x", selector=lambda queues: answer)
    assert caught.value.code is rmq.ErrorCode.FORBIDDEN
    assert caught.value.persistence is rmq.Persistence.NOT_PERSISTED
    assert cluster.request_count(SEND) == 0


def test_an_answer_of_another_type_is_a_type_error(cluster: MockCluster, producer: rmq.Producer) -> None:
    with pytest.raises(TypeError, match="selector returned 'broker-0'"):
        producer.send("topic", b"x", selector=lambda queues: "broker-0")


@every_telling_way
def test_a_selector_of_a_topic_without_a_route_is_not_asked(way: Way) -> None:
    with MockCluster(auto_create=False) as cluster:
        asked: list[object] = []
        if way is WAYS["aio.send that waits"]:
            cluster.create_topic("other")
        with pytest.raises(rmq.NoRouteError, match="nowhere"):
            way(cluster, "nowhere", b"x", selector=asked.append)
        assert asked == []


@every_telling_way
def test_a_selector_of_a_topic_without_queues_to_write_is_not_asked(cluster: MockCluster, way: Way) -> None:
    cluster.create_topic("read-only", perm=4)
    asked: list[object] = []
    with pytest.raises(rmq.NoRouteError, match="read-only .*no queue that may be written"):
        way(cluster, "read-only", b"x", selector=asked.append)
    assert asked == []


def test_a_message_stays_at_the_queue_that_was_chosen(two_brokers: MockCluster) -> None:
    calls: list[int] = []

    def choose(queues: list[Queue]) -> Queue:
        calls.append(1)
        return ("broker-0", 0)

    two_brokers.inject(Fault.code(1, "no"), broker="broker-0", request_code=SEND, times=2)
    with rmq.Producer("group", two_brokers.name_server) as producer:
        receipt = producer.send("topic", b"x", selector=choose)
    assert (receipt.broker_name, receipt.queue_id, receipt.attempts) == ("broker-0", 0, 3)
    assert calls == [1]


def test_the_time_for_the_look_up_is_the_time_of_the_send(cluster: MockCluster, producer: rmq.Producer) -> None:
    cluster.inject(Fault.no_answer(), broker="namesrv", request_code=ROUTE)
    start = time.monotonic()
    with pytest.raises(rmq.NameServerError, match="topic"):
        producer.send("topic", b"x", selector=last, timeout=0.3)
    assert 0.29 <= time.monotonic() - start < LATE


def test_random_takes_every_queue_in_the_end(two_brokers: MockCluster) -> None:
    with rmq.Producer("group", two_brokers.name_server) as producer:
        results = producer.send_many(rmq.Message("topic", b"x", queue="random") for _ in range(500))
    assert all(isinstance(result, rmq.Receipt) for result in results)
    counts = two_brokers.queue_counts("topic")
    assert len(counts) == 8 and sum(counts.values()) == 500
    # Taking turns would give 62 or 63 to each.
    assert max(counts.values()) - min(counts.values()) > 1


def test_messages_carry_selectors_as_values() -> None:
    message = rmq.Message("topic", b"x", selector=last)
    again = pickle.loads(pickle.dumps(message))
    assert again == message and again.selector is last and again.queue is None
    assert message != rmq.Message("topic", b"x")
    assert "selector=<function last" in repr(message)


def test_a_message_that_its_selector_refers_to_is_collected() -> None:
    class Selector:
        def __call__(self, queues: list[Queue]) -> int:
            return 0

    selector = Selector()
    selector.message = rmq.Message("topic", b"x", selector=selector)
    gone = weakref.ref(selector)
    del selector
    gc.collect()
    assert gone() is None


def test_selectors_do_not_keep_the_loop_waiting(cluster: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            rule = cluster.inject(Fault.hold(), broker="namesrv", request_code=ROUTE)
            sending = asyncio.ensure_future(producer.send("topic", b"x", selector=last, timeout=60))
            with ticking_loop() as ticks:
                while ticks.count < 5:
                    await asyncio.sleep(0.01)
                assert not sending.done()
                cluster.remove_fault(rule)
                await sending

    asyncio.run(main())


def test_sends_with_selectors_keep_the_order_of_their_calls(cluster: MockCluster) -> None:
    cluster.create_topic("topic", read_queues=1, write_queues=1)

    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            sends: list[asyncio.Future] = []
            for number in range(0, 300, 3):
                sends.append(producer.send("topic", b"%d" % number, selector=last))
                two = [rmq.Message("topic", b"%d" % (number + more), selector=last) for more in (1, 2)]
                sends.append(producer.send_many(two))
                if number % 30 == 0:
                    await asyncio.sleep(0)
            await asyncio.gather(*sends)

    asyncio.run(main())
    assert [int(stored.body) for stored in cluster.stored("topic")] == list(range(300))


def test_sends_that_wait_for_a_route_keep_their_own_deadlines(cluster: MockCluster) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server) as producer:
            cluster.inject(Fault.no_answer(), broker="namesrv", request_code=ROUTE)
            start = time.monotonic()
            slow = producer.send("topic", b"x", selector=last, timeout=6)
            with pytest.raises(rmq.NameServerError):
                await producer.send("topic", b"x", selector=last, timeout=0.2)
            assert time.monotonic() - start < 5 and not slow.done()
            with pytest.raises(rmq.NameServerError):
                await slow

    asyncio.run(main())


def test_a_cancelled_send_that_waits_for_a_route_is_never_sent(cluster: MockCluster) -> None:
    async def main() -> None:
        outcomes: list[object] = []

        def told(message: rmq.Message, outcome: object) -> None:
            outcomes.append((message.body, outcome))

        options = {"after_send": told, "send_timeout_ms": 60_000}
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            rule = cluster.inject(Fault.hold(), broker="namesrv", request_code=ROUTE)
            at_once = producer.send("topic", b"at once", selector=last)
            at_once.cancel()
            first = producer.send("topic", b"first", selector=last)
            later = producer.send("topic", b"later", selector=last)
            third = producer.send("topic", b"third", selector=last)
            await asyncio.sleep(0)
            later.cancel()
            cluster.remove_fault(rule)
            await asyncio.gather(first, third)
            assert at_once.cancelled() and later.cancelled()
        assert [stored.body for stored in cluster.stored("topic")] in ([b"first", b"third"], [b"third", b"first"])
        by_body = dict(outcomes)
        assert len(outcomes) == 4
        assert {type(by_body[body]) for body in (b"at once", b"later")} == {rmq.NoRouteError}
        assert {type(by_body[body]) for body in (b"first", b"third")} == {rmq.Receipt}

    asyncio.run(main())


@pytest.mark.parametrize("timeout", [None, 0.2])
def test_close_ends_sends_that_wait_for_a_route(cluster: MockCluster, timeout: float | None) -> None:
    async def main() -> None:
        patience = 2000 if timeout is None else 60_000
        producer = rmq.aio.Producer("group", cluster.name_server, send_timeout_ms=patience)
        cluster.inject(Fault.no_answer(), broker="namesrv", request_code=ROUTE)
        sends = [producer.send(topic, b"x", selector=last) for topic in ("one", "one", "two")]
        producer.send_oneway("three", b"x", selector=last, timeout=0.1)
        asyncio.get_running_loop().set_exception_handler(lambda _, context: None)
        if timeout is None:
            await producer.close()
            kinds = {rmq.NameServerError}
        else:
            start = time.monotonic()
            with pytest.raises(rmq.TimeoutError):
                await producer.close(timeout)
            assert time.monotonic() - start < LATE
            kinds = {rmq.ClosedError}
        assert all(send.done() for send in sends)
        assert {type(send.exception()) for send in sends} == kinds

    asyncio.run(main())


def test_send_many_asks_every_selector_before_anything_is_sent(cluster: MockCluster, producer: rmq.Producer) -> None:
    messages = [rmq.Message("topic", b"x"), rmq.Message("topic", b"x", selector=lambda queues: 1 // 0)]
    with pytest.raises(ZeroDivisionError):
        producer.send_many(messages)
    assert cluster.stored_count("topic") == 0


def test_send_many_fails_only_the_messages_whose_topic_has_no_route() -> None:
    with MockCluster(auto_create=False) as cluster:
        cluster.create_topic("topic")
        messages = [rmq.Message(topic, b"x", selector=last) for topic in ("topic", "nowhere", "topic")]

        async def main() -> None:
            async with rmq.aio.Producer("group", cluster.name_server) as producer:
                results.append(await producer.send_many(messages))

        results: list[list[rmq.Receipt | rmq.Error]] = []
        asyncio.run(main())
        with rmq.Producer("group", cluster.name_server) as producer:
            results.append(producer.send_many(messages))
        for outcomes in results:
            assert [type(outcome) for outcome in outcomes] == [rmq.Receipt, rmq.NoRouteError, rmq.Receipt]


def test_threads_on_several_loops_select_at_once(cluster: MockCluster) -> None:
    producer = rmq.aio.Producer("group", cluster.name_server)

    async def send() -> None:
        receipts = await asyncio.gather(*(producer.send("topic", b"x", selector=last) for _ in range(100)))
        assert {receipt.queue_id for receipt in receipts} == {3}

    threads = [threading.Thread(target=lambda: asyncio.run(send())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(producer.close())
    assert cluster.stored_count("topic") == 400
