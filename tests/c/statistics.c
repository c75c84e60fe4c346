/* Statistics: numbers by their place, JSON and Prometheus text, after the close too, equal to what the mock counted. */
#include "check.h"

static rmq_producer_t *watched;

/* A hook may look at the numbers. */
static void after(const rmq_send_attempt_t *attempt, const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    rmq_stats_t *stats = NULL;
    (void)attempt, (void)error, (void)receipt, (void)opaque;
    CHECK_OK(rmq_producer_stats(watched, &stats));
    rmq_stats_destroy(stats);
}

typedef struct reader_t {
    const rmq_stats_t *stats;
    const char *json;
    const char *prometheus;
} reader_t;

static void *read_texts(void *opaque)
{
    reader_t *reader = opaque;
    reader->json = rmq_stats_json(reader->stats);
    reader->prometheus = rmq_stats_prometheus(reader->stats);
    return NULL;
}

/* Threads that ask at once get one text. */
static void texts(const rmq_stats_t *stats)
{
    enum { READERS = 4 };
    reader_t readers[READERS];
    pthread_t threads[READERS];
    int i;
    for (i = 0; i < READERS; i++) {
        readers[i].stats = stats;
        CHECK(pthread_create(&threads[i], NULL, read_texts, &readers[i]) == 0);
    }
    for (i = 0; i < READERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(readers[i].json == rmq_stats_json(stats) && readers[i].prometheus == rmq_stats_prometheus(stats));
    }
}

static double number(const rmq_stats_t *stats, const char *path)
{
    double value = -1;
    CHECK_OK(rmq_stats_get(stats, path, &value));
    return value;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("counted", "body");
    rmq_stats_t *before = NULL, *after_close = NULL;
    uint64_t requests = 0;
    double value = 7;
    int i;

    CHECK_OK(rmq_config_add_send_hook(config, NULL, after, NULL, NULL));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    watched = producer;
    CHECK_OK(rmq_producer_stats(producer, &before));
    for (i = 0; i < 10; i++)
        CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    message.body_len = 0;
    CHECK_FAILS(rmq_send(producer, &message, PATIENCE_MS, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "empty");
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_OK(rmq_producer_stats(producer, &after_close));
    rmq_producer_destroy(producer);

    texts(after_close);
    CHECK(number(before, "accepted") == 0);
    CHECK(number(after_close, "accepted") == 10);
    CHECK(number(after_close, "accepted_bytes") == 40);
    CHECK(number(after_close, "succeeded") == 10);
    CHECK(number(after_close, "rejected.MESSAGE_ILLEGAL") == 1);
    CHECK(number(after_close, "failed.total") == 0);
    CHECK(number(after_close, "latency_us.count") == 10);
    CHECK(number(after_close, "latency_us.p99") > 0);
    CHECK(number(after_close, "in_flight") == 0);
    CHECK_OK(rmq_mock_request_count(cluster, 310, &requests));
    CHECK(number(after_close, "attempts") == (double)requests);
    CHECK(number(after_close, "brokers.broker-0.attempts") + number(after_close, "brokers.broker-1.attempts") == 10);
    CHECK(strstr(rmq_stats_json(after_close), "\"succeeded\":10") != NULL);
    CHECK(strstr(rmq_stats_prometheus(after_close), "# TYPE rmq_producer_succeeded_total counter\n") != NULL);

    CHECK_FAILS(rmq_stats_get(after_close, "succeded", &value), RMQ_ERR_UNKNOWN_KEY, "\"succeded\"");
    CHECK_FAILS(rmq_stats_get(after_close, "group", &value), RMQ_ERR_UNKNOWN_KEY, NULL);
    CHECK(value == 7);
    rmq_stats_destroy(before);
    rmq_stats_destroy(after_close);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
