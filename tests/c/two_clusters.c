/* Producers on two clusters in one process do not see each other, even with one group name. */
#include "check.h"

int main(void)
{
    rmq_mock_cluster_t *clusters[2] = { mock_cluster(1), mock_cluster(2) };
    rmq_producer_t *producers[2] = { mock_producer(clusters[0]), mock_producer(clusters[1]) };
    rmq_config_t *config = NULL;
    rmq_producer_t *own = NULL;
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    uint64_t stored;
    int i, n;

    for (i = 0; i < 30; i++)
        for (n = 0; n < 2; n++) {
            rmq_message_t message = message_to("shared_name", n == 0 ? "first" : "second");
            CHECK_OK(rmq_send(producers[n], &message, -1, NULL));
        }
    for (n = 0; n < 2; n++) {
        CHECK_OK(rmq_mock_stored_count(clusters[n], "shared_name", &stored));
        CHECK(stored == 30);
        for (i = 0; i < 30; i++) {
            char body[16] = { 0 };
            size_t len;
            CHECK_OK(rmq_mock_stored_body(clusters[n], "shared_name", (size_t)i, body, sizeof body, &len));
            CHECK(strcmp(body, n == 0 ? "first" : "second") == 0);
        }
    }
    CHECK_OK(rmq_producer_close(producers[0], PATIENCE_MS));
    rmq_mock_cluster_destroy(clusters[0]);
    {
        rmq_message_t message = message_to("shared_name", "second");
        CHECK_OK(rmq_send(producers[1], &message, -1, NULL));
    }

    /* A third one brings its own cluster by a key. */
    CHECK_OK(rmq_config_new(&config));
    CHECK_OK(rmq_config_set(config, "producer.group", "test"));
    CHECK_OK(rmq_config_set(config, "test.mock.brokers", "3"));
    CHECK_OK(rmq_producer_new(config, &own));
    {
        rmq_message_t message = message_to("shared_name", "third");
        CHECK_OK(rmq_send(own, &message, -1, &receipt));
    }
    CHECK(receipt.status == RMQ_SEND_OK && receipt.attempts == 1 && strncmp(receipt.broker_name, "broker-", 7) == 0);
    CHECK(strlen(receipt.message_id) == 32 && strlen(receipt.offset_message_id) == 32);
    CHECK(strncmp(receipt.broker_address, "127.0.0.1:", 10) == 0 && receipt.queue_id >= 0);
    CHECK(receipt.queue_offset == 0 && receipt.elapsed_us > 0 && strcmp(receipt.topic, "shared_name") == 0);
    rmq_producer_destroy(own);
    rmq_config_destroy(config);
    rmq_producer_destroy(producers[0]);
    rmq_producer_destroy(producers[1]);
    rmq_mock_cluster_destroy(clusters[1]);
    return 0;
}
