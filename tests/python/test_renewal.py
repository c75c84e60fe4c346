"""`after_fork="renew"`: a forked child has a producer of its own behind the same object."""

from __future__ import annotations

import subprocess

import pytest

from conftest import Program

SET_UP = """
    import asyncio, gc, multiprocessing, os, sys, threading, time, traceback
    import rmq, rmq.aio
    from rmq.testing import Fault, MockCluster
    cluster = MockCluster()
    stored = lambda: cluster.stored_count("topic")
    def in_child(run):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
"""

BLOCKING = """
    producer = rmq.Producer("group", cluster.name_server, after_fork="renew")
    def send():
        assert producer.send("topic", b"x").status is rmq.SendStatus.SEND_OK
        producer.send_oneway("topic", b"x")
        producer.flush(20)
    close = producer.close
"""

ASYNCIO = """
    producer = rmq.aio.Producer("group", cluster.name_server, after_fork="renew")
    def send():
        async def main():
            assert (await producer.send("topic", b"x")).status is rmq.SendStatus.SEND_OK
            producer.send_oneway("topic", b"x")
            await producer.flush(20)
        asyncio.run(main())
    def close():
        async def main():
            await producer.close()
        asyncio.run(main())
"""


@pytest.fixture(params=[BLOCKING, ASYNCIO], ids=["blocking", "asyncio"])
def set_up(request: pytest.FixtureRequest) -> str:
    return SET_UP + str(request.param)


def check(result: subprocess.CompletedProcess[str], *lines: str) -> None:
    assert (result.returncode, result.stdout.splitlines()) == (0, list(lines)), result.stderr


def test_children_and_theirs_send_as_themselves(run_program: Program, set_up: str) -> None:
    result = run_program(
        f"""{set_up}
    names = set()
    def note():
        send()
        print(producer.client_id.partition("@")[2].partition("#")[0] == str(os.getpid()), flush=True)
    note()
    def run():
        note()
        in_child(note)
        note()
        close()
    in_child(run)
    in_child(run)
    note()
    close()
    print(stored())
"""
    )
    check(result, *["True"] * 8, "16")


def test_what_is_closed_stays_closed(run_program: Program, set_up: str) -> None:
    result = run_program(
        f"""{set_up}
    send()
    def refused():
        try:
            send()
        except rmq.ClosedError:
            print("closed", flush=True)
    def close_in_child():
        close()
        refused()
        in_child(refused)
    in_child(close_in_child)
    send()
    close()
    in_child(refused)
"""
    )
    check(result, "closed", "closed", "closed")


def test_what_the_parent_has_in_flight_stays_the_parents(run_program: Program) -> None:
    result = run_program(
        f"""{SET_UP}{BLOCKING}
    producer.send("topic", b"x")
    rule = cluster.inject(Fault.hold(), topic="held")
    outcomes = []
    def in_parent():
        outcomes.append(producer.send("held", b"parent", timeout=60))
    threads = [threading.Thread(target=in_parent) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert cluster.wait_until(lambda: cluster.request_count(310) == 5, 20)
    in_child(lambda: producer.send("topic", b"child"))
    assert outcomes == []
    cluster.remove_fault(rule)
    for thread in threads:
        thread.join()
    assert len({{outcome.message_id for outcome in outcomes}}) == 4
    print(sorted(message.body for topic in ("held", "topic") for message in cluster.stored(topic)))
"""
    )
    check(result, str([b"child"] + [b"parent"] * 4 + [b"x"]))


def test_the_block_of_the_parent_ends_what_the_child_has_used(run_program: Program) -> None:
    result = run_program(
        f"""{SET_UP}
    for use in (True, False):
        with rmq.Producer("group", cluster.name_server, after_fork="renew") as producer:
            child = os.fork()
            if use and child == 0:
                producer.send("topic", b"x")
        if child == 0:
            own = producer.closed if use else "unused"
            print(own, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status == 0
    print(stored())
"""
    )
    check(result, "True", "unused", "1")


def test_name_servers_hooks_and_log_lines_are_kept(run_program: Program) -> None:
    result = run_program(
        f"""{SET_UP}
    import logging
    class Show(logging.Handler):
        def emit(self, record):
            os.write(1, b"line of child\\n" if os.getpid() != parent else b"line of parent\\n")
            seen.set()
    parent, seen = os.getpid(), threading.Event()
    logging.getLogger("rmq").addHandler(Show())
    logging.getLogger("rmq").setLevel(logging.INFO)
    tell = lambda message, outcome: os.write(1, type(outcome).__name__.encode() + b"\\n")
    producer = rmq.Producer("group", "127.0.0.1:1", after_fork="renew", after_send=tell)
    producer.set_name_servers(cluster.name_server)
    producer.send("topic", b"x")
    def run():
        producer.send("topic", b"x")
        assert seen.wait(20)
    cluster.inject(Fault.reset(), request_code=310, times=1)
    in_child(run)
"""
    )
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stderr
    assert lines.count("Receipt") == 2 and "line of child" in lines


def test_without_it_a_child_is_refused(run_program: Program) -> None:
    result = run_program(
        f"""{SET_UP}
    producer = rmq.Producer("group", cluster.name_server)
    def run():
        try:
            producer.send("topic", b"x")
        except rmq.ForkedError as error:
            print("refused", flush=True)
    in_child(run)
    try:
        rmq.Producer("group", cluster.name_server, after_fork="always")
    except rmq.InvalidValueError:
        print("invalid")
"""
    )
    check(result, "refused", "invalid")


def test_multiprocessing_sends_with_the_parents_producer(run_program: Program) -> None:
    result = run_program(
        f"""{SET_UP}{BLOCKING}
    send()
    def work(number):
        return [producer.send("topic", b"x").message_id for _ in range(number)]
    context = multiprocessing.get_context("fork")
    with context.Pool(3) as pool:
        ids = [one for some in pool.map(work, [10] * 6, chunksize=1) for one in some]
    print(len(set(ids)), stored())
"""
    )
    check(result, "60 62")


def test_children_of_a_thread_s_first_calls_do_not_wait_for_it(run_program: Program) -> None:
    # What such calls use first is made at the import: half made at the fork it would be so in the child for ever.
    program = run_program(
        """
        import os, signal, sys, threading
        import rmq
        from rmq.testing import MockCluster

        def use():
            try:
                rmq.Message(None, None)
            except TypeError:
                pass
            producer.send_many(iter([]))
            producer.stats()

        sys.setswitchinterval(1e-6)
        cluster = MockCluster()
        producer = rmq.Producer("group", cluster.name_server, after_fork="renew")
        thread = threading.Thread(target=use)
        thread.start()
        children = []
        for _ in range(25):
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                try:
                    use()
                finally:
                    os._exit(0)
            children.append(child)
        thread.join()
        print(sum(os.waitpid(child, 0)[1] != 0 for child in children), flush=True)
        os._exit(0)
        """,
        timeout=120.0,
    )
    assert program.stdout.strip() == "0", program.stderr
