/* Large bodies travel compressed; the caller's bytes stay as they are, and the stored body is what was sent. */
#include "check.h"

#define LARGE (5 * 1024 * 1024)

static char body[LARGE], copy[LARGE], stored[LARGE];

static rmq_producer_t *compressing_producer(rmq_mock_cluster_t *cluster, const char *type, const char *threshold)
{
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    CHECK_OK(rmq_config_set(config, "compress.type", type));
    CHECK_OK(rmq_config_set(config, "compress.threshold.bytes", threshold));
    CHECK_OK(rmq_config_set(config, "max.message.size", "8388608"));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    return producer;
}

/* Sizes around the threshold, and one that a broker (4 MiB at most) takes only if it is compressed. */
static void round_trip(rmq_mock_cluster_t *cluster, const char *type)
{
    static const size_t sizes[] = { 1, 4095, 4096, 4097, LARGE };
    rmq_producer_t *producer = compressing_producer(cluster, type, "4096");
    rmq_message_t message = message_to(type, "");
    size_t i, len;
    CHECK_OK(rmq_mock_create_topic(cluster, type, 1, 1, 6));
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        message.body = body;
        message.body_len = sizes[i];
        CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
        CHECK_OK(rmq_mock_stored_body(cluster, type, i, NULL, 0, &len));
        CHECK(len == sizes[i]);
        memset(stored, 0, sizeof stored);
        CHECK_FAILS(rmq_mock_stored_body(cluster, type, i, stored, len - 1, &len), RMQ_ERR_INVALID_ARGUMENT, "needs");
        CHECK_OK(rmq_mock_stored_body(cluster, type, i, stored, sizeof stored, &len));
        CHECK(len == sizes[i] && memcmp(stored, body, len) == 0);
    }
    CHECK(memcmp(body, copy, sizeof body) == 0);
    rmq_producer_destroy(producer);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer;
    rmq_message_t message = message_to("plain", "");
    rmq_error_t *error;
    size_t i;

    for (i = 0; i < sizeof body; i++)
        body[i] = "librmq \0\xff"[i % 9];
    memcpy(copy, body, sizeof body);
    round_trip(cluster, "zlib");
    round_trip(cluster, "lz4");
    round_trip(cluster, "zstd");

    /* Uncompressed it is too large for the broker. */
    producer = compressing_producer(cluster, "zlib", "0");
    message.body = body;
    message.body_len = sizeof body;
    error = rmq_send(producer, &message, PATIENCE_MS, NULL);
    CHECK(rmq_error_code(error) == RMQ_ERR_BROKER && rmq_error_broker_code(error) == 13);
    rmq_error_destroy(error);
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
