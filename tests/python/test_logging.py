"""Log lines arrive in `logging.getLogger("rmq")`."""

from __future__ import annotations

import logging
import threading

import pytest

import rmq
from rmq import _rmq
from rmq.testing import Fault, MockCluster

from conftest import SEND, Program


class Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.arrived = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self.arrived:
            self.records.append(record)
            self.arrived.notify_all()

    def wait_for(self, text: str) -> logging.LogRecord:
        def found() -> logging.LogRecord | None:
            return next((record for record in self.records if text in record.getMessage()), None)

        with self.arrived:
            record = self.arrived.wait_for(found, timeout=30)
        assert isinstance(record, logging.LogRecord), [record.getMessage() for record in self.records]
        return record


@pytest.fixture
def collector():
    logger = logging.getLogger("rmq")
    collector = Collector()
    logger.addHandler(collector)
    yield collector
    logger.removeHandler(collector)
    logger.setLevel(logging.NOTSET)


def test_lines_arrive_on_a_python_thread_at_the_level_of_the_logger(
    cluster: MockCluster, collector: Collector
) -> None:
    logging.getLogger("rmq").setLevel(logging.INFO)
    with rmq.Producer("group", cluster.name_server) as producer:
        producer.send("topic", b"secret-body")
        cluster.inject(Fault.reset(), request_code=SEND, times=1)
        producer.send("topic", b"secret-body")
    record = collector.wait_for(cluster.broker_address("broker-0"))
    assert record.name == "rmq"
    assert record.threadName == "rmq-log"
    assert record.levelno >= logging.INFO
    assert not any("secret-body" in record.getMessage() for record in collector.records)


def test_the_key_wins_over_the_level_of_the_logger(cluster: MockCluster, collector: Collector) -> None:
    logging.getLogger("rmq").setLevel(logging.DEBUG)
    with rmq.Producer("group", cluster.name_server, log_level="off") as producer:
        cluster.inject(Fault.reset(), request_code=SEND)
        with pytest.raises(rmq.Error):
            producer.send("topic", b"x")
    with rmq.Producer("other", cluster.name_server, log_level="info") as producer:
        with pytest.raises(rmq.Error):
            producer.send("topic", b"x")
    collector.wait_for(cluster.broker_address("broker-0"))
    assert len(collector.records) < 20


def test_a_handler_that_sends_is_no_deadlock(cluster: MockCluster) -> None:
    sent = threading.Event()

    class Sender(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not sent.is_set():
                producer.send("log", record.getMessage().encode() or b"-")
                sent.set()

    logger = logging.getLogger("rmq")
    logger.setLevel(logging.INFO)
    handler = Sender()
    logger.addHandler(handler)
    try:
        with rmq.Producer("group", cluster.name_server) as producer:
            producer.send("topic", b"x")
            cluster.inject(Fault.reset(), request_code=SEND, times=1)
            producer.send("topic", b"x")
            assert sent.wait(5)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert cluster.stored_count("log") == 1


def test_a_stopped_queue_gives_what_it_has_and_ends() -> None:
    queue = _rmq.LogQueue()
    thread = threading.Thread(target=queue.take)
    thread.start()
    queue.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert queue.take() is None


def test_the_last_lines_arrive_before_the_interpreter_ends(run_program: Program) -> None:
    result = run_program(
        """
        import logging, sys
        logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s %(levelname)s")
        import rmq
        from rmq.testing import Fault, MockCluster
        cluster = MockCluster()
        producer = rmq.Producer("group", cluster.name_server)
        cluster.inject(Fault.reset(), request_code=310)
        try:
            producer.send("topic", b"x")
        except rmq.Error:
            pass
        """
    )
    assert result.returncode == 0, result.stderr
    assert "rmq INFO" in result.stdout or "rmq WARNING" in result.stdout


def test_a_handler_that_blocks_does_not_keep_the_interpreter(run_program: Program) -> None:
    result = run_program(
        """
        import logging, threading
        import rmq
        from rmq.testing import Fault, MockCluster
        entered = threading.Event()
        class Blocks(logging.Handler):
            def emit(self, record):
                entered.set()
                threading.Event().wait()
            def acquire(self): pass
            def release(self): pass
        logging.getLogger("rmq").addHandler(Blocks())
        logging.getLogger("rmq").setLevel(logging.INFO)
        cluster = MockCluster()
        producer = rmq.Producer("group", cluster.name_server)
        cluster.inject(Fault.reset(), request_code=310)
        while not entered.is_set():
            try:
                producer.send("topic", b"x", timeout=0.2)
            except rmq.Error:
                pass
        """
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("hook", ["", "threading.excepthook = broken", "threading.excepthook = sys.excepthook = broken"])
def test_a_filter_that_raises_costs_its_line_only(run_program: Program, hook: str) -> None:
    result = run_program(
        f"""
        import logging, sys, threading
        import rmq
        from rmq.testing import Fault, MockCluster
        def broken(*arguments):
            raise RuntimeError("hook")
        {hook}
        seen, second = [], threading.Event()
        class Filter(logging.Filter):
            def filter(self, record):
                seen.append(record)
                if len(seen) == 1:
                    raise ValueError("filter")
                second.set()
                return False
        logger = logging.getLogger("rmq")
        logger.addFilter(Filter())
        logger.setLevel(logging.INFO)
        with MockCluster() as cluster, rmq.Producer("group", cluster.name_server) as producer:
            cluster.inject(Fault.reset(), request_code=310)
            while not second.is_set():
                try:
                    producer.send("topic", b"x", timeout=0.2)
                except rmq.Error:
                    pass
        """
    )
    assert result.returncode == 0, result.stderr
    assert ("ValueError: filter" in result.stderr) == ("sys.excepthook" not in hook)


def test_lines_of_what_runs_at_exit_arrive(run_program: Program) -> None:
    result = run_program(
        """
        import atexit, logging, sys
        logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s %(message)s")
        import rmq
        from rmq.testing import Fault, MockCluster
        def at_exit():
            cluster.inject(Fault.reset(), request_code=310)
            print("at exit", flush=True)
            try:
                producer.send("topic", b"x")
            except rmq.Error:
                pass
        atexit.register(at_exit)
        cluster = MockCluster()
        producer = rmq.Producer("group", cluster.name_server)
        producer.send("topic", b"x")
        """
    )
    assert result.returncode == 0, result.stderr
    assert "rmq " in result.stdout.partition("at exit")[2]


def test_a_refused_thread_is_started_by_a_later_producer(run_program: Program) -> None:
    result = run_program(
        """
        import threading
        import rmq
        from rmq import _log
        start = threading.Thread.start
        def refuse(thread):
            raise RuntimeError("can't start new thread")
        threading.Thread.start = refuse
        rmq.Producer("first", test_mock_brokers=1).close()
        threading.Thread.start = start
        rmq.Producer("second", test_mock_brokers=1).close()
        assert any(thread.name == "rmq-log" for thread in threading.enumerate())
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr
