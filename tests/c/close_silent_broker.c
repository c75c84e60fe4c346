/* Close with 10,000 sends in flight on a broker that never answers: all complete by the deadline of the close whose time
   is over first, each once, and every close that waited for them says so. */
#include "check.h"
#include <sched.h>

enum { SENDS = 10000, CLOSE_MS = 2000 };

static int calls[SENDS];
static int closed;

static void count_call(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    (void)receipt;
    ++*(int *)opaque;
    if (rmq_error_code(error) == RMQ_ERR_CLOSED) {
        closed++;
        CHECK(rmq_error_persistence(error) == RMQ_POSSIBLY_PERSISTED);
        CHECK(rmq_error_attempts(error) >= 1);
    }
}

/* Begins when the first close has begun. */
static void *close_too(void *producer)
{
    for (;;) {
        rmq_error_t *error = rmq_producer_wait_ready(producer, 0);
        int closing = rmq_error_code(error) == RMQ_ERR_CLOSED;
        rmq_error_destroy(error);
        if (closing)
            break;
        sched_yield();
    }
    CHECK_FAILS(rmq_producer_close(producer, 50), RMQ_ERR_TIMEOUT, NULL);
    return NULL;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("silent", "body");
    int64_t started, took;
    size_t in_flight;
    pthread_t other;
    int i;

    /* All are to be under way. */
    CHECK_OK(rmq_config_set(config, "batch.auto", "off"));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    for (i = 0; i < SENDS; i++)
        CHECK_OK(rmq_send_async(producer, &message, 60000, count_call, &calls[i]));
    CHECK_OK(rmq_mock_wait_requests(cluster, 310, SENDS + 1, PATIENCE_MS));
    CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
    CHECK(in_flight == SENDS);
    CHECK_FAILS(rmq_flush(producer, 1), RMQ_ERR_TIMEOUT, NULL);

    /* A second close at the same time must not take callbacks away from the first. */
    started = now_ms();
    CHECK(pthread_create(&other, NULL, close_too, producer) == 0);
    CHECK_FAILS(rmq_producer_close(producer, CLOSE_MS), RMQ_ERR_TIMEOUT, NULL);
    CHECK(pthread_join(other, NULL) == 0);
    took = now_ms() - started;
    for (i = 0; i < SENDS; i++)
        CHECK(calls[i] == 1);
    CHECK(closed == SENDS);
    CHECK(took <= CLOSE_MS + LATE_MS); /* the sends themselves have a minute */
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
