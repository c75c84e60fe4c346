/* Statistics: numbers by their place, JSON and Prometheus text, after the close too, equal to what the mock counted. */
#include "check.h"

static double number(const rmq_stats_t *stats, const char *path)
{
    double value = -1;
    CHECK_OK(rmq_stats_get(stats, path, &value));
    return value;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("counted", "body");
    rmq_stats_t *before = NULL, *after = NULL;
    uint64_t requests = 0;
    double value = 7;
    int i;

    CHECK_OK(rmq_producer_stats(producer, &before));
    for (i = 0; i < 10; i++)
        CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    message.body_len = 0;
    CHECK_FAILS(rmq_send(producer, &message, PATIENCE_MS, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "empty");
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_OK(rmq_producer_stats(producer, &after));
    rmq_producer_destroy(producer);

    CHECK(number(before, "accepted") == 0);
    CHECK(number(after, "accepted") == 10);
    CHECK(number(after, "accepted_bytes") == 40);
    CHECK(number(after, "succeeded") == 10);
    CHECK(number(after, "rejected.MESSAGE_ILLEGAL") == 1);
    CHECK(number(after, "failed.total") == 0);
    CHECK(number(after, "latency_us.count") == 10);
    CHECK(number(after, "latency_us.p99") > 0);
    CHECK(number(after, "in_flight") == 0);
    CHECK_OK(rmq_mock_request_count(cluster, 310, &requests));
    CHECK(number(after, "attempts") == (double)requests);
    CHECK(number(after, "brokers.broker-0.attempts") + number(after, "brokers.broker-1.attempts") == 10);
    CHECK(strstr(rmq_stats_json(after), "\"succeeded\":10") != NULL);
    CHECK(rmq_stats_json(after) == rmq_stats_json(after));
    CHECK(strstr(rmq_stats_prometheus(after), "# TYPE rmq_producer_succeeded_total counter\n") != NULL);

    CHECK_FAILS(rmq_stats_get(after, "succeded", &value), RMQ_ERR_UNKNOWN_KEY, "\"succeded\"");
    CHECK_FAILS(rmq_stats_get(after, "group", &value), RMQ_ERR_UNKNOWN_KEY, NULL);
    CHECK(value == 7);
    rmq_stats_destroy(before);
    rmq_stats_destroy(after);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
