/* A callback that blocks holds up later callbacks and nothing else: sends go on, close and destroy return. */
#include "check.h"

static gate_t gate = GATE_INIT;

static void block(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    gate_pass(&gate);
    count_outcome(error, receipt, opaque);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("blocked", "body");
    outcomes_t outcomes = OUTCOMES_INIT;
    int64_t started;
    int i;

    CHECK_OK(rmq_send_async(producer, &message, -1, block, &outcomes));
    gate_wait_reached(&gate, 1);
    for (i = 0; i < 10; i++)
        CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK_OK(rmq_mock_wait_stored(cluster, "blocked", 12, PATIENCE_MS));
    CHECK_FAILS(rmq_flush(producer, 20), RMQ_ERR_TIMEOUT, "callbacks");

    started = now_ms();
    CHECK_FAILS(rmq_producer_close(producer, 100), RMQ_ERR_TIMEOUT, "callbacks");
    rmq_producer_destroy(producer);
    CHECK(now_ms() - started < LATE_MS);
    CHECK(outcomes.succeeded == 0);

    gate_open(&gate);
    wait_for_outcomes(&outcomes, 11);
    CHECK(outcomes.succeeded == 11);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
