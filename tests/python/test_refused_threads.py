"""The operating system refuses threads: nothing but a batch that is split needs one, and that says so."""

from __future__ import annotations

from conftest import Program

REFUSED = """
    import asyncio, logging, os, resource, threading
    import rmq, rmq.aio
    from rmq.testing import Fault, MockCluster
    cluster = MockCluster()

    def refuse_threads():
        # The limit counts the threads of a user, and root has none.
        if os.geteuid() == 0:
            os.setgid(54321)
            os.setuid(54321)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, resource.getrlimit(resource.RLIMIT_NPROC)[1]))
        try:
            threading.Thread(target=print).start()
        except RuntimeError:
            return
        raise AssertionError("threads are not refused")

    def never_answer():
        cluster.inject(Fault.no_answer(), request_code=310)
"""


def test_calls_that_wait_need_no_thread(run_program: Program) -> None:
    result = run_program(
        f"""{REFUSED}
    producer = rmq.Producer("group", cluster.name_server, batch_auto="off")
    split = rmq.Producer("split", cluster.name_server, batch_split=True)
    producer.send("topic", b"x")
    refuse_threads()
    producer.wait_ready()
    assert len(producer.queues("new")) == 4
    producer.send_oneway("topic", b"x")
    producer.flush()
    try:
        split.send_batch([rmq.Message("topic", b"x")] * 2)
    except rmq.SystemError as error:
        assert "no thread to wait on" in error.message, error
        print("told")
    split.close()
    producer.close()
    assert producer.closed
    try:
        producer.send("topic", b"x")
    except rmq.ClosedError:
        print("good")
"""
    )
    assert (result.returncode, result.stdout) == (0, "told\ngood\n"), result.stderr


def test_a_close_keeps_its_time_without_a_thread(run_program: Program) -> None:
    result = run_program(
        f"""{REFUSED}
    producer = rmq.Producer("group", cluster.name_server, batch_auto="off")
    producer.send("topic", b"x")
    outcomes = []
    def send():
        try:
            producer.send("topic", b"x", timeout=60)
        except rmq.Error as error:
            outcomes.append(error.name)
    never_answer()
    sender = threading.Thread(target=send)
    sender.start()
    assert cluster.wait_until(lambda: cluster.request_count(310) == 2, 20)
    refuse_threads()
    for call in (producer.flush, producer.close):
        try:
            call(0.1)
        except rmq.TimeoutError:
            print("late")
    sender.join(20)
    assert producer.closed and outcomes == ["CLOSED"], outcomes
    producer.close()
    print("good")
"""
    )
    assert (result.returncode, result.stdout) == (0, "late\nlate\ngood\n"), result.stderr


def test_calls_of_asyncio_that_wait_need_no_thread(run_program: Program) -> None:
    result = run_program(
        f"""{REFUSED}
    async def main():
        idle = rmq.aio.Producer("idle", cluster.name_server)
        busy = rmq.aio.Producer("busy", cluster.name_server, batch_auto="off")
        await busy.send("topic", b"x")
        refuse_threads()
        await idle.wait_ready()
        assert len(await idle.queues("new")) == 4
        await idle.send("newer", b"x", selector=lambda queues: 0)
        idle.send_oneway("topic", b"x")
        await idle.flush()
        await idle.close()
        assert idle.closed
        never_answer()
        future = busy.send("topic", b"x", timeout=60)
        try:
            await busy.close(0.1)
        except rmq.TimeoutError:
            print("late")
        assert busy.closed and isinstance(future.exception(), rmq.ClosedError), future
    asyncio.run(main())
    print("good")
"""
    )
    assert (result.returncode, result.stdout) == (0, "late\ngood\n"), result.stderr
