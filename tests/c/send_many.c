/* rmq_send_many accepts some and rejects others, each with its code; only accepted ones have an outcome. */
#include "check.h"

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_queue_t *queue = NULL;
    const char *keys[2] = { "order-1", "order-2" };
    rmq_property_t properties[1] = { { "colour", "bl\xc3\xa5" } };
    rmq_message_t good = message_to("many", "good"), no_topic = good, bad_topic = good, bad_text = good;
    const rmq_message_t *messages[6] = { &good, &no_topic, &bad_topic, &good, &bad_text, NULL };
    const int32_t wanted[6] = { RMQ_OK, RMQ_ERR_INVALID_ARGUMENT, RMQ_ERR_MESSAGE_ILLEGAL, RMQ_OK,
                                RMQ_ERR_INVALID_ARGUMENT, RMQ_ERR_INVALID_ARGUMENT };
    const rmq_message_t *five[5] = { &good, &good, &good, &good, &good };
    int numbers[6];
    void *opaques[6];
    int32_t codes[6];
    rmq_event_t events[8] = { RMQ_EVENT_INIT };
    size_t accepted = 0, count = 0, got, i, full = 0;
    char text[64];
    rmq_error_t *error;

    CHECK_OK(rmq_config_set(config, "in.flight.max.messages", "3"));
    CHECK_OK(rmq_config_set(config, "in.flight.full", "fail"));
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_queue_new(&queue));
    no_topic.topic = NULL;
    bad_topic.topic = "not a topic";
    bad_text.tags = "\xff";
    good.keys = keys;
    good.key_count = 2;
    good.properties = properties;
    good.property_count = 1;
    good.tags = "paid";
    for (i = 0; i < 6; i++)
        opaques[i] = &numbers[i];

    CHECK_OK(rmq_send_many(producer, messages, 6, -1, queue, opaques, codes, &accepted));
    CHECK(accepted == 2);
    for (i = 0; i < 6; i++)
        CHECK(codes[i] == wanted[i]);
    for (got = 0; got < 2; got += count) {
        CHECK_OK(rmq_queue_poll(queue, events, 8, PATIENCE_MS, &count));
        CHECK(count > 0);
        for (i = 0; i < count; i++)
            CHECK(events[i].code == RMQ_OK
                  && (events[i].opaque == &numbers[0] || events[i].opaque == &numbers[3]));
    }
    CHECK_OK(rmq_mock_stored_property(cluster, "many", 1, "KEYS", text, sizeof text));
    CHECK(strcmp(text, "order-1 order-2") == 0);
    CHECK_OK(rmq_mock_stored_property(cluster, "many", 1, "TAGS", text, sizeof text));
    CHECK(strcmp(text, "paid") == 0);
    CHECK_OK(rmq_mock_stored_property(cluster, "many", 1, "colour", text, sizeof text));
    CHECK(strcmp(text, "bl\xc3\xa5") == 0);

    /* Over the bound: three in, two out, by codes and by errors that are always the same object. */
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    CHECK_OK(rmq_send_many(producer, five, 5, 60000, queue, NULL, codes, &accepted));
    CHECK(accepted == 3);
    for (i = 0; i < 5; i++)
        full += codes[i] == RMQ_ERR_QUEUE_FULL;
    CHECK(full == 2);
    error = rmq_send_queued(producer, &good, -1, queue, NULL);
    CHECK(rmq_error_code(error) == RMQ_ERR_QUEUE_FULL && rmq_error_is_retriable(error) == 1);
    rmq_error_destroy(error);
    CHECK(rmq_send_queued(producer, &good, -1, queue, NULL) == error);
    rmq_error_destroy(error);

    CHECK_FAILS(rmq_producer_close(producer, 0), RMQ_ERR_TIMEOUT, NULL);
    for (got = 0; got < 3; got += count) {
        CHECK_OK(rmq_queue_poll(queue, events, 8, PATIENCE_MS, &count));
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            CHECK(events[i].code == RMQ_ERR_CLOSED && events[i].opaque == NULL);
            rmq_error_destroy(events[i].error);
        }
    }
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
