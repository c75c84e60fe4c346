"""Apache RocketMQ producer.

`Producer` blocks, `rmq.aio.Producer` is for asyncio, `rmq.testing` has a mock cluster for tests.

Timeouts and times are in seconds. Configuration keys are keywords with `_` for `.`.
"""

# `_log` before anything registers to run at exit: what runs last may still log.
from . import _log as _log
from . import aio, testing
from ._enums import ErrorCode, Persistence, SendStatus
from ._errors import (
    AccessDeniedError,
    BrokerError,
    ClosedError,
    ConnectError,
    ConnectionLostError,
    Error,
    FailedAttempt,
    ForbiddenError,
    ForkedError,
    GroupConflictError,
    InternalError,
    InvalidArgumentError,
    InvalidValueError,
    MessageIllegalError,
    NameServerError,
    NoNameServerError,
    NoRouteError,
    ProtocolError,
    QueueFullError,
    UnknownKeyError,
    WouldDeadlockError,
)

# Not for `from rmq import *`, which would hide the built-in classes of these names.
from ._errors import SystemError as SystemError
from ._errors import TimeoutError as TimeoutError
from ._rmq import Message, Producer, Receipt
from ._rmq import __version__ as __version__

__all__ = [
    "AccessDeniedError",
    "BrokerError",
    "ClosedError",
    "ConnectError",
    "ConnectionLostError",
    "Error",
    "ErrorCode",
    "FailedAttempt",
    "ForbiddenError",
    "ForkedError",
    "GroupConflictError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidValueError",
    "Message",
    "MessageIllegalError",
    "NameServerError",
    "NoNameServerError",
    "NoRouteError",
    "Persistence",
    "Producer",
    "ProtocolError",
    "QueueFullError",
    "Receipt",
    "SendStatus",
    "UnknownKeyError",
    "WouldDeadlockError",
    "aio",
    "testing",
]
