"""Numbers with names. They are those of the C library."""

from enum import IntEnum


class SendStatus(IntEnum):
    """How safely a stored message is stored."""

    SEND_OK = 0
    FLUSH_DISK_TIMEOUT = 1
    FLUSH_SLAVE_TIMEOUT = 2
    SLAVE_NOT_AVAILABLE = 3


class Persistence(IntEnum):
    """Whether the message of a failed send may be found at a broker."""

    NOT_PERSISTED = 0
    POSSIBLY_PERSISTED = 1
    PERSISTED = 2


class ErrorCode(IntEnum):
    """The kind of an error."""

    INVALID_ARGUMENT = 1
    UNKNOWN_KEY = 2
    INVALID_VALUE = 3
    MESSAGE_ILLEGAL = 4
    GROUP_CONFLICT = 5
    CLOSED = 6
    FORKED = 7
    WOULD_DEADLOCK = 8
    QUEUE_FULL = 9
    TIMEOUT = 10
    NO_NAME_SERVER = 11
    NAME_SERVER = 12
    NO_ROUTE = 13
    CONNECT = 14
    CONNECTION_LOST = 15
    BROKER = 16
    PROTOCOL = 17
    SYSTEM = 18
    INTERNAL = 19
    FORBIDDEN = 20
    ACCESS_DENIED = 21
