"""The native part of the package."""

# Printed by `cargo xtask header` from stub.pyi.in and from the table of keywords, src/keywords/table.rs.

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeAlias, final

from typing_extensions import Self, Unpack, disjoint_base

from ._enums import SendStatus
from ._errors import Error
from ._options import ProducerOptions

__all__ = [
    "AioProducer",
    "Fault",
    "FaultId",
    "LogQueue",
    "Message",
    "MockCluster",
    "Producer",
    "Receipt",
    "Registration",
    "StoredMessage",
    "__version__",
    "config_keys",
    "host_ends",
]

__version__: str

_Selector: TypeAlias = Callable[[list[tuple[str, int]]], int | tuple[str, int] | None]
_BeforeSend: TypeAlias = Callable[[Message], Message | None]
_AfterSend: TypeAlias = Callable[[Message, Receipt | Error | None], object]

def config_keys() -> list[tuple[str, str, str, str, str, str]]:
    """The table of configuration keys: name, kind, default, unit, range and text of each."""

def host_ends() -> None:
    """Says that the interpreter goes away: threads that it ends from now on are parked."""

@final
class LogQueue:
    """A queue of log lines."""

    def __new__(cls) -> Self: ...
    def take(self) -> list[tuple[int, str, str]] | None:
        """Waits for lines and takes them all; `None` when the queue was stopped and is empty, and in a forked child."""
    def stop(self) -> None:
        """Lets `take` end once the lines that are there are taken."""

@final
class Message:
    """One message to send. Immutable; one object may be sent any number of times."""

    def __new__(
        cls,
        topic: str,
        body: bytes | bytearray | memoryview,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | None = None,
        buyer_id: str | None = None,
        instance_id: str | None = None,
        flag: int = 0,
        delay_level: int = 0,
        delay_seconds: int = 0,
        delay_ms: int = 0,
        deliver_at_ms: int = 0,
        sharding_key: str | int | None = None,
        queue: tuple[str, int] | Literal["random"] | None = None,
        selector: _Selector | None = None,
        wait_store_ok: bool = True,
    ) -> Self:
        """
        `topic`: 1 to 127 letters, digits, `%`, `|`, `_`, `-`. `body`: at least one byte; a bytearray or
        memoryview is copied. `tags`: one tag that consumers filter by, without `||`. `keys`: what brokers index, without
        blanks. `properties`: for the application. `wait_store_ok`: whether the broker waits for flush and
        replication before it answers. `buyer_id`, `instance_id`: the properties BUYER_ID and INSTANCE_ID of the
        Java client; the key `namespace` comes before the latter.

        When consumers see it, at most one of: `delay_level`, the broker's delay of this level, 1 to 18;
        `delay_seconds` and `delay_ms`, after this time; `deliver_at_ms`, at this time, in milliseconds since
        1970. The last three need brokers 5.x; older ones deliver at once.

        Where it goes, at most one of: `sharding_key`, to the queue that the Java client's
        `SelectMessageQueueByHash` takes for this string, `Integer` or `Long`, so that messages of one key stay in
        order; `queue`, to this queue only, named by its broker and its number there, or `"random"`, to one by
        chance; `selector`, to the queue that this callable chooses. It gets the list of queues that may be
        written, as broker and number, and returns an index or an item of it. It is asked once, when the message is
        sent, on the thread that sends or on the loop's own. What it raises is raised by the send, and nothing was
        sent then. However often it is tried, such a message stays at its queue.

        Two keywords that exclude each other raise `MessageIllegalError`; rules of content are checked when the
        message is sent.
        """
    def replace(self, **changes: Any) -> Self:
        """
        The same message but for these members, which have the names of the constructor's arguments.

        A member that excludes one the message has is given together with `None` for that, or 0 for a delay.
        """
    @property
    def topic(self) -> str:
        """The topic."""
    @property
    def body(self) -> bytes:
        """The body; a bytearray or memoryview was copied when the message was made."""
    @property
    def tags(self) -> str | None:
        """The tag that consumers filter by."""
    @property
    def keys(self) -> tuple[str, ...]:
        """The business keys the broker indexes."""
    @property
    def properties(self) -> dict[str, str]:
        """The user properties, as a new dictionary."""
    @property
    def buyer_id(self) -> str | None:
        """The property BUYER_ID of the Java client."""
    @property
    def instance_id(self) -> str | None:
        """The property INSTANCE_ID of the Java client."""
    @property
    def flag(self) -> int:
        """The application's number."""
    @property
    def delay_level(self) -> int:
        """The broker's delay level; 0 is not set."""
    @property
    def delay_seconds(self) -> int:
        """After so many seconds; 0 is not set."""
    @property
    def delay_ms(self) -> int:
        """After so many milliseconds; 0 is not set."""
    @property
    def deliver_at_ms(self) -> int:
        """At this time, in milliseconds since 1970; 0 is not set."""
    @property
    def sharding_key(self) -> str | int | None:
        """What chooses the queue by its hash."""
    @property
    def queue(self) -> tuple[str, int] | Literal["random"] | None:
        """The one queue, as the name of its broker and its number there, or `"random"`."""
    @property
    def selector(self) -> _Selector | None:
        """What the program chooses the queue with."""
    @property
    def wait_store_ok(self) -> bool:
        """Whether the broker waits for flush and replication before it answers."""
    def __getnewargs_ex__(self) -> tuple[tuple[str, bytes], dict[str, Any]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Receipt:
    """
    What the broker said about a stored message.

    Made by sends. The constructor is there for tests of user code and for pickling.
    """

    def __new__(
        cls,
        status: int,
        topic: str,
        message_id: str,
        offset_message_id: str = "",
        broker_name: str = "",
        broker_address: str = "",
        queue_id: int = 0,
        queue_offset: int = ...,
        attempts: int = 1,
        elapsed: float = 0.0,
    ) -> Self: ...
    @property
    def status(self) -> SendStatus:
        """How safely the message is stored."""
    @property
    def topic(self) -> str:
        """The topic the caller named."""
    @property
    def message_id(self) -> str:
        """The unique id made by the producer, equal over all attempts. Consumers see it as the message id."""
    @property
    def offset_message_id(self) -> str:
        """The broker's id: its store address and commit-log offset; empty if the broker sent none."""
    @property
    def broker_name(self) -> str:
        """The broker that stored the message."""
    @property
    def broker_address(self) -> str:
        """The broker's address, `host:port`."""
    @property
    def queue_id(self) -> int:
        """The queue the message went to."""
    @property
    def queue_offset(self) -> int:
        """The offset in that queue; -1 if the broker sent none."""
    @property
    def attempts(self) -> int:
        """How many attempts were made."""
    @property
    def elapsed(self) -> float:
        """Seconds from the call to the answer."""
    def __getnewargs__(self) -> tuple[int, str, str, str, str, str, int, int, int, float]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class Producer:
    """
    A producer whose calls block. Threads may share it.

    Waiting calls let other threads run, and Ctrl-C ends them within a tenth of a second; the message of such a
    send stays under way. Timeouts are in seconds and cover everything: route, connection, retries, and the wait
    for room in flight.
    """

    def __new__(
        cls,
        group: str,
        name_server: str | Sequence[str] | None = None,
        *,
        config: Mapping[str, str | int | bool | Sequence[str]] | None = None,
        before_send: _BeforeSend | None = None,
        after_send: _AfterSend | None = None,
        **options: Unpack[ProducerOptions],
    ) -> Self:
        """
        Makes and starts a producer of the group `group`; never waits for the network.

        `name_server`: `host:port`, several with `;` between or as a list. Any configuration key is a keyword
        with `_` for `.`, or stands in `config` under its own name; keywords win. Unlike in C, `in_flight_full`
        is `"wait"` unless set, and `retry_times` counts for all sends of this class.

        `before_send` is called with each message before it is sent; it may return another one to send instead.
        `after_send` is called with that message and its receipt or error; with `None` for a one-way message. Both
        run on the thread that calls the send. An exception they raise is logged and otherwise ignored.
        """
    def send(
        self,
        topic: str,
        body: bytes | bytearray | memoryview,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | None = None,
        buyer_id: str | None = None,
        instance_id: str | None = None,
        flag: int = 0,
        delay_level: int = 0,
        delay_seconds: int = 0,
        delay_ms: int = 0,
        deliver_at_ms: int = 0,
        sharding_key: str | int | None = None,
        queue: tuple[str, int] | Literal["random"] | None = None,
        selector: _Selector | None = None,
        wait_store_ok: bool = True,
        timeout: float | None = None,
    ) -> Receipt:
        """
        Sends a message and waits for its receipt, at most `timeout` seconds (default: `send.timeout.ms`).

        Raises an `Error` otherwise; its `persistence` tells whether the message may be stored all the same.
        The arguments are those of `Message`.
        """
    def send_oneway(
        self,
        topic: str,
        body: bytes | bytearray | memoryview,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | None = None,
        buyer_id: str | None = None,
        instance_id: str | None = None,
        flag: int = 0,
        delay_level: int = 0,
        delay_seconds: int = 0,
        delay_ms: int = 0,
        deliver_at_ms: int = 0,
        sharding_key: str | int | None = None,
        queue: tuple[str, int] | Literal["random"] | None = None,
        selector: _Selector | None = None,
        wait_store_ok: bool = True,
        timeout: float | None = None,
    ) -> None:
        """Sends a message without waiting for an answer; the broker gives none. What is lost nobody can tell."""
    def send_many(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> list[Receipt | Error]:
        """
        Sends messages side by side and waits for all of them.

        Returns a receipt or an exception for each, in order. There may be more messages than fit in flight.
        """
    def send_batch(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Receipt]:
        """
        Sends messages as one wire batch and waits for their receipts, in order.

        They have one topic, one destination and one `wait_store_ok`, and no delay. The broker stores all or none.
        With the key `batch.split` a batch over `max.message.size` goes as several, one after the other; the first
        that fails is the last that is sent. Such a call waits for room whatever `in_flight_full` says.

        Raises the first message's `Error`; its `receipts` are those of messages that are stored nevertheless.
        """
    def queues(self, topic: str, timeout: float | None = None) -> list[tuple[str, int]]:
        """
        The queues of a topic that may be written, as broker and number, in the Java client's order.

        Looks the topic up if it is not known yet, within `timeout` seconds (default: `send.timeout.ms`).
        """
    def set_name_servers(self, addresses: str | Sequence[str]) -> None:
        """
        Takes other name servers: `host:port`, several with `;` between or as a list. Sends under way go on.
        """
    def set_credentials(self, access_key: str, secret_key: str, security_token: str | None = None) -> None:
        """
        Signs requests with these credentials from now on; those on their way stay as they are. Producers with the
        same client id speak for the same user, and take them too.
        """
    def wait_ready(self, timeout: float = 10.0) -> None:
        """Waits until a name server has answered, or raises what keeps it from answering."""
    def flush(self, timeout: float | None = None) -> None:
        """Waits until no send is without its outcome and one-way sends are written."""
    def close(self, timeout: float | None = None) -> None:
        """
        Refuses new sends, waits up to `timeout` seconds for the outcomes of those under way (default: until
        they all have ended by their own deadlines), fails the rest with `ClosedError` and raises
        `TimeoutError` then. Of several that close at the same time, the one whose time is over first does so
        for all. Closing again does nothing.
        """
    def stats(self) -> dict[str, Any]:
        """
        What the producer has done since it was made, and how it stands; also after the close.

        The keys are listed in the manual, page "Statistics": for example `stats()["succeeded"]`,
        `stats()["latency_us"]["p99"]`, `stats()["brokers"]["broker-a"]["attempts"]`.
        """
    def prometheus(self) -> str:
        """The same in the text format of Prometheus, 0.0.4."""
    @property
    def in_flight(self) -> int:
        """How many messages are under way."""
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def client_id(self) -> str:
        """The client id the brokers know this producer by."""
    @property
    def group(self) -> str:
        """The producer group."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@disjoint_base
class AioProducer:
    """The sends of `rmq.aio.Producer`, which adds the coroutines."""

    def __new__(
        cls,
        group: str,
        name_server: str | Sequence[str] | None = None,
        *,
        config: Mapping[str, str | int | bool | Sequence[str]] | None = None,
        before_send: _BeforeSend | None = None,
        after_send: _AfterSend | None = None,
        **options: Unpack[ProducerOptions],
    ) -> Self:
        """
        Makes and starts a producer of the group `group`; never waits for the network.

        `name_server`: `host:port`, several with `;` between or as a list. Any configuration key is a keyword
        with `_` for `.`, or stands in `config` under its own name; keywords win. Unlike in C, `in_flight_full`
        is `"wait"` unless set; `retry_times_async` counts for all sends of this class.

        `before_send` is called with each message before it is sent; it may return another one to send instead.
        `after_send` is called with that message and its receipt or error; with `None` for a one-way message. The
        first runs in the call of the send, the second on the loop's thread, also when the future was cancelled.
        An exception they raise is logged and otherwise ignored.
        """
    def send(
        self,
        topic: str,
        body: bytes | bytearray | memoryview,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | None = None,
        buyer_id: str | None = None,
        instance_id: str | None = None,
        flag: int = 0,
        delay_level: int = 0,
        delay_seconds: int = 0,
        delay_ms: int = 0,
        deliver_at_ms: int = 0,
        sharding_key: str | int | None = None,
        queue: tuple[str, int] | Literal["random"] | None = None,
        selector: _Selector | None = None,
        wait_store_ok: bool = True,
        timeout: float | None = None,
    ) -> asyncio.Future[Receipt]:
        """
        Sends a message at once and returns the future of its receipt; all errors of the send come there.

        The deadline is `timeout` seconds (default: `send.timeout.ms`). When too much is in flight the message
        waits for room until its deadline. Cancelling the future does not take the message back: it stays under
        way and counts until its outcome is there. The arguments are those of `Message`.
        """
    def send_many(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> asyncio.Future[list[Receipt | Error]]:
        """
        Sends messages side by side and returns one future: a receipt or an exception for each, in order.

        There may be more messages than fit in flight.
        """
    def send_batch(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> asyncio.Future[list[Receipt]]:
        """
        Sends messages as one wire batch and returns one future: their receipts, in order.

        They have one topic, one destination and one `wait_store_ok`, and no delay. The broker stores all or none.
        A batch over `max.message.size` is refused, whatever the key `batch.split` says. The future's `Error` is
        the first message's; its `receipts` are those of messages that are stored nevertheless.
        """
    def set_name_servers(self, addresses: str | Sequence[str]) -> None:
        """
        Takes other name servers: `host:port`, several with `;` between or as a list. Sends under way go on.
        """
    def set_credentials(self, access_key: str, secret_key: str, security_token: str | None = None) -> None:
        """
        Signs requests with these credentials from now on; those on their way stay as they are. Producers with the
        same client id speak for the same user, and take them too.
        """
    def send_oneway(
        self,
        topic: str,
        body: bytes | bytearray | memoryview,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | None = None,
        buyer_id: str | None = None,
        instance_id: str | None = None,
        flag: int = 0,
        delay_level: int = 0,
        delay_seconds: int = 0,
        delay_ms: int = 0,
        deliver_at_ms: int = 0,
        sharding_key: str | int | None = None,
        queue: tuple[str, int] | Literal["random"] | None = None,
        selector: _Selector | None = None,
        wait_store_ok: bool = True,
        timeout: float | None = None,
    ) -> None:
        """
        Hands over a message that no broker answers. Never waits: `QueueFullError` when too much is in flight.
        """
    def stats(self) -> dict[str, Any]:
        """
        What the producer has done since it was made, and how it stands; also after the close.

        The keys are listed in the manual, page "Statistics": for example `stats()["succeeded"]`,
        `stats()["latency_us"]["p99"]`, `stats()["brokers"]["broker-a"]["attempts"]`.
        """
    def prometheus(self) -> str:
        """The same in the text format of Prometheus, 0.0.4."""
    @property
    def in_flight(self) -> int:
        """How many messages are under way."""
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def client_id(self) -> str:
        """The client id the brokers know this producer by."""
    @property
    def group(self) -> str:
        """The producer group."""
    def _is_forked(self) -> bool: ...
    def _check_process(self) -> None: ...
    def _attach(self) -> None: ...
    def _idle(self) -> asyncio.Future[None]: ...
    def _refuse(self) -> None: ...
    def _close_routes(self) -> bool: ...
    def _queues(self, topic: str, timeout: float | None) -> asyncio.Future[list[tuple[str, int]]]: ...
    def _wait_ready(self, timeout: float) -> asyncio.Future[None]: ...
    def _flush(self, timeout: float | None) -> asyncio.Future[None]: ...
    def _close(self, timeout: float | None) -> asyncio.Future[None]: ...
    def _detach(self) -> None: ...
    def _abandon(self) -> None: ...

@final
class Fault:
    """What a broker does instead of answering well. Made by its static methods, given to `inject`."""

    @staticmethod
    def code(code: int, remark: str | None = None) -> Fault:
        """Answers this response code and stores nothing."""
    @staticmethod
    def stored_but_code(code: int) -> Fault:
        """Stores the message and answers this code (10, 11 or 12) with all the receipt's fields."""
    @staticmethod
    def delay(seconds: float) -> Fault:
        """Answers well, so many seconds late."""
    @staticmethod
    def hold() -> Fault:
        """Answers well, when the rule is removed."""
    @staticmethod
    def no_answer() -> Fault:
        """Does nothing and never answers."""
    @staticmethod
    def store_then_no_answer() -> Fault:
        """Stores the message and never answers."""
    @staticmethod
    def reset() -> Fault:
        """Resets the connection."""
    @staticmethod
    def store_then_reset() -> Fault:
        """Stores the message and resets the connection."""
    @staticmethod
    def partial_frame(bytes: int) -> Fault:
        """Writes so many bytes of the answer, then resets the connection."""
    @staticmethod
    def other_encoding() -> Fault:
        """Answers in the header encoding the server would not have used."""
    @staticmethod
    def garbage() -> Fault:
        """Answers with a header that cannot be decoded."""
    @staticmethod
    def wrong_opaque() -> Fault:
        """Answers a request that was never made."""

@final
class FaultId:
    """A rule that was injected."""

@final
class Registration:
    """A producer that registered with a mock broker."""

    @property
    def broker(self) -> str:
        """The broker's name."""
    @property
    def group(self) -> str:
        """The producer group."""
    @property
    def client_id(self) -> str:
        """The client id."""

@final
class StoredMessage:
    """A message as a mock broker stored it."""

    @property
    def broker(self) -> str:
        """The broker's name."""
    @property
    def topic(self) -> str:
        """The topic."""
    @property
    def queue_id(self) -> int:
        """The queue."""
    @property
    def queue_offset(self) -> int:
        """The offset in the queue."""
    @property
    def message_id(self) -> str:
        """The offset message id."""
    @property
    def body(self) -> bytes:
        """The body as consumers get it: decompressed if it travelled compressed."""
    @property
    def raw_body(self) -> bytes:
        """The body as it travelled and is stored: compressed if `sys_flag` says so."""
    @property
    def properties(self) -> dict[str, str]:
        """All properties: the user's, those of the client, those the broker added."""
    @property
    def flag(self) -> int:
        """The application's number."""
    @property
    def sys_flag(self) -> int:
        """The system flags."""
    @property
    def born_timestamp(self) -> int:
        """When the producer sent it, in milliseconds since 1970."""
    @property
    def store_timestamp(self) -> int:
        """When the broker stored it, in milliseconds since 1970."""
    @property
    def born_host(self) -> str:
        """The producer's address as the broker saw it."""

@final
class MockCluster:
    """
    A name server and brokers in this process, on loopback ports.

    They answer as Apache RocketMQ does, keep what they stored for inspection, and misbehave when told to. They
    run on threads of their own that never enter the interpreter. Usable from any thread; ends with `stop`, at
    the end of its `with` block, or when it is collected.
    """

    def __new__(
        cls,
        brokers: int = 1,
        *,
        profile: Literal["5.5.0", "4.9.7"] = "5.5.0",
        keep: int | None = None,
        auto_create: bool = True,
        name_server_port: int = 0,
        accounts: Mapping[str, str] | None = None,
    ) -> Self:
        """
        `brokers`: 1 to 100. `profile`: the version whose answers are given. `keep`: how many messages stay
        open to inspection (default: all; 0: counts only). `auto_create`: whether the first message to a topic
        creates it. `name_server_port`: 0 lets the system choose. `accounts`: secrets by access key; with any,
        brokers serve only signed requests of these, as ACL 1 (4.9.7) and ACL 2 (5.5.0) do.
        """
    def set_account(self, access_key: str, secret_key: str, topics: Sequence[str] | None = None) -> None:
        """
        Makes an account that may publish to these topics (default: all), or changes it. From the first one on
        brokers serve only signed requests of accounts they know.
        """
    def remove_account(self, access_key: str) -> None:
        """Takes an account away. Without any, nobody is served."""
    @property
    def name_server(self) -> str:
        """The name server's address, `127.0.0.1:PORT`."""
    @property
    def broker_names(self) -> list[str]:
        """The brokers' names: `broker-0`, `broker-1`, …"""
    def broker_address(self, broker: str) -> str:
        """The address of a broker."""
    def create_topic(
        self,
        topic: str,
        *,
        read_queues: int = 4,
        write_queues: int = 4,
        perm: int = 6,
        brokers: Sequence[str] | None = None,
    ) -> None:
        """
        Creates or changes a topic, on all brokers or on those named. `perm` is 4 for read, 2 for write, 6 for
        both.
        """
    def delete_topic(self, topic: str) -> None:
        """Deletes a topic."""
    def set_auto_create(self, auto_create: bool) -> None:
        """Whether an unknown topic is created by the first message to it."""
    def inject(
        self,
        fault: Fault,
        *,
        broker: str | None = None,
        request_code: int | None = None,
        topic: str | None = None,
        times: int | None = None,
    ) -> FaultId:
        """
        Makes requests go wrong from now on; of several rules that fit a request the oldest acts. `broker` is a
        broker's name or `namesrv` (default: any broker), `times` how many requests meet the rule before it is
        gone. Returns the rule for `remove_fault`.
        """
    def remove_fault(self, rule: FaultId) -> None:
        """Ends one rule."""
    def clear_faults(self) -> None:
        """Ends all rules."""
    def stop_broker(self, broker: str, *, route_follows: bool = True) -> None:
        """Closes the broker's port and resets its connections. Its routes go first, unless told otherwise."""
    def start_broker(self, broker: str) -> None:
        """Opens the broker's port again; it is in the routes then."""
    def stop_name_server(self) -> None:
        """Closes the name server's port and resets its connections."""
    def start_name_server(self) -> None:
        """Opens the name server's port again."""
    def stored(self, topic: str) -> list[StoredMessage]:
        """What the brokers keep of a topic."""
    def stored_count(self, topic: str) -> int:
        """How many messages of a topic were stored."""
    def queue_counts(self, topic: str) -> dict[tuple[str, int], int]:
        """How many messages went to each queue of a topic, by broker and queue."""
    def request_count(self, request_code: int) -> int:
        """How many requests of this code were received."""
    def registrations(self) -> list[Registration]:
        """The producers registered now, once for each broker."""
    def connection_count(self, broker: str) -> int:
        """How many connections a broker has now."""
    def wait_until(self, condition: Callable[[], object], timeout: float = 5.0) -> bool:
        """
        Waits until `condition()` is true, looking again whenever the cluster has done something. Tells whether
        it became true in time.
        """
    def stop(self) -> None:
        """Stops the cluster; its addresses answer no more."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
