"""The asyncio producer."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from conftest import LATE, SEND, Program, ticking_loop

Test = Callable[[rmq.aio.Producer], Awaitable[None]]


def run(cluster: MockCluster, test: Test, **options: object) -> None:
    """Runs `test` with a producer on a loop in debug mode, so that its complaints are errors."""

    async def main() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with rmq.aio.Producer("group", name_server=cluster.name_server, **options) as producer:
            await test(producer)
        assert complaints == []

    asyncio.run(main(), debug=True)


def test_a_message_arrives_whole(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.wait_ready()
        receipt = await producer.send(
            "topic", b"a\0b", tags="paid", keys=["order-42"], properties={"ü": "µ"}, flag=7
        )
        (stored,) = cluster.stored("topic")
        assert (stored.body, stored.flag, stored.properties["TAGS"]) == (b"a\0b", 7, "paid")
        assert stored.properties["ü"] == "µ"
        assert stored.properties["UNIQ_KEY"] == receipt.message_id
        assert receipt.status is rmq.SendStatus.SEND_OK
        assert producer.group == "group" and producer.client_id and "group" in repr(producer)

    run(cluster, test)


def test_send_gives_a_future_of_the_loop_and_no_task(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        future = producer.send("topic", b"x")
        assert isinstance(future, asyncio.Future) and not isinstance(future, asyncio.Task)
        assert future.get_loop() is asyncio.get_running_loop()
        threads = threading.active_count()
        await asyncio.gather(*(producer.send("topic", b"x") for _ in range(1000)))
        assert len(asyncio.all_tasks()) == 1
        assert threading.active_count() == threads
        assert isinstance(await future, rmq.Receipt)

    run(cluster, test)


def test_gather_keeps_the_order_and_nothing_is_lost_or_doubled(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        receipts = await asyncio.gather(*(producer.send("topic", b"%d" % number) for number in range(10_000)))
        by_id = {stored.properties["UNIQ_KEY"]: int(stored.body) for stored in cluster.stored("topic")}
        assert [by_id[receipt.message_id] for receipt in receipts] == list(range(10_000))
        assert cluster.stored_count("topic") == 10_000

    run(cluster, test)


def test_messages_of_one_queue_keep_the_order_of_their_calls(cluster: MockCluster) -> None:
    cluster.create_topic("topic", write_queues=1, read_queues=1)

    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"-1")
        await asyncio.gather(*(producer.send("topic", b"%d" % number) for number in range(2000)))
        bodies = [int(stored.body) for stored in cluster.stored("topic")]
        assert bodies == list(range(-1, 2000))

    run(cluster, test)


def test_waiting_sends_keep_the_order_of_their_calls(cluster: MockCluster) -> None:
    cluster.create_topic("topic", write_queues=1, read_queues=1)

    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"-1")
        sends: list[Awaitable[object]] = [producer.send("topic", b"%d" % number) for number in range(100)]
        sends.append(producer.send_many([rmq.Message("topic", b"%d" % number) for number in range(100, 200)]))
        sends += [producer.send("topic", b"%d" % number) for number in range(200, 300)]
        await asyncio.gather(*sends)
        assert [int(stored.body) for stored in cluster.stored("topic")] == list(range(-1, 300))

    run(cluster, test, in_flight_max_messages=3)


def test_send_many_is_one_future_with_results_in_order(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        messages = [rmq.Message("topic", b"%d" % number) for number in range(3000)]
        messages[7] = rmq.Message("no/slash", b"x")
        future = producer.send_many(messages)
        assert isinstance(future, asyncio.Future) and not isinstance(future, asyncio.Task)
        results = await future
        assert isinstance(results[7], rmq.MessageIllegalError)
        by_id = {stored.properties["UNIQ_KEY"]: int(stored.body) for stored in cluster.stored("topic")}
        for number, result in enumerate(results):
            if number != 7:
                assert isinstance(result, rmq.Receipt) and by_id[result.message_id] == number
        assert await producer.send_many([]) == []

    run(cluster, test)


def test_errors_come_through_the_future(cluster: MockCluster) -> None:
    cluster.inject(Fault.code(1, "disk on fire"), request_code=SEND)

    async def test(producer: rmq.aio.Producer) -> None:
        results = await asyncio.gather(
            producer.send("topic", b"x"), producer.send("no/slash", b"x"), return_exceptions=True
        )
        assert isinstance(results[0], rmq.BrokerError) and results[0].remark == "disk on fire"
        assert isinstance(results[1], rmq.MessageIllegalError)
        with pytest.raises(TypeError):
            producer.send("topic", "text")

    run(cluster, test)


def test_a_timeout_is_a_timeout_error(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), request_code=SEND)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await producer.send("topic", b"x", timeout=0.3)
        assert 0.29 <= time.monotonic() - start < LATE

    run(cluster, test, send_timeout_ms=60_000)


def test_a_cancelled_await_leaves_the_message_under_way_and_counted(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"x")
        held = cluster.request_count(SEND)
        rule = cluster.inject(Fault.hold(), request_code=SEND)
        sends = [asyncio.ensure_future(producer.send("topic", b"late")) for _ in range(10)]
        batch = producer.send_many([rmq.Message("topic", b"late")] * 5)
        assert await asyncio.to_thread(cluster.wait_until, lambda: cluster.request_count(SEND) == held + 15)
        for future in [*sends, batch]:
            future.cancel()
        results = await asyncio.gather(*sends, batch, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert producer.in_flight == 15
        cluster.remove_fault(rule)
        await producer.flush()
        assert producer.in_flight == 0
        assert [stored.body for stored in cluster.stored("topic")].count(b"late") == 15

    run(cluster, test, batch_auto="off", send_timeout_ms=60_000)


@pytest.mark.parametrize("batch_auto", ["off", "pressure"])
def test_what_woken_tasks_send_goes_while_they_compute(cluster: MockCluster, batch_auto: str) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"x")
        await producer.send("other", b"x")
        rule = cluster.inject(Fault.hold(), topic="topic")
        # Enough of them for a burst.
        answered = [producer.send("topic", b"x") for _ in range(8)]
        other = cluster.inject(Fault.hold(), topic="other")
        unanswered = producer.send("other", b"x")

        async def send_and_compute(first: Awaitable[rmq.Receipt]) -> None:
            await first
            stored = cluster.stored_count("topic")
            sent = producer.send("topic", b"x")
            # The loop does not get its turn meanwhile.
            assert cluster.wait_until(lambda: cluster.stored_count("topic") == stored + 1, 30)
            await sent

        tasks = [asyncio.create_task(send_and_compute(first)) for first in answered]
        await asyncio.sleep(0)
        # The answers come meanwhile, and the loop takes them at once.
        cluster.remove_fault(rule)
        assert cluster.wait_until(lambda: producer.stats()["succeeded"] == 2 + len(answered), 30)
        await asyncio.gather(*tasks)
        cluster.remove_fault(other)
        await unanswered

    run(cluster, test, batch_auto=batch_auto, send_timeout_ms=60_000)


def test_a_cancelled_send_that_waits_for_room_is_never_sent(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"x")
        rule = cluster.inject(Fault.hold(), request_code=SEND, times=1)
        first = producer.send("topic", b"first")
        second = producer.send("topic", b"second")
        second.cancel()
        cluster.remove_fault(rule)
        await first
        await producer.send("topic", b"third")
        assert [stored.body for stored in cluster.stored("topic")].count(b"second") == 0
        assert producer.in_flight == 0

    run(cluster, test, in_flight_max_messages=1, send_timeout_ms=60_000)


def test_a_full_queue_waits_for_room(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        receipts = await asyncio.gather(*(producer.send("topic", b"%d" % number) for number in range(500)))
        assert len({receipt.message_id for receipt in receipts}) == 500
        results = await producer.send_many(rmq.Message("topic", b"x") for _ in range(500))
        assert all(isinstance(result, rmq.Receipt) for result in results)

    run(cluster, test, in_flight_max_messages=10)


def test_a_wait_for_room_ends_at_the_deadline_of_the_send(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), request_code=SEND)
        held = producer.send("topic", b"x", timeout=5.0)
        start = time.monotonic()
        waiting = [
            producer.send("topic", b"x", timeout=0.3),
            producer.send("topic", b"x", timeout=0.1),
        ]
        batch = producer.send_many([rmq.Message("topic", b"x")] * 3, timeout=0.2)
        ends = {}
        for name, future in (("late", waiting[0]), ("early", waiting[1]), ("batch", batch)):
            future.add_done_callback(lambda _, name=name: ends.update({name: time.monotonic() - start}))
        with pytest.raises(rmq.TimeoutError, match="no room") as caught:
            await waiting[1]
        assert caught.value.persistence is rmq.Persistence.NOT_PERSISTED and caught.value.elapsed >= 0.1
        results = await batch
        assert [type(result) for result in results] == [rmq.TimeoutError] * 3
        with pytest.raises(rmq.TimeoutError, match="no room"):
            await waiting[0]
        assert ends["early"] >= 0.1 and ends["batch"] >= 0.2 and ends["late"] >= 0.3
        assert not held.done(), "they did not wait for the room that it would have left"
        with pytest.raises(rmq.TimeoutError):
            await held

    run(cluster, test, in_flight_max_messages=1)


def test_a_full_queue_fails_by_choice(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"x")
        rule = cluster.inject(Fault.hold(), request_code=SEND)
        first = producer.send("topic", b"x")
        with pytest.raises(rmq.QueueFullError):
            await producer.send("topic", b"x")
        results = await producer.send_many([rmq.Message("topic", b"x")] * 2)
        assert [type(result) for result in results] == [rmq.QueueFullError] * 2
        with pytest.raises(rmq.QueueFullError):
            producer.send_oneway("topic", b"x")
        cluster.remove_fault(rule)
        await first

    run(cluster, test, in_flight_max_messages=1, in_flight_full="fail", send_timeout_ms=60_000)


def test_oneway_messages_are_stored_after_a_flush(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        for number in range(100):
            producer.send_oneway("topic", b"%d" % number)
        await producer.flush(5)
        assert await asyncio.to_thread(cluster.wait_until, lambda: cluster.stored_count("topic") == 100)

    run(cluster, test)


def test_a_send_waits_for_the_room_that_oneway_messages_take(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        producer.send_oneway("topic", b"x")
        await producer.send("topic", b"x")

    run(cluster, test, in_flight_max_messages=1)


def test_a_send_gets_the_room_that_a_send_of_another_loop_makes(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        async def send() -> None:
            await producer.send("topic", b"x", timeout=60)

        await send()
        held = cluster.request_count(SEND)
        rule = cluster.inject(Fault.hold(), request_code=SEND, times=1)
        silent = producer.send("topic", b"x", timeout=60)
        assert await asyncio.to_thread(cluster.wait_until, lambda: cluster.request_count(SEND) == held + 1)
        others = cluster.inject(Fault.hold(), request_code=SEND, times=1)
        other = asyncio.create_task(asyncio.to_thread(asyncio.run, send()))
        assert await asyncio.to_thread(cluster.wait_until, lambda: cluster.request_count(SEND) == held + 2)
        waiting = producer.send("topic", b"x", timeout=60)
        cluster.remove_fault(others)
        await waiting
        assert not silent.done()
        await other
        cluster.remove_fault(rule)
        await silent

    run(cluster, test, in_flight_max_messages=2)


class BrokenLoop(asyncio.SelectorEventLoop):
    """Its futures are of the class `kind`; `call_later` fails as often as `failures` says."""

    kind: type[asyncio.Future] = asyncio.Future
    failures = 0

    def create_future(self) -> asyncio.Future:
        return self.kind(loop=self)

    def call_later(self, *arguments: object, **keywords: object) -> asyncio.TimerHandle:
        if self.failures:
            self.failures -= 1
            raise MemoryError
        return super().call_later(*arguments, **keywords)


class Stubborn(asyncio.Future):
    def set_exception(self, error: object) -> None:
        raise MemoryError


def test_what_fails_for_one_send_does_not_keep_others_waiting(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda complaint: complaints.append(complaint.exc_type))
    loop = BrokenLoop()

    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server, in_flight_max_messages=1) as producer:
            await producer.send("topic", b"x")
            cluster.inject(Fault.no_answer(), request_code=SEND, times=1)
            held = producer.send("topic", b"x", timeout=4)
            loop.kind = Stubborn
            producer.send("topic", b"x", timeout=0.1)
            loop.kind = asyncio.Future
            others = [producer.send("topic", b"x", timeout=0.1) for _ in range(2)]
            for future in others:
                with pytest.raises(rmq.TimeoutError, match="no room"):
                    await future
            assert complaints == [MemoryError]
            loop.failures = 1
            last = producer.send("topic", b"x", timeout=30)
            assert complaints == [MemoryError] * 2
            with pytest.raises(rmq.TimeoutError):
                await held
            await last

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


def test_flush_waits_and_gives_up(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.flush()
        await producer.send("topic", b"x")
        rule = cluster.inject(Fault.hold(), request_code=SEND)
        future = producer.send("topic", b"x")
        with pytest.raises(rmq.TimeoutError, match="0.1 s"):
            await producer.flush(0.1)
        cluster.remove_fault(rule)
        await producer.flush(30)
        assert future.done()

    run(cluster, test, send_timeout_ms=60_000)


def test_of_several_closes_the_one_whose_time_is_over_first_ends_the_sends(cluster: MockCluster) -> None:
    async def main() -> None:
        producer = rmq.aio.Producer("group", name_server=cluster.name_server, send_timeout_ms=120_000)
        await producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), request_code=SEND)
        future = producer.send("topic", b"x")
        given_up, waiting = (asyncio.ensure_future(producer.close()) for _ in range(2))
        while not producer.closed:
            await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(rmq.TimeoutError, match="0 s"):
            await producer.close(0)
        assert isinstance(future.exception(), rmq.ClosedError)
        with pytest.raises(rmq.TimeoutError, match="another close"):
            await waiting
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await producer.close()

    asyncio.run(main(), debug=False)


def test_ten_thousand_in_flight_at_close_end_once_each(cluster: MockCluster) -> None:
    async def main() -> None:
        producer = rmq.aio.Producer("group", name_server=cluster.name_server, send_timeout_ms=60_000)
        await producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), request_code=SEND)
        ends: Counter[str] = Counter()
        futures = [producer.send("topic", b"x") for _ in range(9_000)]
        batch = producer.send_many([rmq.Message("topic", b"x")] * 1_000)
        for future in futures:
            future.add_done_callback(lambda future: ends.update([type(future.exception()).__name__]))
        start = time.monotonic()
        with pytest.raises(rmq.TimeoutError, match="0.5 s"):
            await producer.close(0.5)
        assert time.monotonic() - start < LATE
        assert all(future.done() for future in futures)
        await asyncio.sleep(0)
        assert ends == {"ClosedError": 9_000}
        assert {type(result) for result in await batch} == {rmq.ClosedError}
        with pytest.raises(rmq.ClosedError):
            await producer.send("topic", b"x")
        with pytest.raises(rmq.ClosedError):
            await producer.send_many([])
        with pytest.raises(rmq.ClosedError):
            producer.send_oneway("topic", b"x")
        assert producer.closed
        await producer.close()

    asyncio.run(main(), debug=False)


def test_leaving_the_block_waits_for_what_was_sent(cluster: MockCluster) -> None:
    cluster.inject(Fault.delay(0.05), request_code=SEND)

    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server, in_flight_max_messages=20) as producer:
            futures = [producer.send("topic", b"x") for _ in range(100)]
        assert all(isinstance(future.result(), rmq.Receipt) for future in futures)

    asyncio.run(main())
    assert cluster.stored_count("topic") == 100


def test_an_abandoned_producer_ends_its_sends_and_leaves_the_loop(cluster: MockCluster) -> None:
    async def main() -> None:
        producer = rmq.aio.Producer("group", cluster.name_server)
        await producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), request_code=SEND)
        future = producer.send("topic", b"x", timeout=60)
        selector = asyncio.get_running_loop()._selector
        watched = len(selector.get_map())
        del producer
        gc.collect()
        with pytest.raises(rmq.ClosedError):
            await asyncio.wait_for(future, 30)
        deadline = time.monotonic() + 30
        while len(selector.get_map()) != watched - 1:
            assert time.monotonic() < deadline
            await asyncio.sleep(0)

    asyncio.run(main())


def test_one_producer_serves_loops_of_several_threads(cluster: MockCluster) -> None:
    producer = rmq.aio.Producer("group", cluster.name_server)

    async def send() -> None:
        receipts = await asyncio.gather(*(producer.send("topic", b"x") for _ in range(500)))
        assert len({receipt.message_id for receipt in receipts}) == 500

    threads = [threading.Thread(target=lambda: asyncio.run(send())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(producer.close())
    assert cluster.stored_count("topic") == 2000


def test_a_loop_that_joins_while_another_one_joins_is_left_at_close(cluster: MockCluster) -> None:
    producer = rmq.aio.Producer("group", cluster.name_server)

    async def join() -> None:
        producer._attach()

    class Loop(asyncio.SelectorEventLoop):
        meanwhile: Callable[[], None] | None = None

        def is_closed(self) -> bool:
            action, self.meanwhile = self.meanwhile, None
            if action:
                action()
            return super().is_closed()

    def join_third() -> None:
        thread = threading.Thread(target=lambda: third.run_until_complete(join()))
        thread.start()
        thread.join()

    first, second, third = Loop(), asyncio.SelectorEventLoop(), asyncio.SelectorEventLoop()
    first.run_until_complete(join())
    first.meanwhile = join_third
    second.run_until_complete(join())
    watched = len(third._selector.get_map())
    second.run_until_complete(producer.close())
    third.run_until_complete(asyncio.sleep(0))
    assert len(third._selector.get_map()) == watched - 1
    for loop in (first, second, third):
        loop.close()


def test_arguments_that_make_no_send_are_errors_of_the_call(cluster: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        for call, kind in (
            (lambda: producer.send("topic", "text"), TypeError),
            (lambda: producer.send("\ud800", b"x"), UnicodeEncodeError),
            (lambda: producer.send("topic", b"x", flag=1 << 40), OverflowError),
            (lambda: producer.send("topic", b"x", timeout=-1), rmq.InvalidArgumentError),
            (lambda: producer.send_many(["text"]), TypeError),
            (lambda: producer.send_many([], timeout=-1), rmq.InvalidArgumentError),
            (lambda: producer.send_oneway("no/slash", b"x"), rmq.MessageIllegalError),
        ):
            with pytest.raises(kind):
                call()

    run(cluster, test)


def test_a_send_outside_of_a_loop_says_so(cluster: MockCluster) -> None:
    producer = rmq.aio.Producer("group", cluster.name_server)
    with pytest.raises(RuntimeError, match="no running event loop"):
        producer.send("topic", b"x")
    asyncio.run(producer.close())


def test_the_loop_runs_while_a_producer_waits_and_closes() -> None:
    async def main() -> None:
        with ticking_loop() as ticks:
            producer = rmq.aio.Producer("group", "127.0.0.1:1")
            with pytest.raises(rmq.NameServerError):
                await producer.wait_ready(1.0)
            with pytest.raises(rmq.Error):
                await producer.send("topic", b"x", timeout=0.3)
            await producer.close()
        assert ticks.count > 5

    asyncio.run(main())


def test_lost_brokers_are_errors_of_all_futures(two_brokers: MockCluster) -> None:
    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"x")
        two_brokers.inject(Fault.store_then_reset(), request_code=SEND)
        results = await asyncio.gather(*(producer.send("topic", b"x") for _ in range(200)), return_exceptions=True)
        assert {type(result) for result in results} <= {rmq.ConnectionLostError, rmq.TimeoutError}
        assert all(result.persistence is not rmq.Persistence.PERSISTED for result in results)
        two_brokers.clear_faults()
        await producer.send("topic", b"x")

    run(two_brokers, test, batch_auto="off")


OCCUPIED = """
    import asyncio, concurrent.futures, threading, time
    import rmq, rmq.aio
    from rmq.testing import Fault, MockCluster
    cluster = MockCluster()
    def occupy(loop, released):
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
        return loop.run_in_executor(None, released.wait)
"""


def test_no_call_needs_the_executor_of_the_loop(run_program: Program) -> None:
    result = run_program(
        f"""{OCCUPIED}
    async def main():
        released = threading.Event()
        occupied = occupy(asyncio.get_running_loop(), released)
        try:
            producer = rmq.aio.Producer("group", cluster.name_server)
            await producer.wait_ready(20)
            assert len(await producer.queues("TBW102", 20)) == 8
            await producer.send("topic", b"x", selector=lambda queues: 0)
            producer.send_oneway("topic", b"x")
            await producer.flush(20)
            cluster.inject(Fault.no_answer(), broker="namesrv")
            try:
                await producer.queues("silent", 0.2)
            except rmq.Error as error:
                print(error.name)
            cluster.inject(Fault.no_answer(), request_code=310)
            open = producer.send("topic", b"x", timeout=20)
            try:
                await producer.close(0.2)
            except rmq.TimeoutError:
                print("cut off")
            assert isinstance(open.exception(), rmq.ClosedError)
            # Nothing has waited for the executor.
            assert not occupied.done()
        finally:
            released.set()
            await occupied
    asyncio.run(main())
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "NAME_SERVER\ncut off\n"), result.stderr


def test_calls_work_while_the_interpreter_ends(run_program: Program) -> None:
    """No executor starts a thread then."""
    result = run_program(
        f"""{OCCUPIED}
    import atexit
    producer = rmq.aio.Producer("group", cluster.name_server)
    async def end():
        await producer.wait_ready(20)
        await producer.send("topic", b"x", selector=lambda queues: 0)
        await producer.close(20)
        print("closed", flush=True)
    atexit.register(lambda: asyncio.run(end()))
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "closed\n", "")


def test_a_close_lets_calls_of_its_loop_end(run_program: Program) -> None:
    result = run_program(
        f"""{OCCUPIED}
    async def main():
        producer = rmq.aio.Producer("group", cluster.name_server)
        await producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), broker="namesrv")
        calls = [asyncio.ensure_future(producer.queues(f"silent{{number}}", 20)) for number in range(20)]
        await asyncio.sleep(0.1)
        await producer.close(20)
        for call in calls:
            try:
                await call
            except rmq.ClosedError:
                pass
        print("good")
    asyncio.run(main())
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "good\n", "")
