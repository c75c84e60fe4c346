"""The asyncio producer: a full window of awaited sends, one coroutine for each message in flight."""

import asyncio
import itertools
import time

import driver
import rmq
import rmq.aio

# One message in so many is timed, where they are fast.
SAMPLE_EVERY = {"lone": 1, "async": 64}


async def send_all(producer, work, count, section):
    body = b"x" * work.body
    every = SAMPLE_EVERY[work.mode]
    numbers = itertools.count()

    async def sender():
        while (number := next(numbers)) < count:
            start = time.perf_counter() if number % every == 0 else None
            try:
                await producer.send(work.topic, body)
                section.succeeded += 1
            except rmq.Error as error:
                section.fail(error)
            if start is not None:
                section.latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(sender() for _ in range(work.window)))


async def main():
    work = driver.work()
    async with rmq.aio.Producer(driver.GROUP, **driver.options(work)) as producer:
        await send_all(producer, work, work.warm_up, driver.Section())
        section = driver.Section()
        await send_all(producer, work, work.count, section)
        section.stop()
    section.print(work)


asyncio.run(main())
