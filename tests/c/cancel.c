/* Threads that are cancelled in the library: in a long wait they end soon, elsewhere after the call, and whatever they used
   works on. */
#include "check.h"

static rmq_mock_cluster_t *cluster;
static rmq_producer_t *producer, *silent, *lost;
static rmq_queue_t *queue;
static int cleaned, waiting;

static void clean(void *opaque)
{
    __atomic_fetch_add((int *)opaque, 1, __ATOMIC_SEQ_CST);
}

static void *poll_for_ever(void *opaque)
{
    rmq_event_t event = RMQ_EVENT_INIT;
    size_t count;
    (void)opaque;
    CHECK_OK(rmq_queue_poll(queue, &event, 1, -1, &count));
    return NULL;
}

static void *flush_for_ever(void *opaque)
{
    (void)opaque;
    CHECK_OK(rmq_flush(silent, -1));
    return NULL;
}

static void *wait_for_room_for_ever(void *opaque)
{
    (void)opaque;
    CHECK_OK(rmq_producer_wait_writable(silent, -1));
    return NULL;
}

static void *wait_for_server_for_ever(void *opaque)
{
    (void)opaque;
    CHECK_OK(rmq_producer_wait_ready(lost, -1));
    return NULL;
}

static void *look_up_for_ever(void *opaque)
{
    size_t count;
    (void)opaque;
    CHECK_OK(rmq_producer_queues(lost, "cancelled", -1, NULL, 0, &count));
    return NULL;
}

static void *close_for_ever(void *opaque)
{
    (void)opaque;
    CHECK_OK(rmq_producer_close(silent, -1));
    return NULL;
}

static void *send_for_ever(void *opaque)
{
    rmq_message_t message = message_to("cancelled", "body");
    (void)opaque;
    for (;;) {
        CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
        CHECK_OK(rmq_send_oneway(producer, &message, PATIENCE_MS));
        pthread_testcancel();
    }
    return NULL;
}

static void *make_and_end(void *opaque)
{
    for (;;) {
        rmq_config_t *config = mock_config(cluster);
        rmq_producer_t *made = NULL;
        int former;
        (void)opaque;
        /* So that nothing is left without an owner. */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &former);
        CHECK_OK(rmq_producer_new(config, &made));
        pthread_setcancelstate(former, &former);
        rmq_producer_destroy(made);
        rmq_config_destroy(config);
        pthread_testcancel();
    }
    return NULL;
}

/* The thread is cancelled in a poll; its cleanup handler ends the queue and polls another one, nearly always at its address. */
static void poll_another(void *opaque)
{
    rmq_queue_t **polled = opaque, *others[100] = { NULL };
    rmq_message_t message = message_to("cancelled", "body");
    rmq_event_t event = RMQ_EVENT_INIT;
    size_t count, i = 0;

    rmq_queue_destroy(*polled);
    do
        CHECK_OK(rmq_queue_new(&others[i]));
    while (others[i] != *polled && ++i < 99);
    *polled = others[i] ? others[i] : others[0];
    CHECK_OK(rmq_send_queued(producer, &message, PATIENCE_MS, *polled, NULL));
    CHECK_OK(rmq_queue_poll(*polled, &event, 1, PATIENCE_MS, &count));
    CHECK(count == 1 && event.code == RMQ_OK);
    for (i = 0; i < 100; i++)
        rmq_queue_destroy(others[i]);
}

static void *poll_and_another(void *opaque)
{
    rmq_queue_t *polled;
    rmq_event_t event = RMQ_EVENT_INIT;
    size_t count;
    (void)opaque;
    CHECK_OK(rmq_queue_new(&polled));
    pthread_cleanup_push(poll_another, &polled);
    CHECK_OK(rmq_queue_poll(polled, &event, 1, -1, &count));
    pthread_cleanup_pop(0);
    return NULL;
}

struct run {
    void *(*work)(void *);
};

static void *run(void *opaque)
{
    struct run *of = opaque;
    pthread_cleanup_push(clean, &cleaned);
    __atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
    of->work(NULL);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Cancels a thread that has run for so long. */
static void cancel_after(void *(*work)(void *), long microseconds)
{
    struct run of = { work };
    int before = __atomic_load_n(&waiting, __ATOMIC_SEQ_CST), was_cleaned = cleaned;
    struct timespec pause = { 0, microseconds * 1000 };
    int64_t started;
    pthread_t thread;
    void *result;

    CHECK(pthread_create(&thread, NULL, run, &of) == 0);
    while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) == before)
        ;
    nanosleep(&pause, NULL);
    started = now_ms();
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && now_ms() - started < PATIENCE_MS);
    CHECK(cleaned == was_cleaned + 1);
}

/* A hook with cancellation points, on the sending thread; and a callback that cancels the thread it is called on. */
static void before(const rmq_send_attempt_t *attempt, rmq_added_properties_t *added, void *opaque)
{
    struct timespec none = { 0, 1000 };
    (void)attempt;
    (void)added;
    (void)opaque;
    nanosleep(&none, NULL);
    pthread_testcancel();
}

static void cancel_oneself(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    pthread_cancel(pthread_self());
    pthread_testcancel();
    count_outcome(error, receipt, opaque);
}

int main(void)
{
    rmq_message_t message = message_to("cancelled", "body");
    rmq_event_t event = RMQ_EVENT_INIT;
    rmq_config_t *config;
    rmq_mock_cluster_t *silent_cluster = mock_cluster(1);
    outcomes_t outcomes = OUTCOMES_INIT;
    size_t count;
    long i;

    cluster = mock_cluster(2);
    config = mock_config(cluster);
    CHECK_OK(rmq_config_add_send_hook(config, before, NULL, NULL, NULL));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    CHECK_OK(rmq_queue_new(&queue));

    /* One whose only place is taken for ever, and one whose name server is not there. */
    config = mock_config(silent_cluster);
    CHECK_OK(rmq_config_set(config, "in.flight.max.messages", "1"));
    CHECK_OK(rmq_producer_new(config, &silent));
    send_fault(silent_cluster, RMQ_MOCK_NO_ANSWER);
    CHECK_OK(rmq_send_async(silent, &message, 3600000, count_outcome, &outcomes));
    CHECK_OK(rmq_config_set(config, "name.server", "127.0.0.1:1"));
    CHECK_OK(rmq_producer_new(config, &lost));
    rmq_config_destroy(config);

    for (i = 0; i < 3; i++) {
        cancel_after(poll_for_ever, i * 100000);
        cancel_after(flush_for_ever, i * 100000);
        cancel_after(wait_for_room_for_ever, i * 100000);
    }
    cancel_after(poll_and_another, 1000);
    cancel_after(wait_for_server_for_ever, 1000);
    cancel_after(look_up_for_ever, 1000);
    for (i = 0; i < 200; i++)
        cancel_after(send_for_ever, i * 50);
    for (i = 0; i < 20; i++)
        cancel_after(make_and_end, i * 500);

    /* All of it works on. */
    CHECK_OK(rmq_send_queued(producer, &message, PATIENCE_MS, queue, NULL));
    CHECK_OK(rmq_queue_poll(queue, &event, 1, -1, &count));
    CHECK(count == 1 && event.code == RMQ_OK);
    for (i = 0; i < 100; i++)
        CHECK_OK(rmq_send_async(producer, &message, PATIENCE_MS, cancel_oneself, &outcomes));
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK(outcomes.succeeded == 100);
    /* Whoever closes next ends what the cancelled ones began. */
    for (i = 0; i < 3; i++)
        cancel_after(close_for_ever, i * 100000);
    CHECK_FAILS(rmq_send_async(silent, &message, -1, count_outcome, &outcomes), RMQ_ERR_CLOSED, NULL);
    CHECK_FAILS(rmq_producer_close(silent, 0), RMQ_ERR_TIMEOUT, NULL);
    wait_for_outcomes(&outcomes, 101);
    CHECK(outcomes.failed == 1 && outcomes.last_code == RMQ_ERR_CLOSED);
    rmq_producer_destroy(producer);
    rmq_producer_destroy(silent);
    rmq_producer_destroy(lost);
    rmq_queue_destroy(queue);
    rmq_mock_cluster_destroy(cluster);
    rmq_mock_cluster_destroy(silent_cluster);
    return 0;
}
