"""A RocketMQ cluster in this process, for tests of programs that send.

    with rmq.testing.MockCluster(brokers=2) as cluster:
        with rmq.Producer("group", name_server=cluster.name_server) as producer:
            producer.send("topic", b"body")
        assert cluster.stored_count("topic") == 1

It answers as Apache RocketMQ does as far as a producer can see. This module is outside the promise of
compatibility.
"""

from ._rmq import Fault, FaultId, MockCluster, Registration, StoredMessage

__all__ = ["Fault", "FaultId", "MockCluster", "Registration", "StoredMessage"]
