"""A full window of awaited sends: one coroutine for each message in flight."""

import asyncio
import itertools

import driver
import rmq
import rmq.aio


async def send_all(producer, work, body, count, section):
    numbers = itertools.count()

    async def sender():
        while next(numbers) < count:
            try:
                await producer.send(work.topic, body)
                section.succeeded += 1
            except rmq.Error as error:
                section.fail(error)

    await asyncio.gather(*(sender() for _ in range(work.window)))


async def main():
    work = driver.work()
    body = b"x" * work.body
    async with rmq.aio.Producer(driver.GROUP, name_server=work.name_server, batch_auto=work.batch_auto) as producer:
        await send_all(producer, work, body, work.warm_up, driver.Section())
        section = driver.Section()
        await send_all(producer, work, body, work.count, section)
        section.stop()
    section.print(work)


asyncio.run(main())
