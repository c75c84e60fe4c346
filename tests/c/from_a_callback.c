/* What a callback may do: send, but not wait for itself; and it may destroy its producer. */
#include "check.h"

static rmq_producer_t *producer;
static rmq_error_t *kept;
static gate_t gate = GATE_INIT;
static outcomes_t outcomes = OUTCOMES_INIT;

static void refuse_to_wait(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    rmq_message_t message = message_to("callbacks", "from a callback");
    CHECK(receipt != NULL && receipt->struct_size == sizeof *receipt);
    CHECK_FAILS(rmq_producer_close(producer, 1000), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_flush(producer, 1000), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    count_outcome(error, receipt, opaque);
}

static void destroy(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    gate_pass(&gate);
    rmq_producer_destroy(producer);
    count_outcome(error, receipt, opaque);
}

static void keep(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    (void)receipt;
    kept = rmq_error_clone(error);
    rmq_error_destroy((rmq_error_t *)error); /* does nothing: it is borrowed */
    CHECK(rmq_error_code(error) == rmq_error_code(kept));
    count_outcome(error, receipt, opaque);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_message_t message = message_to("callbacks", "body");
    rmq_message_t unknown = message_to("unknown", "body");
    int i;

    producer = mock_producer(cluster);
    CHECK_OK(rmq_send_async(producer, &message, -1, refuse_to_wait, &outcomes));
    wait_for_outcomes(&outcomes, 2);
    CHECK(outcomes.succeeded == 2);

    CHECK_OK(rmq_mock_set_auto_create(cluster, 0));
    CHECK_OK(rmq_send_async(producer, &unknown, -1, keep, &outcomes));
    wait_for_outcomes(&outcomes, 3);
    CHECK(outcomes.failed == 1 && rmq_error_code(kept) == RMQ_ERR_NO_ROUTE);
    CHECK(strstr(rmq_error_message(kept), "unknown") != NULL);
    rmq_error_destroy(kept);

    /* 99 sends in flight when the first callback destroys the producer: each has its callback all the same. */
    CHECK_OK(rmq_send_async(producer, &message, -1, destroy, &outcomes));
    gate_wait_reached(&gate, 1);
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    for (i = 0; i < 99; i++)
        CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    gate_open(&gate);
    wait_for_outcomes(&outcomes, 103);
    CHECK(outcomes.failed == 100 && outcomes.succeeded == 3 && outcomes.last_code == RMQ_ERR_CLOSED);

    /* A producer destroyed without a close, outside a callback. */
    producer = mock_producer(cluster);
    for (i = 0; i < 1000; i++)
        CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    rmq_producer_destroy(producer);
    CHECK(outcomes.failed == 1100);

    rmq_mock_cluster_destroy(cluster);
    return 0;
}
