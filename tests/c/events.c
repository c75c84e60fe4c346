/* Events beside outcomes: room again to the queue that was refused, and the end of a look-up; a queue of two producers. */
#include "check.h"
#include <poll.h>

enum { BOUND = 4, MESSAGES = 300 };

static rmq_producer_t *small_producer(rmq_mock_cluster_t *cluster)
{
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    CHECK_OK(rmq_config_set(config, "in.flight.max.messages", "4"));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    return producer;
}

static size_t take(rmq_queue_t *queue, rmq_event_t *events, int64_t timeout_ms)
{
    size_t count = 99;
    memset(events, 0xcd, 16 * sizeof *events);
    events[0].struct_size = sizeof *events;
    CHECK_OK(rmq_queue_poll(queue, events, 16, timeout_ms, &count));
    return count;
}

static void is_writable(const rmq_event_t *event, rmq_producer_t *producer)
{
    CHECK(event->kind == RMQ_EVENT_WRITABLE && event->code == RMQ_OK && event->error == NULL);
    CHECK(event->opaque == NULL && event->producer == producer && event->queue_count == 0);
    CHECK(event->struct_size == sizeof *event && event->reserved[0] == 0 && event->reserved[1] == 0);
}

static void room_again(rmq_mock_cluster_t *cluster)
{
    rmq_producer_t *producer = small_producer(cluster), *another = small_producer(cluster);
    rmq_message_t message = message_to("events", "body");
    const rmq_message_t *many[2] = { &message, &message };
    rmq_event_t events[16] = { RMQ_EVENT_INIT };
    rmq_queue_t *queue = NULL, *refused = NULL;
    int32_t codes[2];
    size_t accepted, i;
    int fd;

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_queue_new(&refused));
    CHECK_OK(rmq_queue_fd(refused, &fd));
    for (i = 0; i < BOUND; i++) {
        CHECK_OK(rmq_send_queued(producer, &message, -1, queue, &message));
        CHECK_OK(rmq_send_queued(another, &message, -1, queue, &message));
    }
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    CHECK_OK(rmq_flush(another, PATIENCE_MS));
    for (i = 0; i < 3; i++)
        CHECK_FAILS(rmq_send_queued(producer, &message, -1, refused, NULL), RMQ_ERR_QUEUE_FULL, NULL);
    CHECK_OK(rmq_send_many(another, many, 2, -1, refused, NULL, codes, &accepted));
    CHECK(accepted == 0 && codes[0] == RMQ_ERR_QUEUE_FULL && codes[1] == RMQ_ERR_QUEUE_FULL);
    CHECK(take(refused, events, 0) == 0);

    /* Outcomes name their producer too, and make room when they are polled. */
    CHECK(take(queue, events, 0) == 2 * BOUND);
    for (i = 0; i < 2 * BOUND; i++) {
        CHECK(events[i].kind == RMQ_EVENT_OUTCOME && events[i].code == RMQ_OK && events[i].error == NULL);
        CHECK(events[i].producer == producer || events[i].producer == another);
        CHECK(events[i].opaque == &message && events[i].receipt.struct_size == sizeof(rmq_receipt_t));
    }
    CHECK(take(queue, events, 0) == 0);
    CHECK(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) == 1);
    CHECK(take(refused, events, 0) == 2);
    is_writable(&events[events[0].producer == another], producer);
    is_writable(&events[events[0].producer != another], another);

    /* Nobody was refused since: no event. */
    CHECK_OK(rmq_send_queued(producer, &message, -1, refused, NULL));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    CHECK(take(refused, events, 0) == 1 && events[0].kind == RMQ_EVENT_OUTCOME);
    CHECK(take(refused, events, 0) == 0);
    rmq_producer_destroy(producer);
    rmq_producer_destroy(another);
    rmq_queue_destroy(queue);
    rmq_queue_destroy(refused);
}

/* An event loop that never waits for room but by the event gets everything sent. */
static void no_event_is_lost(rmq_mock_cluster_t *cluster)
{
    rmq_producer_t *producer = small_producer(cluster);
    rmq_message_t message = message_to("events", "body");
    rmq_event_t events[16] = { RMQ_EVENT_INIT };
    rmq_queue_t *queue = NULL;
    size_t sent = 0, outcomes = 0, count, i;
    int may_send = 1;

    CHECK_OK(rmq_queue_new(&queue));
    while (outcomes < MESSAGES) {
        while (may_send && sent < MESSAGES) {
            rmq_error_t *error = rmq_send_queued(producer, &message, -1, queue, NULL);
            may_send = error == NULL;
            sent += error == NULL;
            CHECK(error == NULL || rmq_error_code(error) == RMQ_ERR_QUEUE_FULL);
            rmq_error_destroy(error);
        }
        count = take(queue, events, PATIENCE_MS);
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            switch (events[i].kind) {
            case RMQ_EVENT_OUTCOME:
                CHECK(events[i].code == RMQ_OK && events[i].error == NULL);
                outcomes++;
                break;
            case RMQ_EVENT_WRITABLE: may_send = 1; break;
            default: CHECK(0);
            }
        }
    }
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
}

static void look_ups(rmq_mock_cluster_t *cluster)
{
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_event_t events[16] = { RMQ_EVENT_INIT };
    rmq_message_queue_t queues[8] = { RMQ_MESSAGE_QUEUE_INIT };
    rmq_queue_t *queue = NULL;
    size_t count = 0;
    int mark, i;

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_mock_create_topic(cluster, "looked-up", 3, 3, 6));
    for (i = 0; i < 2; i++) { /* asked for, and known */
        CHECK_OK(rmq_producer_look_up(producer, "looked-up", -1, queue, &mark));
        CHECK(take(queue, events, i == 0 ? PATIENCE_MS : 0) == 1);
        CHECK(events[0].kind == RMQ_EVENT_ROUTED && events[0].code == RMQ_OK && events[0].error == NULL);
        CHECK(events[0].opaque == &mark && events[0].producer == producer && events[0].queue_count == 3);
    }
    CHECK_OK(rmq_producer_queues(producer, "looked-up", 0, queues, 8, &count));
    CHECK(count == 3);

    CHECK_OK(rmq_mock_set_auto_create(cluster, 0));
    CHECK_OK(rmq_producer_look_up(producer, "nowhere", PATIENCE_MS, queue, NULL));
    CHECK(take(queue, events, PATIENCE_MS) == 1);
    CHECK(events[0].kind == RMQ_EVENT_ROUTED && events[0].code == RMQ_ERR_NO_ROUTE && events[0].queue_count == 0);
    CHECK(rmq_error_code(events[0].error) == RMQ_ERR_NO_ROUTE);
    rmq_error_destroy(events[0].error);

    CHECK_FAILS(rmq_producer_look_up(producer, "not a topic", 0, queue, NULL), RMQ_ERR_MESSAGE_ILLEGAL, NULL);
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_FAILS(rmq_producer_look_up(producer, "looked-up", 0, queue, NULL), RMQ_ERR_CLOSED, NULL);
    CHECK(take(queue, events, 0) == 0);
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
}

/* Outcomes in the queue before the end of the flush, and what the end says. */
static int flushed(rmq_queue_t *queue, void *opaque, int code)
{
    rmq_event_t events[16] = { RMQ_EVENT_INIT };
    int outcomes = 0;
    size_t count, i;

    for (;;) {
        count = take(queue, events, PATIENCE_MS);
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            if (events[i].kind == RMQ_EVENT_OUTCOME) {
                outcomes++;
                rmq_error_destroy(events[i].error);
                continue;
            }
            CHECK(events[i].kind == RMQ_EVENT_DONE && events[i].opaque == opaque && events[i].code == code);
            CHECK((code == RMQ_OK) == (events[i].error == NULL) && i == count - 1);
            rmq_error_destroy(events[i].error);
            return outcomes;
        }
    }
}

static void calls_that_do_not_wait(rmq_mock_cluster_t *cluster)
{
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("queued-calls", "body");
    rmq_queue_t *queue = NULL;
    int mark, i;

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_producer_wait_ready_queued(producer, PATIENCE_MS, queue, &mark));
    CHECK(flushed(queue, &mark, RMQ_OK) == 0);
    for (i = 0; i < 10; i++)
        CHECK_OK(rmq_send_queued(producer, &message, PATIENCE_MS, queue, NULL));
    CHECK_OK(rmq_flush_queued(producer, PATIENCE_MS, queue, &mark));
    CHECK(flushed(queue, &mark, RMQ_OK) == 10);
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_FAILS(rmq_producer_wait_ready_queued(producer, 0, queue, NULL), RMQ_ERR_CLOSED, NULL);
    CHECK_OK(rmq_flush_queued(producer, 0, queue, NULL));
    CHECK(flushed(queue, NULL, RMQ_OK) == 0);
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
}

/* A flush whose time is over says so, and calls that are pending when their producer ends come to an end, once. */
static void ends_that_are_errors(rmq_mock_cluster_t *cluster)
{
    rmq_mock_fault_t held = RMQ_MOCK_FAULT_INIT, silent = RMQ_MOCK_FAULT_INIT;
    rmq_message_t message = message_to("ends", "body");
    rmq_event_t events[16] = { RMQ_EVENT_INIT };
    rmq_producer_t *producer = mock_producer(cluster);
    int flush, look_up, outcome, seen[3] = { 0 };
    rmq_queue_t *queue = NULL;
    size_t count, i;

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_mock_set_auto_create(cluster, 1));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    held.kind = RMQ_MOCK_HOLD;
    held.request_code = 310;
    CHECK_OK(rmq_mock_inject(cluster, &held));
    CHECK_OK(rmq_send_queued(producer, &message, 4 * PATIENCE_MS, queue, &outcome));
    CHECK_OK(rmq_flush_queued(producer, 1, queue, &flush));
    CHECK(take(queue, events, PATIENCE_MS) == 1 && events[0].kind == RMQ_EVENT_DONE && events[0].opaque == &flush);
    CHECK(events[0].code == RMQ_ERR_TIMEOUT && rmq_error_code(events[0].error) == RMQ_ERR_TIMEOUT);
    CHECK(events[0].producer == producer && events[0].queue_count == 0);
    rmq_error_destroy(events[0].error);

    silent.kind = RMQ_MOCK_NO_ANSWER;
    silent.broker = "namesrv";
    CHECK_OK(rmq_mock_inject(cluster, &silent));
    CHECK_OK(rmq_producer_look_up(producer, "unanswered", 4 * PATIENCE_MS, queue, &look_up));
    CHECK_OK(rmq_flush_queued(producer, -1, queue, &flush));
    rmq_producer_destroy(producer);
    while (seen[0] + seen[1] + seen[2] < 3) {
        count = take(queue, events, PATIENCE_MS);
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            switch (events[i].kind) {
            case RMQ_EVENT_OUTCOME:
                CHECK(events[i].opaque == &outcome && events[i].code == RMQ_ERR_CLOSED);
                seen[0]++;
                break;
            case RMQ_EVENT_ROUTED:
                CHECK(events[i].opaque == &look_up && events[i].code == RMQ_ERR_CLOSED);
                seen[1]++;
                break;
            case RMQ_EVENT_DONE:
                /* Nothing is without its outcome any more. */
                CHECK(events[i].opaque == &flush && events[i].code == RMQ_OK);
                seen[2]++;
                break;
            default: CHECK(0);
            }
            CHECK((events[i].code == RMQ_OK) == (events[i].error == NULL));
            rmq_error_destroy(events[i].error);
        }
    }
    CHECK(seen[0] == 1 && seen[1] == 1 && seen[2] == 1 && take(queue, events, 0) == 0);
    CHECK_OK(rmq_mock_clear_faults(cluster));
    rmq_queue_destroy(queue);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    room_again(cluster);
    no_event_is_lost(cluster);
    look_ups(cluster);
    calls_that_do_not_wait(cluster);
    ends_that_are_errors(cluster);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
