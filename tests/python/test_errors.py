"""The exceptions as values."""

from __future__ import annotations

import copy
import pickle

import pytest

import rmq
from rmq._errors import make

KINDS = [
    rmq.InvalidArgumentError,
    rmq.UnknownKeyError,
    rmq.InvalidValueError,
    rmq.MessageIllegalError,
    rmq.GroupConflictError,
    rmq.ClosedError,
    rmq.ForkedError,
    rmq.WouldDeadlockError,
    rmq.QueueFullError,
    rmq.TimeoutError,
    rmq.NoNameServerError,
    rmq.NameServerError,
    rmq.NoRouteError,
    rmq.ConnectError,
    rmq.ConnectionLostError,
    rmq.BrokerError,
    rmq.ProtocolError,
    rmq.SystemError,
    rmq.InternalError,
    rmq.ForbiddenError,
    rmq.AccessDeniedError,
]


def test_every_code_has_its_class() -> None:
    assert [kind.code for kind in KINDS] == list(rmq.ErrorCode)
    for code, kind in zip(rmq.ErrorCode, KINDS, strict=True):
        error = make(int(code), "text", None, None, None, 0, 0.0, False, 0, [])
        assert type(error) is kind
        assert isinstance(error, rmq.Error)
        assert error.name == code.name
        assert kind.__name__ == code.name.title().replace("_", "") + "Error"


def test_time_outs_are_time_outs_for_everybody() -> None:
    assert issubclass(rmq.TimeoutError, TimeoutError)
    assert [kind for kind in KINDS if issubclass(kind, TimeoutError)] == [rmq.TimeoutError]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_survive_pickling_and_copying(kind: type[rmq.Error]) -> None:
    error = kind(
        "text",
        broker_code=13,
        remark="why",
        broker="127.0.0.1:10911",
        attempts=3,
        elapsed=1.5,
        retriable=True,
        persistence=rmq.Persistence.POSSIBLY_PERSISTED,
        history=[rmq.FailedAttempt("a", "127.0.0.1:1", 0.5, rmq.ErrorCode.BROKER, 1, "no")],
        receipts=[rmq.Receipt(0, "topic", "id")],
    )
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert str(again) == str(error) == f"{kind.code.name}: text"
        assert again.args == ("text",)
        assert vars(again) == vars(error)
        assert again.persistence is rmq.Persistence.POSSIBLY_PERSISTED
        assert (again.history[0].name, again.receipts[0].message_id) == ("BROKER", "id")


def test_star_import_hides_no_builtin() -> None:
    names: dict[str, object] = {}
    exec("from rmq import *", names)
    assert "TimeoutError" not in names and "SystemError" not in names
    assert "Producer" in names
