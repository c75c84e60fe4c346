"""Sends messages to a real cluster and prints what it sent, with the receipts, as JSON lines.

truth.py NAME_SERVER TOPIC MODE    MODE: sync, many, oneway, asyncio, asyncio_many, asyncio_oneway, or bulk=COUNT
"""

from __future__ import annotations

import asyncio
import json
import sys

import rmq

GROUP = "PG_truth_py"
TIMEOUT = 20.0
CLOSE = 30.0
# Around the sizes where something changes: one byte, one byte's values, a page, 64 KiB, the broker's limit.
BODY_SIZES = [1, 2, 255, 256, 257, 4095, 4096, 4097, 65535, 65536, 65537, 1048576, 4194304]
TAGS = [None, "TagA", "tag-with_signs", "März"]
EVERY_BYTE = bytes(range(256))


def planned(serial: int, topic: str) -> rmq.Message:
    """A message with a body of every byte value and every kind of attribute."""
    size = BODY_SIZES[serial]
    start = serial * 17 % 256
    body = (EVERY_BYTE[start:] + EVERY_BYTE * (size // 256 + 1))[:size]
    properties = {"serial": str(serial), "Größe": 'grün ☃ 𝄞 "\\ \t', "中文": "数据=;,&"}
    if serial == 6:
        properties["long"] = "v" * 20_000
    keys = [f"order-{serial}", "second", "Schlüssel"]
    return rmq.Message(
        topic,
        body,
        tags=TAGS[serial % 4],
        keys=keys[: serial % 4] or None,
        properties=properties,
        flag=-serial if serial % 2 else serial * 1000,
        wait_store_ok=serial % 5 != 4,
    )


def small(serial: int, topic: str) -> rmq.Message:
    """One of many small messages."""
    body = serial.to_bytes(8, "big") + bytes(serial % 300)
    return rmq.Message(topic, body, properties={"serial": str(serial)})


def arguments(message: rmq.Message) -> tuple[tuple[str, bytes], dict[str, object]]:
    """The message as arguments of a send."""
    options = {
        "tags": message.tags,
        "keys": message.keys or None,
        "properties": message.properties,
        "flag": message.flag,
        "wait_store_ok": message.wait_store_ok,
        "timeout": TIMEOUT,
    }
    return (message.topic, message.body), options


def send_blocking(producer: rmq.Producer, messages: list[rmq.Message], mode: str) -> list:
    """One receipt for each message; nothing for one-way sends."""
    if mode == "many":
        return producer.send_many(messages, timeout=TIMEOUT)
    receipts = []
    for message in messages:
        positional, options = arguments(message)
        if mode == "oneway":
            producer.send_oneway(*positional, **options)
            receipts.append(None)
        else:
            receipts.append(producer.send(*positional, **options))
    producer.flush(CLOSE)
    return receipts


async def send_asyncio(name_server: str, messages: list[rmq.Message], mode: str) -> list:
    """The same on a loop."""
    async with rmq.aio.Producer(GROUP, name_server=name_server) as producer:
        if mode == "asyncio_many":
            return await producer.send_many(messages, timeout=TIMEOUT)
        if mode == "asyncio_oneway":
            for message in messages:
                positional, options = arguments(message)
                producer.send_oneway(*positional, **options)
            await producer.flush(CLOSE)
            return [None] * len(messages)
        futures = []
        for message in messages:
            positional, options = arguments(message)
            futures.append(producer.send(*positional, **options))
        return await asyncio.gather(*futures)


def as_json(message: rmq.Message, receipt: rmq.Receipt | None) -> str:
    """One line."""
    line = {
        "body": message.body.hex(),
        "flag": message.flag,
        "topic": message.topic,
        "tags": message.tags,
        "keys": list(message.keys),
        "properties": message.properties,
        "receipt": None,
    }
    if receipt is not None:
        line["receipt"] = {
            "status": int(receipt.status),
            "queue_id": receipt.queue_id,
            "queue_offset": receipt.queue_offset,
            "topic": receipt.topic,
            "message_id": receipt.message_id,
            "offset_message_id": receipt.offset_message_id,
            "broker_name": receipt.broker_name,
            "broker_address": receipt.broker_address,
        }
    return json.dumps(line)


def main() -> int:
    """Returns the exit status."""
    name_server, topic, mode = sys.argv[1:]
    if mode.startswith("bulk="):
        messages = [small(serial, topic) for serial in range(int(mode[5:]))]
    else:
        messages = [planned(serial, topic) for serial in range(len(BODY_SIZES))]
    if mode in ("sync", "many", "oneway"):
        with rmq.Producer(GROUP, name_server=name_server) as producer:
            outcomes = send_blocking(producer, messages, mode)
    elif mode in ("asyncio", "asyncio_many", "asyncio_oneway") or mode.startswith("bulk="):
        outcomes = asyncio.run(send_asyncio(name_server, messages, mode))
    else:
        print(f"unknown mode {mode}", file=sys.stderr)
        return 2
    for message, outcome in zip(messages, outcomes, strict=True):
        if isinstance(outcome, rmq.Error):
            raise outcome
        print(as_json(message, outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())
