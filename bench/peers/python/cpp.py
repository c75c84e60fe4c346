"""Sends with the Python binding of rocketmq-client-cpp."""

import itertools
import os
import threading
import time
from ctypes import c_void_p

import section
from rocketmq.client import Message, Producer
from rocketmq.exceptions import RocketMQException
from rocketmq.ffi import _CLogLevel, dll

WORK = section.work()
BODY = b"x" * WORK.body
# What the other clients allow; this one would refuse bodies above 128 KiB.
MAX_BODY = 4 * 2**20


def producer():
    sender = Producer(section.GROUP, timeout=section.TIMEOUT_MS, max_message_size=MAX_BODY)
    sender.set_namesrv_addr(WORK.name_server)
    # The binding has no call of its own for these two.
    dll.SetProducerLogLevel(sender._handle, _CLogLevel.ERROR)
    dll.SetProducerCompressMsgBodyOverHowmuch(c_void_p(sender._handle), 2**31 - 1)
    sender.start()
    return sender


def message():
    """Sends leave a message as it was, so that one is enough for each thread."""
    built = Message(WORK.topic)
    built.set_body(BODY)
    return built


def attempt(call, sent):
    """The error of a call, or None."""
    try:
        call(sent)
    except RocketMQException as error:
        return error
    return None


def timed_send(run, number, sender, sent):
    start = time.perf_counter()
    run.report(number, attempt(sender.send_sync, sent), start)


def lone(sender, count):
    sent = message()
    run = section.Section(count)
    for number in range(count):
        timed_send(run, number, sender, sent)
    run.stop()
    return run


def threads(sender, count):
    numbers = itertools.count()
    shares = [0] * WORK.threads
    run = section.Section(count)

    def share(thread):
        sent = message()
        while (number := next(numbers)) < count:
            timed_send(run, number, sender, sent)
            shares[thread] += 1

    running = [threading.Thread(target=share, args=(thread,)) for thread in range(WORK.threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    run.stop()
    run.slowest_thread = min(shares) * WORK.threads / max(count, 1)
    return run


def asynchronous(sender, count):
    sent = message()
    room = threading.Semaphore(WORK.window)
    run = section.Section(count)

    def begin(number):
        start = time.perf_counter()

        def end(error=None):
            run.report(number, error, start)
            room.release()

        sender.send_async(sent, lambda _: end(), end)

    for number in range(count):
        room.acquire()
        begin(number)
    for _ in range(WORK.window):
        room.acquire()
    run.stop()
    return run


def oneway(sender, count):
    """The last message is a blocking one: its answer says that the connection has carried all before it."""
    sent = message()
    run = section.Section(count)
    for number in range(count):
        call = sender.send_oneway if number + 1 < count else sender.send_sync
        run.report(number, attempt(call, sent))
    run.stop()
    return run


def main():
    run = {"lone": lone, "threads": threads, "async": asynchronous, "oneway": oneway}[WORK.mode]
    sender = producer()
    if WORK.warm_up:
        # Threads that look up the route at the same time fail.
        lone(sender, 1)
        run(sender, WORK.warm_up - 1)
    run(sender, WORK.count).print(WORK)
    # The library's own end takes seconds, or never comes.
    os._exit(0)


main()
