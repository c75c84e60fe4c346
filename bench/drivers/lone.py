"""One blocking send at a time."""

import time

import driver
import rmq


def main():
    work = driver.work()
    body = b"x" * work.body
    with rmq.Producer(driver.GROUP, name_server=work.name_server, batch_auto=work.batch_auto) as producer:
        for _ in range(work.warm_up):
            producer.send(work.topic, body)
        section = driver.Section()
        for _ in range(work.count):
            start = time.perf_counter()
            try:
                producer.send(work.topic, body)
                section.succeeded += 1
            except rmq.Error as error:
                section.fail(error)
            section.latencies.append(time.perf_counter() - start)
        section.stop()
    section.print(work)


main()
