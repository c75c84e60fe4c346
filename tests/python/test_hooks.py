"""The callables around sends."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from collections.abc import Callable

import pytest

import rmq
import rmq.aio
from rmq.testing import Fault, MockCluster

from conftest import SEND
from ways import WAYS

Told = list[tuple[bytes, object]]


class Recorder:
    """Hooks that remember what they were told, and on which thread."""

    def __init__(self) -> None:
        self.before: list[rmq.Message] = []
        self.after: list[tuple[rmq.Message, object]] = []
        self.threads: set[int] = set()

    def options(self) -> dict[str, Callable]:
        return {"before_send": self.on_before, "after_send": self.on_after}

    def on_before(self, message: rmq.Message) -> None:
        self.threads.add(threading.get_ident())
        self.before.append(message)

    def on_after(self, message: rmq.Message, outcome: rmq.Receipt | rmq.Error | None) -> None:
        self.threads.add(threading.get_ident())
        self.after.append((message, outcome))

    def kinds(self) -> list[type]:
        return [type(outcome) for _, outcome in self.after]


def run(cluster: MockCluster, test: Callable, **options: object) -> None:
    async def main() -> None:
        async with rmq.aio.Producer("group", cluster.name_server, **options) as producer:
            await test(producer)

    asyncio.run(main())


def with_hooks(producer: type, hooks: Recorder) -> Callable:
    return lambda *arguments, **options: producer(*arguments, **options, **hooks.options())


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("keywords", [{}, {"selector": min}, {"selector": len}], ids=["plain", "selected", "refused"])
def test_every_way_tells_once_before_and_once_after(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch, name: str, keywords: dict
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(rmq, "Producer", with_hooks(rmq.Producer, recorder))
    monkeypatch.setattr(rmq.aio, "Producer", with_hooks(rmq.aio.Producer, recorder))
    refused = keywords.get("selector") is len
    try:
        WAYS[name](cluster, "topic", b"x", **keywords)
    except rmq.ForbiddenError:
        assert refused
    before = [message for message in recorder.before if message.topic == "topic"]
    after = [(message, outcome) for message, outcome in recorder.after if message.topic == "topic"]
    assert len(before) == len(after) == 1
    assert before[0] is after[0][0] and before[0].body == b"x"
    kind = rmq.ForbiddenError if refused else type(None) if "oneway" in name else rmq.Receipt
    assert type(after[0][1]) is kind
    assert recorder.threads == {threading.get_ident()}


@pytest.mark.parametrize("name", WAYS)
def test_another_message_may_be_sent_instead(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    told: Told = []

    def replace(message: rmq.Message) -> rmq.Message | None:
        if message.topic != "topic":
            return None
        return rmq.Message("topic", message.body + b"!", queue=("broker-0", 2), properties={"trace": "1"})

    options = {"before_send": replace, "after_send": lambda message, outcome: told.append((message.body, outcome))}
    for module in (rmq, rmq.aio):
        original = module.Producer
        monkeypatch.setattr(module, "Producer", lambda *a, original=original, **k: original(*a, **k, **options))
    WAYS[name](cluster, "topic", b"x")
    assert cluster.wait_until(lambda: cluster.stored_count("topic") == 1)
    (stored,) = cluster.stored("topic")
    assert (stored.body, stored.queue_id, stored.properties["trace"]) == (b"x!", 2, "1")
    assert [body for body, _ in told if body != b"x"] == [b"x!"]


@pytest.mark.parametrize("name", WAYS)
def test_a_hook_that_raises_is_logged_and_loses_nothing(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    def broken(*arguments: object) -> None:
        raise LookupError("of a hook")

    options = {"before_send": broken, "after_send": broken}
    for module in (rmq, rmq.aio):
        original = module.Producer
        monkeypatch.setattr(module, "Producer", lambda *a, original=original, **k: original(*a, **k, **options))
    WAYS[name](cluster, "topic", b"x")
    assert cluster.wait_until(lambda: cluster.stored_count("topic") == 1)
    records = [record for record in caplog.records if record.name == "rmq" and record.exc_info]
    texts = {record.getMessage() for record in records}
    assert texts == {"before_send raised and is ignored", "after_send raised and is ignored"}
    assert {record.exc_info[0] for record in records} == {LookupError}
    assert {record.levelno for record in records} == {logging.ERROR}
    assert "in broken" in caplog.text


def test_what_before_send_returns_must_be_a_message(
    cluster: MockCluster, caplog: pytest.LogCaptureFixture
) -> None:
    with rmq.Producer("group", cluster.name_server, before_send=lambda message: b"x") as producer:
        producer.send("topic", b"x")
    assert "before_send must return None or an rmq.Message, not bytes" in caplog.text
    assert cluster.stored_count("topic") == 1


def test_logging_that_raises_loses_nothing_either(cluster: MockCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **keywords: object) -> None:
        raise LookupError

    complaints: list[type] = []
    monkeypatch.setattr("sys.unraisablehook", lambda complaint: complaints.append(complaint.exc_type))
    monkeypatch.setattr(logging.getLogger("rmq"), "error", broken)
    with rmq.Producer("group", cluster.name_server, before_send=broken, after_send=broken) as producer:
        producer.send("topic", b"x")
    assert complaints == [LookupError] * 2


@pytest.mark.parametrize("keyword", ["before_send", "after_send"])
def test_a_hook_must_be_callable(cluster: MockCluster, keyword: str) -> None:
    for producer in (rmq.Producer, rmq.aio.Producer):
        with pytest.raises(TypeError, match=f"{keyword} must be callable, not 1"):
            producer("group", cluster.name_server, **{keyword: 1})


@pytest.mark.parametrize("call", ["send_many", "send_batch"])
def test_several_messages_are_told_one_by_one(cluster: MockCluster, call: str) -> None:
    messages = [rmq.Message("topic", b"%d" % number) for number in range(5)]
    if call == "send_many":
        messages[2] = rmq.Message("no/slash", b"x")
    kinds = [rmq.MessageIllegalError if message.topic != "topic" else rmq.Receipt for message in messages]
    recorder = Recorder()
    with rmq.Producer("group", cluster.name_server, **recorder.options()) as producer:
        results = getattr(producer, call)(messages)
        assert [outcome for _, outcome in recorder.after] == results
    assert recorder.kinds() == kinds

    async def test(producer: rmq.aio.Producer) -> None:
        results = await getattr(producer, call)(messages)
        assert [outcome for _, outcome in recorder.after[5:]] == results

    run(cluster, test, **recorder.options())
    assert recorder.kinds() == kinds * 2
    assert all(one is other for one, other in zip(recorder.before, messages * 2, strict=True))
    assert all(one is other for (one, _), other in zip(recorder.after, messages * 2, strict=True))
    assert recorder.threads == {threading.get_ident()}


def test_each_message_of_a_failed_batch_hears_its_error(cluster: MockCluster) -> None:
    recorder = Recorder()
    with rmq.Producer("group", cluster.name_server, **recorder.options()) as producer:
        with pytest.raises(rmq.MessageIllegalError):
            producer.send_batch([rmq.Message("topic", b"x"), rmq.Message("other", b"x")])
        with pytest.raises(ZeroDivisionError):
            producer.send_batch([rmq.Message("topic", b"x", selector=lambda queues: 1 // 0)] * 2)
    assert recorder.kinds() == [rmq.MessageIllegalError] * 2 + [rmq.ForbiddenError] * 2
    assert isinstance(recorder.after[2][1].__cause__, ZeroDivisionError)


def test_refused_messages_are_told_too(cluster: MockCluster) -> None:
    recorder = Recorder()
    with rmq.Producer("group", cluster.name_server, retry_times=0, **recorder.options()) as producer:
        for call in (producer.send, producer.send_oneway):
            with pytest.raises(rmq.MessageIllegalError):
                call("no/slash", b"x")
        cluster.inject(Fault.code(1, "no"), request_code=SEND)
        with pytest.raises(rmq.BrokerError) as caught:
            producer.send("topic", b"x")
        assert recorder.after[-1][1] is caught.value
        assert recorder.kinds() == [rmq.MessageIllegalError] * 2 + [rmq.BrokerError]
        # Those are no messages.
        for keywords in ({"delay_level": 1, "delay_ms": 1}, {"flag": "x"}):
            with pytest.raises((rmq.MessageIllegalError, TypeError)):
                producer.send("topic", b"x", **keywords)
    assert len(recorder.before) == 3


def test_cancelled_and_late_sends_are_told_once(cluster: MockCluster) -> None:
    recorder = Recorder()

    async def test(producer: rmq.aio.Producer) -> None:
        await producer.send("topic", b"first")
        rule = cluster.inject(Fault.hold(), request_code=SEND)
        under_way = producer.send("topic", b"under way")
        waiting = producer.send("topic", b"waiting")
        late = producer.send("topic", b"late", timeout=0.05)
        under_way.cancel()
        waiting.cancel()
        with pytest.raises(rmq.TimeoutError, match="no room"):
            await late
        cluster.remove_fault(rule)
        await producer.flush()

    run(cluster, test, in_flight_max_messages=1, send_timeout_ms=60_000, **recorder.options())
    outcomes = {message.body: type(outcome) for message, outcome in recorder.after}
    assert outcomes == {
        b"first": rmq.Receipt,
        b"under way": rmq.Receipt,
        b"waiting": rmq.QueueFullError,
        b"late": rmq.TimeoutError,
    }
    assert len(recorder.after) == 4


@pytest.mark.parametrize("abandon", [False, True], ids=["closed", "collected"])
def test_sends_that_the_end_cuts_off_are_told(cluster: MockCluster, abandon: bool) -> None:
    recorder = Recorder()

    async def main() -> None:
        producer = rmq.aio.Producer("group", cluster.name_server, send_timeout_ms=30_000, **recorder.options())
        await producer.send("topic", b"x")
        cluster.inject(Fault.no_answer(), topic="topic")
        futures = [producer.send("topic", b"x"), producer.send_many([rmq.Message("topic", b"x")] * 2)]
        if abandon:
            del producer
            gc.collect()
        else:
            with pytest.raises(rmq.TimeoutError):
                await producer.close(0.1)
        await asyncio.wait(futures, timeout=30)
        with pytest.raises(rmq.ClosedError):
            await futures[0]

    asyncio.run(main())
    assert recorder.kinds() == [rmq.Receipt] + [rmq.ClosedError] * 3


def test_a_hook_may_send(cluster: MockCluster) -> None:
    def audit(message: rmq.Message, outcome: object) -> None:
        if message.topic == "topic":
            nested.append(producer.send("audit", message.body))

    async def test(aio: rmq.aio.Producer) -> None:
        nonlocal producer
        producer = aio
        await aio.send("topic", b"two")
        await nested.pop()

    nested: list = []
    with rmq.Producer("group", cluster.name_server, after_send=audit) as producer:
        producer.send("topic", b"one")
        assert isinstance(nested.pop(), rmq.Receipt)
    run(cluster, test, after_send=audit)
    assert {stored.body for stored in cluster.stored("audit")} == {b"one", b"two"}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interruption_in_a_hook_goes_on_to_the_caller(cluster: MockCluster, kind: type[BaseException]) -> None:
    def interrupted(*arguments: object) -> None:
        raise kind

    with rmq.Producer("group", cluster.name_server, before_send=interrupted) as producer:
        with pytest.raises(kind):
            producer.send("topic", b"x")
    assert cluster.stored_count("topic") == 0
    with rmq.Producer("group", cluster.name_server, after_send=interrupted) as producer:
        with pytest.raises(kind):
            producer.send("topic", b"x")
    assert cluster.stored_count("topic") == 1


@pytest.mark.parametrize("kind", [rmq.Producer, rmq.aio.Producer])
def test_a_producer_that_its_hooks_refer_to_is_collected(cluster: MockCluster, kind: type) -> None:
    class Service:
        def __init__(self) -> None:
            self.producer = kind("group", cluster.name_server, after_send=self.told)

        async def send(self) -> None:
            if isinstance(self.producer, rmq.aio.Producer):
                await self.producer.send("topic", b"x")

        def told(self, message: rmq.Message, outcome: object) -> None: ...

    service = Service()
    asyncio.run(service.send())
    gone = weakref.ref(service)
    del service
    gc.collect()
    assert gone() is None
