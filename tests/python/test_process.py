"""Signals, forks and ends of the process, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import rmq

from conftest import LATE, Program

# Every message is a request of its own, so that the requests say how many messages are under way.
SILENT = """
    import rmq, sys, threading, time
    from rmq.testing import Fault, MockCluster
    cluster = MockCluster()
    producer = rmq.Producer("group", cluster.name_server, send_timeout_ms=60_000, batch_auto="off")
    producer.send("topic", b"x")
    held = cluster.request_count(310)
    for code in (310, 320):
        cluster.inject(Fault.no_answer(), request_code=code)
"""


# Interrupts the program as soon as `condition()` holds, and says how long it took the main thread to notice.
INTERRUPT = f"""{SILENT}
    import os, signal
    signalled, entered = None, []
    def interrupt_when(condition):
        def run():
            global signalled
            assert cluster.wait_until(condition, 20)
            signalled = time.monotonic()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=run, daemon=True).start()
    def got(count):
        return lambda: cluster.request_count(310) == held + count
    def got_batch():
        return cluster.request_count(320) > 0
    routes = cluster.request_count(105)
    def asked_for_a_route():
        return cluster.request_count(105) > routes
    def profile(frame, event, function):
        if event == "c_call" and function.__name__ in ("flush", "close"):
            entered.append(1)
    sys.setprofile(profile)
    def inside():
        return entered
    def a_call_waits():
        tasks = os.listdir("/proc/self/task")
        return any(open(f"/proc/self/task/{{task}}/comm").read() == "rmq-wait\\n" for task in tasks)
    def send_from_another_thread():
        threading.Thread(target=lambda: producer.send("topic", b"x"), daemon=True).start()
        assert cluster.wait_until(got(1))
"""


@pytest.mark.parametrize(
    ("condition", "call"),
    [
        ("got(1)", 'producer.send("topic", b"x")'),
        ("got(10)", 'producer.send_many([rmq.Message("topic", b"x")] * 10)'),
        (
            "got(10)",
            # An outcome comes before each look for signals.
            'cluster.clear_faults(); cluster.inject(Fault.delay(0.02), request_code=310); '
            'rmq.Producer("narrow", cluster.name_server, in_flight_max_messages=1, send_timeout_ms=60_000)'
            '.send_many([rmq.Message("topic", b"x")] * 1500)',
        ),
        ("got_batch", 'producer.send_batch([rmq.Message("topic", b"x")] * 10)'),
        (
            "got_batch",
            'rmq.Producer("split", cluster.name_server, batch_split=True, send_timeout_ms=60_000)'
            '.send_batch([rmq.Message("topic", b"x")] * 10)',
        ),
        ("asked_for_a_route", 'cluster.inject(Fault.no_answer(), broker="namesrv"); producer.queues("other", 60)'),
        (
            "asked_for_a_route",
            'cluster.inject(Fault.no_answer(), broker="namesrv"); '
            'producer.send("other", b"x", selector=lambda queues: 0)',
        ),
        ("inside", "send_from_another_thread(); producer.flush()"),
        ("inside", "send_from_another_thread(); producer.close()"),
        ("lambda: entered", "cluster.wait_until(lambda: entered.append(1), 60)"),
    ],
)
def test_ctrl_c_ends_a_blocked_call_at_once(run_program: Program, condition: str, call: str) -> None:
    result = run_program(
        f"""{INTERRUPT}
    try:
        interrupt_when({condition})
        {call}
    except KeyboardInterrupt:
        print(time.monotonic() - signalled)
"""
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < LATE


def test_a_thread_that_waits_for_a_call_leaves_signals_to_the_host(run_program: Program) -> None:
    result = run_program(
        f"""{INTERRUPT}
    def handled(task):
        (line,) = (line for line in open(f"/proc/self/task/{{task}}/status") if line.startswith("SigBlk"))
        return ~int(line.split()[1], 16)
    split = rmq.Producer("split", cluster.name_server, batch_split=True, send_timeout_ms=60_000)
    batch = [rmq.Message("topic", b"x")] * 10
    threading.Thread(target=split.send_batch, args=(batch,), daemon=True).start()
    assert cluster.wait_until(a_call_waits)
    (task,) = (task for task in os.listdir("/proc/self/task")
               if open(f"/proc/self/task/{{task}}/comm").read() == "rmq-wait\\n")
    print(any(handled(task) & 1 << number - 1 for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)))
"""
    )
    assert (result.returncode, result.stdout) == (0, "False\n"), result.stderr


def test_ctrl_c_in_a_with_block_does_not_wait_for_the_sends(run_program: Program) -> None:
    result = run_program(
        f"""{INTERRUPT}
    try:
        interrupt_when(got(1))
        with producer:
            producer.send("topic", b"x")
    except KeyboardInterrupt:
        print(time.monotonic() - signalled)
"""
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < LATE


def test_ctrl_c_in_asyncio_ends_the_program(run_program: Program) -> None:
    result = run_program(
        f"""{INTERRUPT}
    import asyncio, rmq.aio
    async def tick():
        # A loop looks for signals when it wakes; one that comes just before it goes to sleep must not be the last.
        while True:
            await asyncio.sleep(0.01)
    async def main():
        ticking = asyncio.create_task(tick())
        async with rmq.aio.Producer("other", cluster.name_server, send_timeout_ms=60_000) as producer:
            interrupt_when(got(1))
            await producer.send("topic", b"x")
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print(time.monotonic() - signalled)
"""
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < LATE


def test_a_forked_child_gets_forked_errors_and_may_make_new_producers(run_program: Program) -> None:
    result = run_program(
        """
        import asyncio, gc, os, rmq, rmq.aio, sys, threading, time
        from rmq.testing import Fault, MockCluster

        def forked(call, *arguments):
            start = time.monotonic()
            try:
                call(*arguments)
            except rmq.ForkedError:
                assert time.monotonic() - start < 10
                return
            raise AssertionError(f"{call} did not say ForkedError")

        cluster = MockCluster()
        old = rmq.Producer("old", cluster.name_server, batch_auto="off")
        old_aio = rmq.aio.Producer("old-aio", cluster.name_server)
        old.send("topic", b"parent")
        held = cluster.request_count(310)
        rule = cluster.inject(Fault.hold(), topic="held")
        outcomes = []
        thread = threading.Thread(target=lambda: outcomes.append(old.send_many([rmq.Message("held", b"parent")] * 100, timeout=60)))
        thread.start()
        assert cluster.wait_until(lambda: cluster.request_count(310) == held + 100)
        address = cluster.name_server

        child = os.fork()
        if child == 0:
            try:
                forked(old.send, "topic", b"x")
                forked(old.send_oneway, "topic", b"x")
                forked(old.send_many, [rmq.Message("topic", b"x")])
                forked(old.send_batch, [rmq.Message("topic", b"x")])
                forked(old.queues, "topic")
                forked(old.set_name_servers, address)
                forked(lambda: old.send("topic", b"x", selector=lambda queues: 0))
                for call in (old.flush, old.close, old.wait_ready, old_aio._flush):
                    forked(call, 1.0)
                forked(lambda: old.in_flight)
                forked(lambda: cluster.name_server)
                async def old_send():
                    await old_aio.send("topic", b"x")
                forked(asyncio.run, old_send())
                with rmq.Producer("new", address) as new:
                    new.send("topic", b"child")
                async def new_send():
                    async with rmq.aio.Producer("new-aio", address) as producer:
                        await producer.send("topic", b"child")
                asyncio.run(new_send())
                with MockCluster() as own, rmq.Producer("own", own.name_server) as producer:
                    producer.send("topic", b"x")
                del old, old_aio, cluster
                gc.collect()
                os._exit(7)
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)

        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 7, status
        assert outcomes == []
        cluster.remove_fault(rule)
        thread.join()
        assert all(isinstance(outcome, rmq.Receipt) for outcome in outcomes[0]) and len(outcomes[0]) == 100
        old.send("topic", b"parent")
        async def main():
            await old_aio.send("topic", b"parent")
            await old_aio.close()
        asyncio.run(main())
        bodies = [stored.body for stored in cluster.stored("topic")]
        assert bodies.count(b"child") == 2 and bodies.count(b"parent") == 3, bodies
        assert cluster.stored_count("held") == 100
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_a_fork_inside_of_a_loop_leaves_the_parent_unharmed(run_program: Program) -> None:
    result = run_program(
        """
        import asyncio, gc, os, rmq, rmq.aio, traceback
        from rmq.testing import MockCluster

        def forked(call, *arguments):
            try:
                call(*arguments)
            except rmq.ForkedError:
                return
            raise AssertionError(f"{call} did not say ForkedError")

        def step(call, *arguments):
            try:
                call(*arguments).send(None)
            except StopIteration:
                return
            raise AssertionError(f"{call} waits")

        async def main():
            cluster = MockCluster()
            async with rmq.aio.Producer("group", cluster.name_server) as producer:
                await producer.send("topic", b"x")
                futures = [producer.send("topic", b"x") for _ in range(100)]
                child = os.fork()
                if child == 0:
                    try:
                        forked(producer.send, "topic", b"x")
                        forked(producer.send_many, [])
                        forked(producer.send_oneway, "topic", b"x")
                        for call in (producer.close, producer.flush, producer.wait_ready):
                            forked(step, call)
                            forked(step, call, 1.0)
                        step(producer.__aexit__, None, None, None)
                        forked(producer.send, "topic", b"x")
                        del producer, futures, call
                        gc.collect()
                        os._exit(7)
                    except BaseException:
                        traceback.print_exc()
                        os._exit(1)
                _, status = os.waitpid(child, 0)
                assert os.waitstatus_to_exitcode(status) == 7
                await asyncio.gather(*futures)
                await producer.send("topic", b"x")
            assert cluster.stored_count("topic") == 102
        asyncio.run(main())
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


@pytest.mark.parametrize("batch_auto", ["off", "pressure"])
def test_a_fork_while_woken_tasks_send_sends_nothing_twice(run_program: Program, batch_auto: str) -> None:
    result = run_program(
        f"""
        import asyncio, gc, os, rmq, rmq.aio
        from rmq.testing import Fault, MockCluster

        async def main():
            cluster = MockCluster()
            options = dict(batch_auto="{batch_auto}", send_timeout_ms=60_000)
            async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
                await producer.send("topic", b"x")
                await producer.send("other", b"x")
                rule = cluster.inject(Fault.hold(), topic="topic")
                # Enough of them for a burst.
                answered = [producer.send("topic", b"x") for _ in range(8)]
                other = cluster.inject(Fault.hold(), topic="other")
                unanswered = producer.send("other", b"x")
                await asyncio.sleep(0)
                # The answers come meanwhile, and the loop takes them at once.
                cluster.remove_fault(rule)
                assert cluster.wait_until(lambda: producer.stats()["succeeded"] == 2 + len(answered), 30)
                await answered[0]
                futures = [producer.send("topic", b"x") for _ in range(4)]
                child = os.fork()
                if child == 0:
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    del producer, futures
                    gc.collect()
                    os._exit(7)
                _, status = os.waitpid(child, 0)
                assert os.waitstatus_to_exitcode(status) == 7
                cluster.remove_fault(other)
                await asyncio.gather(*futures, *answered[1:], unanswered)
            assert cluster.stored_count("topic") == 13, cluster.stored_count("topic")
        asyncio.run(main())
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works(tmp_path: Path, method: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
import multiprocessing, pickle, sys
import rmq
from rmq.testing import MockCluster

def work(address):
    with rmq.Producer("child", address) as producer:
        receipts = [producer.send("topic", b"child") for _ in range(10)]
    try:
        rmq.Producer("child", address, retry_times=-1)
    except rmq.Error as error:
        return receipts, error

if __name__ == "__main__":
    cluster = MockCluster()
    with rmq.Producer("parent", cluster.name_server) as producer:
        producer.send("topic", b"parent")
        with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
            for receipts, error in pool.map(work, [cluster.name_server] * 4):
                assert len(receipts) == 10 and receipts[0].status is rmq.SendStatus.SEND_OK
                assert isinstance(error, rmq.InvalidValueError)
        producer.send("topic", b"parent")
    assert cluster.stored_count("topic") == 42
    print("good")
"""
    )
    result = subprocess.run(
        [sys.executable, str(program), method], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


@pytest.mark.parametrize(
    "program",
    [
        # a thread that waits
        """
    threading.Thread(target=lambda: producer.send("topic", b"x"), daemon=True).start()
    assert cluster.wait_until(lambda: cluster.request_count(310) > held)
""",
        # many threads that wait
        """
    for _ in range(20):
        threading.Thread(target=lambda: producer.send_many([rmq.Message("topic", b"x")] * 100), daemon=True).start()
    assert cluster.wait_until(lambda: cluster.request_count(310) == held + 2000)
""",
        # threads in the middle of quick sends
        """
    cluster.clear_faults()
    def send():
        while True:
            producer.send("topic", b"x")
    for _ in range(4):
        threading.Thread(target=send, daemon=True).start()
    assert cluster.wait_until(lambda: cluster.stored_count("topic") > 100)
""",
        # an asyncio program that ends by an exception, futures open, nothing closed
        """
    import asyncio, rmq.aio
    other = rmq.aio.Producer("other", cluster.name_server)
    async def main():
        global futures
        futures = [other.send("topic", b"x") for _ in range(1000)]
        await asyncio.to_thread(cluster.wait_until, lambda: cluster.request_count(310) > held)
    asyncio.run(main())
""",
        # a loop that was never closed
        """
    import asyncio, rmq.aio
    other = rmq.aio.Producer("other", cluster.name_server)
    loop = asyncio.new_event_loop()
    async def main():
        global futures
        futures = [other.send("topic", b"x") for _ in range(1000)]
    loop.run_until_complete(main())
""",
        # things that are made and used while the interpreter goes
        """
    import atexit
    cluster.clear_faults()
    def late():
        with rmq.Producer("late", cluster.name_server) as late:
            late.send("topic", b"x")
        print("sent late", file=sys.stderr)
    atexit.register(late)
""",
    ],
)
def test_the_interpreter_ends_with_sends_in_flight(run_program: Program, program: str) -> None:
    result = run_program(f"{SILENT}\n{program}\n    print('end', flush=True)\n", timeout=20)
    assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr
    assert "Fatal" not in result.stderr and "Segmentation" not in result.stderr


def test_sys_exit_and_an_uncaught_error_end_the_process(run_program: Program) -> None:
    waiting = 'threading.Thread(target=lambda: producer.send("topic", b"x"), daemon=True).start()'
    assert run_program(f"{SILENT}\n    {waiting}\n    sys.exit(5)\n", timeout=20).returncode == 5
    assert run_program(f"{SILENT}\n    {waiting}\n    raise ValueError\n", timeout=20).returncode == 1


def test_the_host_is_left_as_it_was(run_program: Program) -> None:
    result = run_program(
        """
        import os, signal, threading
        before = {number: signal.getsignal(number) for number in signal.valid_signals()}
        environment = dict(os.environ)
        import rmq
        with rmq.Producer("group", test_mock_brokers=1) as producer:
            producer.send("topic", b"x")
        assert before == {number: signal.getsignal(number) for number in signal.valid_signals()}
        assert environment == dict(os.environ)
        assert open("/proc/self/comm").read().strip().startswith("python")
        import logging
        assert not logging.getLogger("rmq").handlers and not logging.getLogger().handlers
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


@pytest.mark.parametrize(
    "call",
    [
        lambda producer: producer.send("topic", b""),
        lambda producer: producer.send_many([rmq.Message("topic", b"")]),
        lambda producer: producer.send_batch([rmq.Message("topic", b"")]),
        lambda _: rmq.Message("topic", b"x", delay_ms=1, delay_level=1),
    ],
)
def test_ctrl_c_while_an_error_is_made_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[rmq.Producer], object]
) -> None:
    import rmq._errors

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with rmq.Producer("group", test_mock_brokers=1) as producer:
        monkeypatch.setattr(rmq._errors, "make", interrupted)
        with pytest.raises(KeyboardInterrupt):
            # Not by `eval`: the interpreter would end as one that was interrupted, though the test has caught it.
            call(producer)
        monkeypatch.undo()
