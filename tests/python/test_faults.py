"""What happens when brokers and name servers misbehave."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

import rmq
from rmq.testing import Fault, MockCluster

from conftest import LATE, SEND, Program


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_broker_error_tells_everything(cluster: MockCluster, producer: rmq.Producer) -> None:
    cluster.inject(Fault.code(1, "disk on fire"), request_code=SEND)
    with pytest.raises(rmq.BrokerError, match="disk on fire") as caught:
        producer.send("topic", b"x")
    error = caught.value
    assert (error.code, error.name) == (rmq.ErrorCode.BROKER, "BROKER")
    assert (error.broker_code, error.remark) == (1, "disk on fire")
    assert error.broker == cluster.broker_address("broker-0")
    assert error.attempts >= 1
    assert 0 < error.elapsed < 3
    assert error.persistence is rmq.Persistence.NOT_PERSISTED


@pytest.mark.parametrize(
    ("code", "status"), [(10, "FLUSH_DISK_TIMEOUT"), (12, "FLUSH_SLAVE_TIMEOUT"), (11, "SLAVE_NOT_AVAILABLE")]
)
def test_stored_but_not_safe_is_a_receipt(
    cluster: MockCluster, producer: rmq.Producer, code: int, status: str
) -> None:
    cluster.inject(Fault.stored_but_code(code), request_code=SEND)
    assert producer.send("topic", b"x").status is rmq.SendStatus[status]
    assert cluster.stored_count("topic") == 1


def test_a_silent_broker_of_two_costs_at_most_the_timeout(two_brokers: MockCluster) -> None:
    # One queue each, so that sends take turns wherever the first one goes.
    two_brokers.create_topic("topic", write_queues=1, read_queues=1)
    with rmq.Producer("group", two_brokers.name_server, send_timeout_ms=3000) as producer:
        producer.send("topic", b"x")
        two_brokers.inject(Fault.no_answer(), broker="broker-1", request_code=SEND)
        slowest = 0.0
        timeouts = 0
        for _ in range(4):
            start = time.monotonic()
            try:
                producer.send("topic", b"x")
            except rmq.TimeoutError as error:
                timeouts += 1
                assert error.persistence is rmq.Persistence.POSSIBLY_PERSISTED
                assert 2.9 <= error.elapsed < 3 + LATE
            slowest = max(slowest, time.monotonic() - start)
        assert timeouts >= 1
        assert slowest < 3 + LATE


def test_all_brokers_silent_fail_at_the_deadline_of_the_call(cluster: MockCluster) -> None:
    cluster.inject(Fault.no_answer(), request_code=SEND)
    with rmq.Producer("group", cluster.name_server, send_timeout_ms=60_000) as producer:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            producer.send("topic", b"x", timeout=0.3)
        assert 0.29 <= time.monotonic() - start < LATE
        cluster.clear_faults()
        producer.send("topic", b"x")


def test_a_late_answer_is_no_answer_but_the_message_is_there(cluster: MockCluster, producer: rmq.Producer) -> None:
    producer.send("topic", b"x")
    rule = cluster.inject(Fault.hold(), request_code=SEND, times=1)
    with pytest.raises(rmq.TimeoutError) as caught:
        producer.send("topic", b"late", timeout=0.5)
    cluster.remove_fault(rule)
    producer.send("topic", b"behind it")
    assert caught.value.persistence is rmq.Persistence.POSSIBLY_PERSISTED
    assert [stored.body for stored in cluster.stored("topic")].count(b"late") == 1


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.store_then_reset(), Fault.partial_frame(7), Fault.partial_frame(0)])
def test_a_reset_is_retried_with_the_same_id(cluster: MockCluster, producer: rmq.Producer, fault: Fault) -> None:
    producer.send("topic", b"first")
    cluster.inject(fault, request_code=SEND, times=1)
    receipt = producer.send("topic", b"x")
    assert receipt.attempts == 2
    ids = {stored.properties["UNIQ_KEY"] for stored in cluster.stored("topic") if stored.body == b"x"}
    assert ids == {receipt.message_id}


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.garbage()])
def test_a_connection_that_always_breaks_is_told(cluster: MockCluster, producer: rmq.Producer, fault: Fault) -> None:
    cluster.inject(fault, request_code=SEND)
    with pytest.raises((rmq.ConnectionLostError, rmq.ProtocolError)) as caught:
        producer.send("topic", b"x")
    assert caught.value.broker == cluster.broker_address("broker-0")
    assert caught.value.persistence is rmq.Persistence.POSSIBLY_PERSISTED


@pytest.mark.parametrize("fault", [Fault.other_encoding()])
def test_either_encoding_of_an_answer_is_read(cluster: MockCluster, producer: rmq.Producer, fault: Fault) -> None:
    cluster.inject(fault, request_code=SEND)
    assert producer.send("topic", b"x").status is rmq.SendStatus.SEND_OK


def test_the_other_broker_takes_what_one_refuses(two_brokers: MockCluster) -> None:
    two_brokers.inject(Fault.code(1, "no"), broker="broker-0", request_code=SEND)
    with rmq.Producer("group", two_brokers.name_server) as producer:
        receipts = [producer.send("topic", b"x") for _ in range(10)]
    assert {receipt.broker_name for receipt in receipts} == {"broker-1"}
    assert two_brokers.stored_count("topic") == 10


def test_a_broker_goes_and_comes_back(cluster: MockCluster, producer: rmq.Producer) -> None:
    producer.send("topic", b"before")
    cluster.stop_broker("broker-0", route_follows=False)
    with pytest.raises((rmq.ConnectError, rmq.ConnectionLostError)) as caught:
        producer.send("topic", b"meanwhile", timeout=1)
    assert caught.value.broker == cluster.broker_address("broker-0")
    cluster.start_broker("broker-0")
    deadline = time.monotonic() + 30
    while True:
        try:
            producer.send("topic", b"after", timeout=1)
            break
        except (rmq.ConnectError, rmq.ConnectionLostError, rmq.TimeoutError):
            assert time.monotonic() < deadline
    assert {stored.body for stored in cluster.stored("topic")} >= {b"before", b"after"}


def test_a_name_server_that_refuses_is_named(cluster: MockCluster) -> None:
    address = f"127.0.0.1:{closed_port()}"
    with rmq.Producer("group", address) as producer:
        with pytest.raises(rmq.Error, match=address) as caught:
            producer.send("topic", b"x", timeout=0.5)
        assert isinstance(caught.value, (rmq.NameServerError, rmq.TimeoutError))
        assert caught.value.persistence is rmq.Persistence.NOT_PERSISTED
        start = time.monotonic()
        with pytest.raises(rmq.NameServerError, match=address):
            producer.wait_ready(0.3)
        assert time.monotonic() - start < LATE


def test_a_silent_name_server_costs_at_most_the_timeout(silent_port: int) -> None:
    options = {"api_timeout_ms": 60_000, "connect_timeout_ms": 60_000}
    with rmq.Producer("group", f"127.0.0.1:{silent_port}", **options) as producer:
        start = time.monotonic()
        with pytest.raises(rmq.Error) as caught:
            producer.send("topic", b"x", timeout=0.5)
        assert 0.49 <= time.monotonic() - start < LATE
        assert isinstance(caught.value, (rmq.NameServerError, rmq.TimeoutError))


def test_a_name_server_that_comes_later_is_found() -> None:
    with MockCluster() as cluster:
        cluster.stop_name_server()
        with rmq.Producer("group", cluster.name_server) as producer:
            with pytest.raises(rmq.Error):
                producer.send("topic", b"x", timeout=0.3)
            cluster.start_name_server()
            producer.wait_ready(30)
            producer.send("topic", b"x")


def test_the_name_server_may_go_once_the_route_is_known(cluster: MockCluster, producer: rmq.Producer) -> None:
    producer.send("topic", b"x")
    cluster.stop_name_server()
    producer.send("topic", b"x")


def test_an_unknown_topic_without_auto_creation_has_no_route() -> None:
    with MockCluster(auto_create=False) as cluster, rmq.Producer("group", cluster.name_server) as producer:
        with pytest.raises(rmq.NoRouteError, match="nowhere") as caught:
            producer.send("nowhere", b"x")
        assert caught.value.persistence is rmq.Persistence.NOT_PERSISTED
        cluster.create_topic("nowhere")
        producer.send("nowhere", b"x")


def test_close_fails_what_is_open_at_its_deadline(cluster: MockCluster) -> None:
    producer = rmq.Producer("group", cluster.name_server, send_timeout_ms=30_000, batch_auto="off")
    producer.send("topic", b"x")
    held = cluster.request_count(SEND)
    cluster.inject(Fault.no_answer(), request_code=SEND)

    import threading

    outcomes: list[rmq.Receipt | rmq.Error] = []
    messages = [rmq.Message("topic", b"x")] * 1000
    thread = threading.Thread(target=lambda: outcomes.extend(producer.send_many(messages)))
    thread.start()
    assert cluster.wait_until(lambda: cluster.request_count(SEND) == held + 1000)
    start = time.monotonic()
    with pytest.raises(rmq.TimeoutError):
        producer.close(0.3)
    thread.join(30)
    assert not thread.is_alive()
    assert time.monotonic() - start < LATE
    assert len(outcomes) == 1000
    assert {type(outcome) for outcome in outcomes} == {rmq.ClosedError}


def test_a_close_that_was_interrupted_keeps_no_later_one_from_its_end(run_program: Program) -> None:
    result = run_program(
        """
        import signal, threading, rmq
        from rmq.testing import Fault, MockCluster

        with MockCluster() as cluster:
            producer = rmq.Producer("group", name_server=cluster.name_server, send_timeout_ms=120_000)
            producer.send("topic", b"x")
            cluster.inject(Fault.no_answer(), request_code=310)

            def send():
                try:
                    producer.send("topic", b"x")
                except rmq.ClosedError:
                    print("cut off")

            def interrupt():
                while not producer.closed:
                    pass
                signal.raise_signal(signal.SIGINT)

            sender = threading.Thread(target=send)
            sender.start()
            while not producer.in_flight:
                pass
            threading.Thread(target=interrupt).start()
            try:
                producer.close()
            except KeyboardInterrupt:
                print("interrupted")
            try:
                producer.close(0)
            except rmq.TimeoutError:
                sender.join()
                print("late")
        """
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "interrupted\ncut off\nlate\n", "")
