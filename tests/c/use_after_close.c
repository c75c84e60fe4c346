/* Everything answers CLOSED after a close, closing again does nothing, and handles of another kind are told apart. */
#include "check.h"

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_config_t *config = mock_config(cluster);
    rmq_queue_t *queue = NULL;
    rmq_message_t message = message_to("closed", "body");
    const rmq_message_t *messages[1] = { &message };
    outcomes_t outcomes = OUTCOMES_INIT;
    int32_t code;
    size_t accepted, in_flight = 99;
    int i;

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_producer_wait_ready(producer, PATIENCE_MS));
    CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    CHECK(outcomes.succeeded == 1); /* flush waits for callbacks */

    /* The wrong kinds of handle. */
    CHECK_FAILS(rmq_send((rmq_producer_t *)(void *)queue, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "producer is not a live rmq_producer_t");
    CHECK_FAILS(rmq_config_set((rmq_config_t *)(void *)producer, "producer.group", "g"), RMQ_ERR_INVALID_ARGUMENT,
                "config is not a live rmq_config_t");
    rmq_queue_destroy((rmq_queue_t *)(void *)producer);
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK(rmq_error_code((rmq_error_t *)(void *)queue) == RMQ_OK);

    for (i = 0; i < 2; i++)
        CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_CLOSED, NULL);
    CHECK_FAILS(rmq_send_async(producer, &message, -1, count_outcome, &outcomes), RMQ_ERR_CLOSED, NULL);
    CHECK_FAILS(rmq_send_queued(producer, &message, -1, queue, NULL), RMQ_ERR_CLOSED, NULL);
    CHECK_FAILS(rmq_send_oneway(producer, &message, -1), RMQ_ERR_CLOSED, NULL);
    CHECK_FAILS(rmq_send_many(producer, messages, 1, -1, queue, NULL, &code, &accepted), RMQ_ERR_CLOSED, NULL);
    CHECK_FAILS(rmq_producer_wait_ready(producer, 0), RMQ_ERR_CLOSED, NULL);
    CHECK_OK(rmq_flush(producer, 0));
    CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
    CHECK(in_flight == 0 && outcomes.succeeded == 1 && outcomes.failed == 0);
    rmq_producer_destroy(producer);

    /* Closed before its first callback: no delivery thread is made any more. */
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_producer_close(producer, 0));
    CHECK_FAILS(rmq_send_async(producer, &message, -1, count_outcome, &outcomes), RMQ_ERR_CLOSED, NULL);
    rmq_producer_destroy(producer);

    /* Many lives of a producer. */
    for (i = 0; i < 50; i++) {
        CHECK_OK(rmq_producer_new(config, &producer));
        CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
        CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
        rmq_producer_destroy(producer);
    }
    CHECK(outcomes.succeeded == 51);

    rmq_queue_destroy(queue);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
