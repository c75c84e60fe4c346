"""Sends with confluent-kafka's AIOProducer to librdkafka's own mock; there is no name server in it."""

import asyncio
import itertools
import time

import kafka
import section
from confluent_kafka.aio import AIOProducer

WORK = section.work()
BODY = b"x" * WORK.body
# Messages that the producer collects before it hands them to librdkafka. All of the window would wait for each other.
BATCH = {"lone": 1, "async": max(WORK.window // 4, 1)}


async def lone(producer, count):
    run = section.Section(count)
    for number in range(count):
        start = time.perf_counter()
        report = await producer.produce(WORK.topic, BODY)
        await producer.flush()
        run.report(number, await failure(report), start)
    run.stop()
    return run


async def asynchronous(producer, count):
    """One coroutine for each message in flight."""
    numbers = itertools.count()
    run = section.Section(count)

    async def sender():
        while (number := next(numbers)) < count:
            start = time.perf_counter()
            report = await producer.produce(WORK.topic, BODY)
            if number == count - 1:
                await producer.flush()
            run.report(number, await failure(report), start)

    polling = asyncio.create_task(poll(producer))
    await asyncio.gather(*(sender() for _ in range(WORK.window)))
    run.stop()
    polling.cancel()
    return run


async def failure(report):
    """The error of a delivery, or None."""
    try:
        await report
    except Exception as error:
        return error
    return None


async def poll(producer):
    """Delivery reports come when somebody polls: one thread of the producer's does it all the time."""
    while True:
        await producer.poll(0.1)


async def main():
    run = {"lone": lone, "async": asynchronous}[WORK.mode]
    with kafka.Mock(WORK.topic) as mock:
        producer = AIOProducer(kafka.settings(mock, WORK), batch_size=BATCH[WORK.mode])
        await run(producer, WORK.warm_up)
        (await run(producer, WORK.count)).print(WORK, target=kafka.TARGET)
        await producer.close()


asyncio.run(main())
