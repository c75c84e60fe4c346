"""The operating system refuses threads: calls say so, and a close closes all the same."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("close", ["producer.close()", "producer.close(20)", "producer.__exit__(None, None, None)"])
def test_a_producer_closes_without_a_thread(run_program: Program, close: str) -> None:
    result = run_program(
        f"""{REFUSED}
    producer = rmq.Producer("group", cluster.name_server)
    producer.send("topic", b"x")
    refuse_threads()
    try:
        producer.flush()
    except rmq.SystemError as error:
        assert "no thread to wait on" in error.message, error
    {close}
    assert producer.closed
    try:
        producer.send("topic", b"x")
    except rmq.ClosedError:
        print("good")
"""
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_what_was_open_ends_as_closed_and_the_close_says_so(run_program: Program) -> None:
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
    try:
        producer.close()
    except rmq.SystemError as error:
        assert "no thread to wait on" in error.message and "closed" in error.message, error
        print("told")
    sender.join(20)
    assert producer.closed and outcomes == ["CLOSED"], outcomes
    producer.close()
    print("good")
"""
    )
    assert (result.returncode, result.stdout) == (0, "told\ngood\n"), result.stderr


def test_a_producer_of_asyncio_closes_without_a_thread(run_program: Program) -> None:
    result = run_program(
        f"""{REFUSED}
    async def main():
        idle = rmq.aio.Producer("idle", cluster.name_server)
        busy = rmq.aio.Producer("busy", cluster.name_server, batch_auto="off")
        await idle.send("topic", b"x")
        await busy.send("topic", b"x")
        never_answer()
        future = busy.send("topic", b"x", timeout=60)
        busy.send_oneway("topic", b"x")
        refuse_threads()
        await idle.close()
        assert idle.closed
        try:
            await busy.close(0.1)
        except (rmq.SystemError, rmq.TimeoutError):
            print("told")
        assert busy.closed and isinstance(future.exception(), rmq.ClosedError), future
    asyncio.run(main())
    print("good")
"""
    )
    assert (result.returncode, result.stdout) == (0, "told\ngood\n"), result.stderr
