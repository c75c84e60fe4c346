"""The blocking producer: each mode is a function that sends `count` messages into a section."""

import itertools
import threading
import time

import driver
import rmq


def lone(producer, work, count, section):
    """One send at a time."""
    body = b"x" * work.body
    for _ in range(count):
        start = time.perf_counter()
        try:
            producer.send(work.topic, body)
            section.succeeded += 1
        except rmq.Error as error:
            section.fail(error)
        section.latencies.append(time.perf_counter() - start)


def threads(producer, work, count, section):
    """One send at a time in each thread; a thread takes the next one when it has its receipt."""
    body = b"x" * work.body
    numbers = itertools.count()
    shares = []

    def send():
        latencies = []
        while next(numbers) < count:
            start = time.perf_counter()
            try:
                producer.send(work.topic, body)
            except rmq.Error as error:
                section.fail(error)
            else:
                latencies.append(time.perf_counter() - start)
        shares.append(latencies)

    workers = [threading.Thread(target=send) for _ in range(work.threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    section.latencies = list(itertools.chain.from_iterable(shares))
    section.succeeded = len(section.latencies)
    if section.succeeded:
        section.slowest_thread = min(map(len, shares)) * len(shares) / section.succeeded


def oneway(producer, work, count, section):
    """Sends that nobody answers; the last one is answered, and shows that those before it arrived."""
    body = b"x" * work.body
    for _ in range(count - 1):
        producer.send_oneway(work.topic, body)
    if count:
        producer.send(work.topic, body)
    section.succeeded = count


def batch(producer, work, count, section):
    """One wire batch at a time."""
    for messages in lists(work, count):
        try:
            section.succeeded += len(producer.send_batch(messages))
        except rmq.Error as error:
            section.fail(error)


def many(producer, work, count, section):
    """One call with a list of messages at a time."""
    for messages in lists(work, count):
        for outcome in producer.send_many(messages):
            if isinstance(outcome, rmq.Error):
                section.fail(outcome)
            else:
                section.succeeded += 1


def lists(work, count):
    """`count` new messages in lists of `work.batch`: an application makes each of its own."""
    body = b"x" * work.body
    for sent in range(0, count, work.batch):
        yield [rmq.Message(work.topic, body) for _ in range(min(work.batch, count - sent))]


MODES = {"lone": lone, "threads": threads, "oneway": oneway, "batch": batch, "many": many}


def main():
    work = driver.work()
    send = MODES[work.mode]
    with rmq.Producer(driver.GROUP, **driver.options(work)) as producer:
        send(producer, work, work.warm_up, driver.Section())
        section = driver.Section()
        send(producer, work, work.count, section)
        section.stop()
    section.print(work)


main()
