/* The queues of a topic: all that may be written, in the Java client's order; and other name servers. */
#include "check.h"

static void listing(rmq_mock_cluster_t *cluster)
{
    rmq_producer_t *producer = mock_producer(cluster);
    struct {
        rmq_message_queue_t queue;
        uint64_t unknown[2];
    } queues[8];
    uint64_t asked, asked_then;
    size_t count = 99, i;

    CHECK_OK(rmq_mock_create_topic(cluster, "listed", 4, 3, 6));
    CHECK_OK(rmq_mock_create_topic(cluster, "read-only", 4, 4, 4));

    /* Not known yet: it is looked up, first only counted. */
    CHECK_OK(rmq_producer_queues(producer, "listed", PATIENCE_MS, NULL, 0, &count));
    CHECK(count == 6);
    memset(queues, 0xab, sizeof queues);
    queues[0].queue.struct_size = sizeof queues[0];
    count = 99;
    CHECK_FAILS(rmq_producer_queues(producer, "listed", 0, &queues[0].queue, 5, &count), RMQ_ERR_INVALID_ARGUMENT,
                "capacity is 5, topic listed has 6 queues");
    CHECK(count == 99 && queues[0].queue.queue_id != 0);
    CHECK_OK(rmq_producer_queues(producer, "listed", 0, &queues[0].queue, 8, &count));
    CHECK(count == 6);
    for (i = 0; i < 6; i++) {
        CHECK(strcmp(queues[i].queue.broker_name, i < 3 ? "broker-0" : "broker-1") == 0);
        CHECK(queues[i].queue.queue_id == (int32_t)(i % 3));
        CHECK(queues[i].queue.struct_size == sizeof queues[0] && queues[i].unknown[0] == 0xabababababababab);
    }
    CHECK(queues[6].queue.struct_size == 0xabababab);
    queues[0].queue.struct_size = 12;
    CHECK_FAILS(rmq_producer_queues(producer, "listed", 0, &queues[0].queue, 8, &count), RMQ_ERR_INVALID_ARGUMENT,
                "out->struct_size is 12");

    /* Nothing is asked for a call that is refused. */
    CHECK_OK(rmq_mock_request_count(cluster, 105, &asked));
    CHECK_FAILS(rmq_producer_queues(producer, "unasked", PATIENCE_MS, NULL, 1, &count), RMQ_ERR_INVALID_ARGUMENT, "out");
    CHECK_FAILS(rmq_producer_queues(producer, "unasked", PATIENCE_MS, &queues[0].queue, 8, &count),
                RMQ_ERR_INVALID_ARGUMENT, "out->struct_size is 12");

    CHECK_FAILS(rmq_producer_queues(producer, "not a topic", 0, NULL, 0, &count), RMQ_ERR_MESSAGE_ILLEGAL, NULL);
    CHECK_OK(rmq_producer_queues(producer, "read-only", PATIENCE_MS, NULL, 0, &count));
    CHECK(count == 0);
    CHECK_OK(rmq_mock_request_count(cluster, 105, &asked_then));
    CHECK(asked_then == asked + 1);
    CHECK_OK(rmq_mock_set_auto_create(cluster, 0));
    CHECK_FAILS(rmq_producer_queues(producer, "nowhere", PATIENCE_MS, NULL, 0, &count), RMQ_ERR_NO_ROUTE, "nowhere");
    CHECK_OK(rmq_producer_close(producer, 0));
    CHECK_FAILS(rmq_producer_queues(producer, "listed", 0, NULL, 0, &count), RMQ_ERR_CLOSED, NULL);
    rmq_producer_destroy(producer);
}

static void other_name_servers(rmq_mock_cluster_t *cluster)
{
    rmq_mock_cluster_t *other = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster), *untouched = mock_producer(cluster);
    rmq_message_t message = message_to("moved", "body");
    char address[64];
    uint64_t stored;

    CHECK_OK(rmq_mock_name_server(other, address, sizeof address));
    CHECK_FAILS(rmq_producer_set_name_servers(producer, ""), RMQ_ERR_INVALID_VALUE, "no address");
    CHECK_FAILS(rmq_producer_set_name_servers(producer, "nowhere"), RMQ_ERR_INVALID_VALUE, "nowhere");
    CHECK_FAILS(rmq_producer_set_name_servers(producer, "127.0.0.1:99999"), RMQ_ERR_INVALID_VALUE, "99999");
    CHECK_FAILS(rmq_producer_set_name_servers(producer, "\xff"), RMQ_ERR_INVALID_ARGUMENT, "not UTF-8");

    /* The old cluster makes no topics any more; the new one does. */
    CHECK_FAILS(rmq_send(producer, &message, PATIENCE_MS, NULL), RMQ_ERR_NO_ROUTE, NULL);
    CHECK_OK(rmq_producer_set_name_servers(producer, address));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    CHECK_OK(rmq_mock_stored_count(other, "moved", &stored));
    CHECK(stored == 1);
    CHECK_FAILS(rmq_send(untouched, &message, PATIENCE_MS, NULL), RMQ_ERR_NO_ROUTE, NULL);

    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_FAILS(rmq_producer_set_name_servers(producer, address), RMQ_ERR_CLOSED, NULL);
    rmq_producer_destroy(producer);
    rmq_producer_destroy(untouched);
    rmq_mock_cluster_destroy(other);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    listing(cluster);
    other_name_servers(cluster);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
