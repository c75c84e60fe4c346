"""Sends a few messages with the blocking producer.

    python sync_send.py --name-server 127.0.0.1:9876
    python sync_send.py --mock 1
"""

from __future__ import annotations

import argparse
import sys

import rmq


def main() -> int:
    parser = argparse.ArgumentParser(description="Send a few messages with the blocking producer.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--name-server", metavar="HOST:PORT", help="a real cluster")
    where.add_argument("--mock", metavar="N", type=int, help="N mock brokers in this process")
    parser.add_argument("--topic", default="RmqExample")
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()

    failed = 0
    with rmq.Producer(
        "rmq-example",
        name_server=options.name_server,
        test_mock_brokers=options.mock or 0,
        send_timeout_ms=5000,
    ) as producer:
        for number in range(options.count):
            try:
                receipt = producer.send(
                    options.topic,
                    f"message {number}".encode(),
                    tags="example",
                    keys=[f"number-{number}"],
                    properties={"language": "python"},
                )
            except rmq.Error as error:
                failed += 1
                print(f"message {number} failed: {error} ({error.persistence.name})", file=sys.stderr)
            else:
                print(
                    f"message {number}: {receipt.status.name} id={receipt.message_id} "
                    f"queue={receipt.broker_name}/{receipt.queue_id} offset={receipt.queue_offset}"
                )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
