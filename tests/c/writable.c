/* Room again after QUEUE_FULL: told once on the delivery thread, and waited for. */
#include "check.h"

#include <sched.h>

typedef struct listener_t {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int told;
    int finalized;
    char thread[32];
    rmq_producer_t *producer;
    outcomes_t *outcomes;
} listener_t;

#define LISTENER_INIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, "", NULL, NULL }

static void writable(void *opaque)
{
    listener_t *listener = opaque;
    pthread_mutex_lock(&listener->lock);
    CHECK(pthread_getname_np(pthread_self(), listener->thread, sizeof listener->thread) == 0);
    if (listener->producer != NULL) {
        rmq_message_t message = message_to("full", "from the listener");
        CHECK_FAILS(rmq_producer_wait_writable(listener->producer, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
        CHECK_FAILS(rmq_flush(listener->producer, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
        CHECK_OK(rmq_send_async(listener->producer, &message, -1, count_outcome, listener->outcomes));
    }
    listener->told++;
    pthread_cond_broadcast(&listener->changed);
    pthread_mutex_unlock(&listener->lock);
}

static void finalize(void *opaque)
{
    listener_t *listener = opaque;
    pthread_mutex_lock(&listener->lock);
    listener->finalized++;
    pthread_cond_broadcast(&listener->changed);
    pthread_mutex_unlock(&listener->lock);
}

static void wait_for(listener_t *listener, const int *count, int wanted)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&listener->lock);
    while (*count < wanted)
        CHECK(pthread_cond_timedwait(&listener->changed, &listener->lock, &deadline) == 0);
    CHECK(*count == wanted);
    pthread_mutex_unlock(&listener->lock);
}

/* Fills the bounds with callbacks that wait at the gate, and finds no room `refusals` times. An earlier message counts
 * until its callback has returned, which a flush does not wait for. */
static void fill(rmq_producer_t *producer, rmq_send_fn function, void *opaque, int refusals)
{
    rmq_message_t message = message_to("full", "body");
    size_t in_flight = 1;
    int i;
    while (in_flight > 0) {
        CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
        sched_yield();
    }
    for (i = 0; i < 4; i++)
        CHECK_OK(rmq_send_async(producer, &message, -1, function, opaque));
    for (i = 0; i < refusals; i++)
        CHECK_FAILS(rmq_send_async(producer, &message, -1, function, opaque), RMQ_ERR_QUEUE_FULL, NULL);
}

static gate_t gate = GATE_INIT;
static outcomes_t outcomes = OUTCOMES_INIT;

static void block(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    gate_pass(&gate);
    count_outcome(error, receipt, opaque);
}

typedef struct waiter_t {
    rmq_producer_t *producer;
    int32_t code;
} waiter_t;

static void *wait_writable(void *opaque)
{
    waiter_t *waiter = opaque;
    rmq_error_t *error = rmq_producer_wait_writable(waiter->producer, -1);
    waiter->code = rmq_error_code(error);
    rmq_error_destroy(error);
    return NULL;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL, *quiet = NULL;
    listener_t listener = LISTENER_INIT, replaced = LISTENER_INIT;
    rmq_message_t message = message_to("full", "body");
    waiter_t waiter = { NULL, -1 };
    pthread_t thread;
    int64_t started;

    CHECK_OK(rmq_config_set(config, "in.flight.max.messages", "4"));
    CHECK_OK(rmq_config_set_writable(config, writable, &replaced, finalize));
    CHECK_OK(rmq_config_set_writable(config, writable, &listener, finalize));
    CHECK(replaced.finalized == 1 && listener.finalized == 0);
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_config_set_writable(config, NULL, NULL, NULL));
    CHECK(listener.finalized == 0); /* the producer has it */
    CHECK_OK(rmq_producer_new(config, &quiet));
    rmq_config_destroy(config);

    /* Three refusals, one event, and not before there is room. */
    fill(producer, block, &outcomes, 3);
    gate_wait_reached(&gate, 1);
    CHECK(listener.told == 0);
    started = now_ms();
    CHECK_FAILS(rmq_producer_wait_writable(producer, 50), RMQ_ERR_QUEUE_FULL, NULL);
    CHECK(now_ms() - started >= 45);
    waiter.producer = producer;
    CHECK(pthread_create(&thread, NULL, wait_writable, &waiter) == 0);
    gate_open(&gate);
    wait_for(&listener, &listener.told, 1);
    CHECK(strcmp(listener.thread, "rmq-delivery") == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(waiter.code == RMQ_OK);
    wait_for_outcomes(&outcomes, 4);

    /* Nobody was refused since: no event. */
    CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    CHECK(listener.told == 1);

    /* Again, and the listener sends. */
    listener.producer = producer;
    listener.outcomes = &outcomes;
    gate.open = 0;
    fill(producer, block, &outcomes, 1);
    gate_open(&gate);
    wait_for(&listener, &listener.told, 2);
    wait_for_outcomes(&outcomes, 10);
    CHECK(outcomes.succeeded == 10 && outcomes.failed == 0);

    /* A producer made without the listener does not call it. */
    gate.open = 0;
    fill(quiet, block, &outcomes, 1);
    gate_open(&gate);
    CHECK_OK(rmq_producer_close(quiet, PATIENCE_MS));
    CHECK(listener.told == 2);
    CHECK_FAILS(rmq_producer_wait_writable(quiet, -1), RMQ_ERR_CLOSED, NULL);
    rmq_producer_destroy(quiet);

    /* A wait without bound ends when the producer is closed. */
    listener.producer = NULL;
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    fill(producer, count_outcome, &outcomes, 0);
    waiter.code = -1;
    CHECK(pthread_create(&thread, NULL, wait_writable, &waiter) == 0);
    CHECK_FAILS(rmq_producer_close(producer, 0), RMQ_ERR_TIMEOUT, NULL);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(waiter.code == RMQ_ERR_CLOSED);
    rmq_producer_destroy(producer);
    wait_for(&listener, &listener.finalized, 1);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
