/* A selector chooses the queue: called once, with every queue in the Java client's order, on whichever thread; what
 * it chooses is kept, and what is no queue fails the send. */
#include "check.h"

typedef struct choice_t {
    int32_t index;
    int calls;
    size_t count;
    char last_broker[32];
    int32_t last_queue;
    pthread_t thread;
    rmq_producer_t *producer;
    pthread_mutex_t lock;
} choice_t;

#define CHOOSE(index) { (index), 0, 0, "", 0, pthread_self(), NULL, PTHREAD_MUTEX_INITIALIZER }

static int32_t choose(const rmq_queue_ref_t *queues, size_t count, void *opaque)
{
    choice_t *choice = opaque;
    pthread_mutex_lock(&choice->lock);
    choice->calls++;
    choice->count = count;
    choice->thread = pthread_self();
    snprintf(choice->last_broker, sizeof choice->last_broker, "%s", queues[count - 1].broker_name);
    choice->last_queue = queues[count - 1].queue_id;
    if (choice->producer != NULL) {
        rmq_message_t message = message_to("selected", "from a selector");
        size_t in_flight;
        CHECK_FAILS(rmq_send(choice->producer, &message, -1, NULL), RMQ_ERR_WOULD_DEADLOCK, "selector");
        CHECK_FAILS(rmq_send_oneway(choice->producer, &message, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
        CHECK_FAILS(rmq_producer_close(choice->producer, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
        CHECK_FAILS(rmq_producer_queues(choice->producer, "selected", -1, NULL, 0, &in_flight),
                    RMQ_ERR_WOULD_DEADLOCK, NULL);
        CHECK_OK(rmq_producer_in_flight(choice->producer, &in_flight));
    }
    pthread_mutex_unlock(&choice->lock);
    return choice->index;
}

static void check_queue(const rmq_receipt_t *receipt, int32_t index)
{
    CHECK(strcmp(receipt->broker_name, index / 2 == 0 ? "broker-0" : "broker-1") == 0);
    CHECK(receipt->queue_id == index % 2);
}

static void take_queue(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    CHECK(error == NULL);
    check_queue(receipt, *(int32_t *)opaque);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("selected", "body");
    const rmq_message_t *batch[3] = { &message, &message, &message };
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT, receipts[3] = { RMQ_RECEIPT_INIT };
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    outcomes_t outcomes = OUTCOMES_INIT;
    choice_t first = CHOOSE(3);
    int32_t index;
    int i;

    CHECK_OK(rmq_mock_create_topic(cluster, "selected", 2, 2, 6));
    CHECK_OK(rmq_mock_create_topic(cluster, "later", 2, 2, 6));
    message.selector = choose;

    /* The route is not known yet: on the I/O thread. */
    message.selector_opaque = &first;
    CHECK_OK(rmq_send(producer, &message, -1, &receipt));
    check_queue(&receipt, 3);
    CHECK(first.calls == 1 && first.count == 4 && !pthread_equal(first.thread, pthread_self()));
    CHECK(strcmp(first.last_broker, "broker-1") == 0 && first.last_queue == 1);

    /* It is known: here. */
    for (index = 0; index < 4; index++) {
        choice_t choice = CHOOSE(index);
        choice.producer = producer;
        message.selector_opaque = &choice;
        CHECK_OK(rmq_send(producer, &message, -1, &receipt));
        check_queue(&receipt, index);
        CHECK(choice.calls == 1 && pthread_equal(choice.thread, pthread_self()));
    }

    /* By callback, with a route that is known and one that is not. */
    for (index = 0; index < 2; index++) {
        choice_t choice = CHOOSE(index);
        choice.producer = producer;
        message.topic = index == 0 ? "selected" : "later";
        message.selector_opaque = &choice;
        CHECK_OK(rmq_send_async(producer, &message, -1, take_queue, &index));
        CHECK_OK(rmq_flush(producer, PATIENCE_MS));
        CHECK(choice.calls == 1);
    }
    message.topic = "selected";

    /* Further attempts keep to the queue and do not ask again. */
    {
        choice_t choice = CHOOSE(2);
        fault.kind = RMQ_MOCK_CODE;
        fault.code = 2;
        fault.times = 2;
        fault.request_code = 310;
        CHECK_OK(rmq_mock_inject(cluster, &fault));
        message.selector_opaque = &choice;
        CHECK_OK(rmq_send(producer, &message, -1, &receipt));
        check_queue(&receipt, 2);
        CHECK(receipt.attempts == 3 && choice.calls == 1);
    }

    /* Once for a batch. */
    {
        choice_t choice = CHOOSE(1);
        message.selector_opaque = &choice;
        CHECK_OK(rmq_send_batch(producer, batch, 3, -1, receipts));
        CHECK(choice.calls == 1);
        for (i = 0; i < 3; i++)
            check_queue(&receipts[i], 1);
    }

    /* No queue of these: nothing is sent. */
    {
        static const int32_t bad[] = { -1, 4, INT32_MIN, INT32_MAX };
        uint64_t before, after;
        CHECK_OK(rmq_mock_stored_count(cluster, "selected", &before));
        for (i = 0; i < 4; i++) {
            choice_t choice = CHOOSE(bad[i]);
            message.selector_opaque = &choice;
            CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_FORBIDDEN, "of 4 queues");
            CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
            wait_for_outcomes(&outcomes, i + 1);
            CHECK(outcomes.failed == i + 1 && outcomes.last_code == RMQ_ERR_FORBIDDEN);
            CHECK(choice.calls == 2);
        }
        CHECK_OK(rmq_mock_stored_count(cluster, "selected", &after));
        CHECK(after == before);
    }
    {
        choice_t choice = CHOOSE(-1);
        uint64_t stored;
        CHECK_OK(rmq_mock_create_topic(cluster, "unseen", 2, 2, 6));
        message.topic = "unseen";
        message.selector_opaque = &choice;
        CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_FORBIDDEN, "chose none of 4 queues");
        CHECK(choice.calls == 1 && !pthread_equal(choice.thread, pthread_self()));
        CHECK_OK(rmq_mock_stored_count(cluster, "unseen", &stored));
        CHECK(stored == 0);
    }

    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
