"""Configuration: keywords, dictionaries, the table of the core."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import pytest

import rmq
from rmq import _rmq
from rmq._options import ProducerOptions
from rmq.testing import MockCluster


def test_keywords_and_dictionary_are_the_same_keys(cluster: MockCluster) -> None:
    settings = MappingProxyType({"name.server": [cluster.name_server], "send.timeout.ms": 1234, "client.ip": "10.1.2.3"})
    with rmq.Producer("group", config=settings, client_ip="10.9.9.9") as producer:
        assert producer.client_id.startswith("10.9.9.9@")
        producer.send("topic", b"x")


def test_values_may_be_of_the_types_they_look_like(cluster: MockCluster) -> None:
    rmq.Producer(
        "group",
        [cluster.name_server],
        send_timeout_ms="3000",
        retry_times=0,
        retry_another_broker_when_not_store_ok=True,
        header_encoding="json",
    ).close()
    with pytest.raises(TypeError, match=r"send\.timeout\.ms"):
        rmq.Producer("group", cluster.name_server, send_timeout_ms=b"1")


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(rmq.UnknownKeyError, match=r"send\.timeout\.ms") as caught:
        rmq.Producer("group", "127.0.0.1:1", send_timeout=1)
    assert caught.value.code is rmq.ErrorCode.UNKNOWN_KEY
    assert caught.value.name == "UNKNOWN_KEY"


def test_a_value_out_of_range_names_key_value_and_range() -> None:
    with pytest.raises(rmq.InvalidValueError, match=r'send\.timeout\.ms = "0".*1 to 3600000'):
        rmq.Producer("group", "127.0.0.1:1", send_timeout_ms=0)


def test_no_name_server_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    with pytest.raises(rmq.NoNameServerError):
        rmq.Producer("group")


@pytest.mark.parametrize("group", ["", "two words", "DEFAULT_PRODUCER"])
def test_a_bad_group_is_an_error_at_once(group: str) -> None:
    with pytest.raises(rmq.InvalidValueError, match=r"producer\.group"):
        rmq.Producer(group, "127.0.0.1:1")


def test_the_keywords_of_the_type_stubs_are_those_of_the_core() -> None:
    rows = {name.replace(".", "_"): (kind, values) for name, kind, _, _, values, _ in _rmq.config_keys()}
    explicit = {"producer_group", "name_server"}
    hints = ProducerOptions.__annotations__
    assert set(hints) == set(rows) - explicit
    python_types = {"text": str, "integer": int, "boolean": bool}
    for name, hint in hints.items():
        kind, values = rows[name]
        if kind == "choice" and hint is not str:
            assert list(hint.__args__) == values.split(", "), name
        elif kind == "choice":
            assert name == "client_language"
        elif name == "topics":
            assert (kind, hint) == ("text", str | Sequence[str])
        else:
            assert hint is python_types[kind], name


def test_a_program_runs_on_a_mock_cluster_by_one_key() -> None:
    with rmq.Producer("group", test_mock_brokers=3) as producer:
        brokers = {producer.send("topic", b"x").broker_name for _ in range(30)}
        assert brokers == {"broker-0", "broker-1", "broker-2"}
    with rmq.Producer("group", "127.0.0.1:1", config={"test.mock.brokers": "1"}) as producer:
        producer.send("topic", b"x")


def test_retry_times_counts_for_the_blocking_producer(two_brokers: MockCluster) -> None:
    from rmq.testing import Fault

    two_brokers.inject(Fault.code(1, "no"), request_code=310)
    for retry_times in (0, 1):
        with rmq.Producer("group", two_brokers.name_server, retry_times=retry_times, retry_times_async=5) as producer:
            with pytest.raises(rmq.BrokerError) as caught:
                producer.send("topic", b"x")
            assert caught.value.attempts == retry_times + 1
