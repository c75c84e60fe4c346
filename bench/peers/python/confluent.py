"""Sends with confluent-kafka's Producer to librdkafka's own mock; there is no name server in it."""

import time

import kafka
import section
from confluent_kafka import Producer

WORK = section.work()
BODY = b"x" * WORK.body
# Two clock readings for each message would be a large part of what it costs.
SAMPLE_EVERY = 64


def lone(producer, count):
    run = section.Section(count)
    for number in range(count):
        start = time.perf_counter()
        producer.produce(WORK.topic, BODY, on_delivery=lambda error, _: run.report(number, error, start))
        producer.flush()
    run.stop()
    return run


def asynchronous(producer, count):
    in_flight = 0
    run = section.Section(count)

    def on_delivery(number):
        start = time.perf_counter() if number % SAMPLE_EVERY == 0 else None

        def end(error, _):
            nonlocal in_flight
            in_flight -= 1
            run.report(number, error, start)

        return end

    for number in range(count):
        while in_flight >= WORK.window:
            producer.poll(1)
        in_flight += 1
        producer.produce(WORK.topic, BODY, on_delivery=on_delivery(number))
    producer.flush()
    run.stop()
    return run


def main():
    run = {"lone": lone, "async": asynchronous}[WORK.mode]
    with kafka.Mock(WORK.topic) as mock:
        producer = Producer(kafka.settings(mock, WORK))
        run(producer, WORK.warm_up)
        run(producer, WORK.count).print(WORK, target=kafka.TARGET)


main()
