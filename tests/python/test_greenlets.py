"""gevent and eventlet, where a thread is a greenlet and a wait that the hub does not know of stops all of them."""

from __future__ import annotations

import pytest

from conftest import Program

PATCH = {
    "gevent": """
    from gevent import monkey
    monkey.patch_all()
""",
    "eventlet": """
    import warnings
    warnings.simplefilter("ignore")
    import eventlet
    eventlet.monkey_patch()
""",
}

SET_UP = """
    import threading, time
    import rmq
    from rmq.testing import Fault, MockCluster
    cluster = MockCluster()
    producer = rmq.Producer("group", cluster.name_server, send_timeout_ms=20_000, batch_auto="off")
    producer.send("topic", b"x")

    turns = 0
    def take_turns():
        global turns
        while True:
            time.sleep(0.01)
            turns += 1
    threading.Thread(target=take_turns, daemon=True).start()

    def start(call):
        # In another greenlet; it has begun when this returns.
        begun = threading.Event()
        def run():
            begun.set()
            call()
        thread = threading.Thread(target=run)
        thread.start()
        begun.wait()
        return thread

    def answer_when_others_ran():
        # A call that lets nobody run gets no answer, and ends when its time is over.
        then = turns + 2
        while turns < then:
            time.sleep(0.001)
        for rule in held:
            cluster.remove_fault(rule)

    def got(code, count):
        # The request has come: whoever sent it waits.
        deadline = time.monotonic() + 20
        while cluster.request_count(code) < count:
            assert time.monotonic() < deadline
            time.sleep(0.001)
"""


@pytest.fixture(params=PATCH)
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["patched first", "imported first"])
def prelude(library: str, request: pytest.FixtureRequest) -> str:
    return PATCH[library] if request.param == "patched first" else f"\n    import rmq{PATCH[library]}"


CALLS = {
    "send": 'producer.send("topic", b"x")',
    "send_many": 'producer.send_many([rmq.Message("topic", b"x")] * 10)',
    "send_batch": 'producer.send_batch([rmq.Message("topic", b"x")] * 10)',
    "send_batch that is split": 'split.send_batch([rmq.Message("topic", b"x")] * 10)',
    "queues": 'producer.queues("new")',
    "send with a selector": 'producer.send("new", b"x", selector=lambda queues: 0)',
    "wait_ready": "fresh.wait_ready()",
    "flush": "producer.flush()",
    "close": "producer.close()",
    "wait_until": "then = turns + 3; assert cluster.wait_until(lambda: turns >= then, 20)",
    "waiting for room": 'narrow.send("topic", b"x"); narrow.send_many([rmq.Message("topic", b"x")] * 3)',
}

UNDER_WAY = {"flush": "producer", "close": "producer", "waiting for room": "narrow"}
"""Whose send is under way when the call begins."""


def test_other_greenlets_run_while_one_waits(run_program: Program, prelude: str) -> None:
    calls = "".join(
        f"""
    producer = rmq.Producer("group", cluster.name_server, send_timeout_ms=20_000, batch_auto="off")
    split = rmq.Producer("split", cluster.name_server, batch_split=True, send_timeout_ms=20_000)
    narrow = rmq.Producer("narrow", cluster.name_server, in_flight_max_messages=1, send_timeout_ms=20_000)
    fresh = rmq.Producer("fresh", cluster.name_server, instance_name="{name.replace(" ", "-")}")
    producer.send("topic", b"x")
    held = [cluster.inject(Fault.hold(), request_code=code) for code in (310, 320)]
    sender = {UNDER_WAY.get(name)}
    if sender:
        sent = cluster.request_count(310)
        under_way = start(lambda: sender.send("topic", b"x"))
        got(310, sent + 1)
    held.append(cluster.inject(Fault.hold(), broker="namesrv"))
    before = turns
    answering = start(answer_when_others_ran)
    {call}
    if turns == before:
        print("{name} let nobody run")
    answering.join()
    if sender:
        under_way.join()
    producer.close()
    if cluster.request_count(105):
        cluster.delete_topic("new")
"""
        for name, call in CALLS.items()
    )
    result = run_program(f"{prelude}{SET_UP}{calls}    print('end')\n", timeout=60)
    assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr


def test_many_greenlets_send_side_by_side(run_program: Program, prelude: str) -> None:
    result = run_program(
        f"""{prelude}{SET_UP}
    held = cluster.inject(Fault.no_answer(), request_code=310, times=1)
    cluster.remove_fault(held)
    receipts = []
    threads = [start(lambda: receipts.append(producer.send("topic", b"x"))) for _ in range(200)]
    for thread in threads:
        thread.join()
    assert len({{receipt.message_id for receipt in receipts}}) == 200
    assert cluster.stored_count("topic") == 201
    print("good")
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_without_descriptors_a_greenlet_looks_now_and_then(run_program: Program, library: str) -> None:
    result = run_program(
        f"""{PATCH[library]}{SET_UP}
    import os, resource
    held = [cluster.inject(Fault.hold(), request_code=310)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    threads = [start(lambda: producer.send("topic", b"x")) for _ in range(5)]
    answer_when_others_ran()
    for thread in threads:
        thread.join()
    assert cluster.stored_count("topic") == 6
    print("good")
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_log_lines_arrive(run_program: Program, prelude: str) -> None:
    result = run_program(
        f"""{prelude}
    import logging, threading, time
    lines = []
    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())
    logging.getLogger("rmq").addHandler(Keep())
    logging.getLogger("rmq").setLevel(logging.DEBUG)
    import rmq
    from rmq.testing import Fault, MockCluster
    cluster = MockCluster()
    with rmq.Producer("group", cluster.name_server) as producer:
        cluster.inject(Fault.reset(), request_code=310, times=1)
        producer.send("topic", b"x")
        deadline = time.monotonic() + 20
        while not lines:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    print("good")
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


ENDED = {
    "gevent": """
    import gevent
    def limited(call):
        with gevent.Timeout(0.05):
            call()
    Limit, Killed = gevent.Timeout, gevent.GreenletExit
    spawn, kill = gevent.spawn, gevent.kill
""",
    "eventlet": """
    import eventlet, greenlet
    def limited(call):
        with eventlet.Timeout(0.05):
            call()
    Limit, Killed = eventlet.Timeout, greenlet.GreenletExit
    spawn, kill = eventlet.spawn, eventlet.kill
""",
}


def test_a_wait_is_ended_as_greenlets_are(run_program: Program, library: str) -> None:
    result = run_program(
        f"""{PATCH[library]}{SET_UP}{ENDED[library]}
    def message():
        return producer.send("topic", b"x")
    rule = cluster.inject(Fault.hold(), request_code=310)
    try:
        limited(message)
    except Limit:
        print("limited")
    ended = []
    def run():
        try:
            message()
        except Killed as error:
            ended.append(error)
            raise
    killed = spawn(run)
    got(310, 3)
    kill(killed)
    time.sleep(0.01)
    assert len(ended) == 1
    cluster.remove_fault(rule)
    # The signal comes from outside while every greenlet waits.
    import os, subprocess
    cluster.inject(Fault.no_answer(), request_code=310, times=1)
    count = cluster.request_count(310)
    signaller = subprocess.Popen(["sh", "-c", f"read go; sleep 0.2; kill -INT {{os.getpid()}}"], stdin=subprocess.PIPE)
    def signal_when_it_waits():
        got(310, count + 1)
        signaller.stdin.close()
    start(signal_when_it_waits)
    try:
        message()
    except KeyboardInterrupt:
        print("interrupted")
    # Late outcomes went nowhere.
    assert message().status is rmq.SendStatus.SEND_OK
    print(cluster.stored_count("topic"))
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "limited\ninterrupted\n4\n"), result.stderr


def test_hooks_and_selectors_may_wait(run_program: Program, prelude: str) -> None:
    result = run_program(
        f"""{prelude}{SET_UP}
    def wait(*_):
        time.sleep(0.01)
    def choose(queues):
        time.sleep(0.01)
        return 0
    hooked = rmq.Producer("hooked", cluster.name_server, before_send=wait, after_send=wait)
    threads = [
        start(lambda: hooked.send("topic", b"x", selector=choose) and hooked.send_many([rmq.Message("topic", b"x")]))
        for _ in range(20)
    ]
    for thread in threads:
        thread.join()
    hooked.close()
    assert cluster.stored_count("topic") == 41
    print("good")
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_a_fork_while_greenlets_wait_leaves_their_sends_to_the_parent(
    run_program: Program, library: str
) -> None:
    result = run_program(
        f"""{PATCH[library]}{SET_UP}
    import os, sys
    rule = cluster.inject(Fault.hold(), request_code=310)
    outcomes = []
    def run():
        try:
            outcomes.append(producer.send("topic", b"x").status)
        except rmq.Error as error:
            outcomes.append(type(error))
    threads = [start(run) for _ in range(3)]
    got(310, 4)
    child = os.fork()
    if child == 0:
        # Copies of the greenlets may go on here, where the hub goes on (eventlet's would work on its parent's poll).
        if "eventlet" in sys.modules:
            import eventlet.hubs
            eventlet.hubs.use_hub()
        # The answers come to the parent meanwhile.
        time.sleep(0.3)
        assert not any(outcome is rmq.SendStatus.SEND_OK for outcome in outcomes), outcomes
        os._exit(7)
    cluster.remove_fault(rule)
    for thread in threads:
        thread.join()
    assert outcomes == [rmq.SendStatus.SEND_OK] * 3, outcomes
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert cluster.stored_count("topic") == 4
    print("good")
""",
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_the_thread_for_log_lines_keeps_no_hub_going(run_program: Program) -> None:
    result = run_program(
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent, rmq
        with rmq.Producer("group", test_mock_brokers=1) as producer:
            gevent.spawn(producer.send, "topic", b"x")
            gevent.wait()
            assert producer.stats()["succeeded"] == 1
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_what_patched_nothing_changes_nothing(run_program: Program) -> None:
    result = run_program(
        """
        import warnings
        warnings.simplefilter("ignore")
        import gevent.monkey, eventlet.patcher, threading
        import rmq
        from rmq import _hub
        assert _hub.current() is None
        with rmq.Producer("group", test_mock_brokers=1) as producer:
            producer.send("topic", b"x")
        assert not gevent.monkey.saved
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_the_thread_for_log_lines_may_be_older_than_the_patching(run_program: Program, library: str) -> None:
    result = run_program(
        f"""
    import logging, time
    lines = []
    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())
    logging.getLogger("rmq").addHandler(Keep())
    logging.getLogger("rmq").setLevel(logging.DEBUG)
    import rmq
    from rmq.testing import Fault, MockCluster
    cluster = MockCluster()
    producer = rmq.Producer("group", cluster.name_server)
{PATCH[library]}
    for _ in range(3):
        cluster.inject(Fault.reset(), request_code=310, times=1)
        before = len(lines)
        producer.send("topic", b"x")
        deadline = time.monotonic() + 20
        while len(lines) == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    print("good")
""",
        timeout=100,
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_native_threads_get_no_hub_by_sending(run_program: Program, library: str) -> None:
    original = {
        "gevent": 'monkey.get_original("_thread", "start_new_thread")',
        "eventlet": 'eventlet.patcher.original("_thread").start_new_thread',
    }
    result = run_program(
        f"""{PATCH[library]}{SET_UP}
    import os
    start_native = {original[library]}
    sent = []
    def run():
        sent.append(producer.send("topic", b"x"))
    before = len(os.listdir("/proc/self/fd"))
    for number in range(100):
        start_native(run, ())
        deadline = time.monotonic() + 20
        while len(sent) <= number:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert len(os.listdir("/proc/self/fd")) < before + 20
    print("good")
""",
        timeout=100,
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


@pytest.mark.parametrize("name", ["gevent.monkey", "eventlet.patcher"])
def test_modules_that_are_still_imported_have_patched_nothing(run_program: Program, name: str) -> None:
    result = run_program(
        f"""
        import sys, types
        import rmq
        with rmq.Producer("group", test_mock_brokers=1) as producer:
            for module in (types.ModuleType("{name}"), None):
                sys.modules["{name}"] = module
                producer.send("topic", b"x")
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_other_releases_of_the_libraries_may_have_other_private_names(
    run_program: Program, library: str
) -> None:
    """They have no public function that tells whether a thread has a hub; without the private one it gets one."""
    without = {
        "gevent": 'del sys.modules["gevent._hub_local"].get_hub_if_exists',
        "eventlet": """hubs = sys.modules["eventlet.hubs"]
    public = types.SimpleNamespace(get_hub=hubs.get_hub, trampoline=hubs.trampoline)
    sys.modules["eventlet.hubs"] = public""",
    }
    result = run_program(
        f"""{PATCH[library]}{SET_UP}
    import sys, types
    {without[library]}
    for send in (lambda: producer.send("topic", b"x"), lambda: start(lambda: producer.send("topic", b"x")).join()):
        held = [cluster.inject(Fault.hold(), request_code=310)]
        before = turns
        answering = start(answer_when_others_ran)
        send()
        assert turns > before, turns
        answering.join()
    print("good")
"""
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr
