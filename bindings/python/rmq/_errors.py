"""The exceptions: one base class with all that is known, one class for each kind."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ._enums import ErrorCode, Persistence

if TYPE_CHECKING:
    from ._rmq import Receipt


class FailedAttempt(NamedTuple):
    """An attempt of a send that failed, as `Error.history` tells it."""

    broker_name: str
    """The broker that was chosen."""
    broker_address: str
    """Its address, `host:port`; empty if no route named a master."""
    elapsed: float
    """How long the attempt took, in seconds."""
    code: ErrorCode
    """What kind of failure it was. An attempt whose message was stored, but not as safely as asked, has the kind
    `BROKER`."""
    broker_code: int | None
    """The response code, if the broker answered."""
    message: str
    """Why it failed."""

    @property
    def name(self) -> str:
        """The name of the kind, for example `TIMEOUT`."""
        return self.code.name


class Error(Exception):
    """What went wrong, and whether the message may be stored all the same.

    Raised as one of its subclasses. Picklable.
    """

    code: ErrorCode = ErrorCode.INTERNAL
    """The kind; each subclass has its own."""

    message: str
    """One sentence for people: what failed, where, why."""
    broker_code: int | None
    """The response code of the broker or name server that refused."""
    remark: str | None
    """The text that came with `broker_code`."""
    broker: str | None
    """`host:port` of the broker or name server that was spoken to last."""
    attempts: int
    """How many attempts were made."""
    elapsed: float
    """Seconds from the call to the outcome."""
    retriable: bool
    """Whether the same call may succeed later without a change."""
    persistence: Persistence
    """Whether the message may be stored in spite of the error."""
    history: tuple[FailedAttempt, ...]
    """The attempts that failed, in order, the one that this error tells of last."""
    receipts: tuple[Receipt, ...]
    """Of a `send_batch`: the receipts of messages that are stored nevertheless; usually none is."""

    _kinds: ClassVar[dict[int, type[Error]]] = {}

    def __init__(
        self,
        message: str,
        *,
        broker_code: int | None = None,
        remark: str | None = None,
        broker: str | None = None,
        attempts: int = 0,
        elapsed: float = 0.0,
        retriable: bool = False,
        persistence: Persistence = Persistence.NOT_PERSISTED,
        history: Iterable[FailedAttempt] = (),
        receipts: Iterable[Receipt] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.broker_code = broker_code
        self.remark = remark
        self.broker = broker
        self.attempts = attempts
        self.elapsed = elapsed
        self.retriable = retriable
        self.persistence = persistence
        self.history = tuple(history)
        self.receipts = tuple(receipts)

    def __init_subclass__(cls, *, code: ErrorCode | None = None) -> None:
        super().__init_subclass__()
        if code is not None:
            cls.code = code
            Error._kinds[code] = cls

    @property
    def name(self) -> str:
        """The name of the kind, for example `QUEUE_FULL`."""
        return self.code.name

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.message, self.__dict__)


class InvalidArgumentError(Error, code=ErrorCode.INVALID_ARGUMENT):
    """An argument is outside its range."""


class UnknownKeyError(Error, code=ErrorCode.UNKNOWN_KEY):
    """The configuration has no key of this name."""


class InvalidValueError(Error, code=ErrorCode.INVALID_VALUE):
    """The value does not fit its configuration key."""


class MessageIllegalError(Error, code=ErrorCode.MESSAGE_ILLEGAL):
    """The message breaks a rule of topics, bodies or properties; nothing was sent."""


class GroupConflictError(Error, code=ErrorCode.GROUP_CONFLICT):
    """Another producer of the same client instance has this group."""


class ClosedError(Error, code=ErrorCode.CLOSED):
    """The producer is closed, or was closed before the send had its outcome."""


class ForkedError(Error, code=ErrorCode.FORKED):
    """The object was made before a fork and is used in the child process."""


class WouldDeadlockError(Error, code=ErrorCode.WOULD_DEADLOCK):
    """The call would wait for its own caller."""


class QueueFullError(Error, code=ErrorCode.QUEUE_FULL):
    """The bound on messages or bytes in flight is reached."""


class TimeoutError(Error, builtins.TimeoutError, code=ErrorCode.TIMEOUT):
    """The deadline of the call passed."""


class NoNameServerError(Error, code=ErrorCode.NO_NAME_SERVER):
    """No name server address is configured, or the look-up has given none yet."""


class NameServerError(Error, code=ErrorCode.NAME_SERVER):
    """No name server could be asked: unreachable, silent or failing."""


class NoRouteError(Error, code=ErrorCode.NO_ROUTE):
    """The topic has no route, or no queue that may be written."""


class ConnectError(Error, code=ErrorCode.CONNECT):
    """No connection to the broker could be made."""


class ConnectionLostError(Error, code=ErrorCode.CONNECTION_LOST):
    """The connection broke while the request was under way."""


class BrokerError(Error, code=ErrorCode.BROKER):
    """The broker answered with an error code."""


class ProtocolError(Error, code=ErrorCode.PROTOCOL):
    """The peer sent something that is not the remoting protocol."""


class SystemError(Error, code=ErrorCode.SYSTEM):
    """The operating system refused a thread, a descriptor or memory."""


class InternalError(Error, code=ErrorCode.INTERNAL):
    """A defect of the library; please report it."""


class ForbiddenError(Error, code=ErrorCode.FORBIDDEN):
    """The program's own code refused the message: a selector that chose no queue, a hook."""


class AccessDeniedError(Error, code=ErrorCode.ACCESS_DENIED):
    """The cluster does not accept the credentials, or they do not permit this; or there are no credentials."""


def make(
    code: int,
    message: str,
    broker_code: int | None,
    remark: str | None,
    broker: str | None,
    attempts: int,
    elapsed: float,
    retriable: bool,
    persistence: int,
    history: Iterable[tuple[str, str, float, int, int | None, str]],
) -> Error:
    """The exception of a core error; called by the native module."""
    return Error._kinds[code](
        message,
        broker_code=broker_code,
        remark=remark,
        broker=broker,
        attempts=attempts,
        elapsed=elapsed,
        retriable=retriable,
        persistence=Persistence(persistence),
        history=(
            FailedAttempt(name, address, seconds, ErrorCode(kind), answer, text)
            for name, address, seconds, kind, answer, text in history
        ),
    )


def _restore(kind: type[Error], message: str, attributes: dict[str, Any]) -> Error:
    error = kind(message)
    error.__dict__.update(attributes)
    return error
