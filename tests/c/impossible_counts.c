/* Counts that no array can have, and arrays that are not aligned: refused by name before anything is read or written. */
#include "check.h"

#define UNTOUCHED 77

int main(void)
{
    static const size_t counts[] = { (size_t)1 << 60, (size_t)1 << 59, SIZE_MAX, (size_t)10000001 };
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("counted", "body"), wrong = message;
    const rmq_message_t *messages[2] = { NULL, &message };
    rmq_event_t events[2] = { RMQ_EVENT_INIT };
    rmq_message_queue_t queues[8] = { RMQ_MESSAGE_QUEUE_INIT };
    rmq_receipt_t receipts[2] = { RMQ_RECEIPT_INIT };
    void *opaques[3] = { NULL, NULL, NULL };
    void **unaligned = (void **)(void *)((char *)opaques + 1);
    rmq_queue_t *queue = NULL;
    int32_t codes[2] = { UNTOUCHED, UNTOUCHED };
    size_t accepted = UNTOUCHED, count = UNTOUCHED, i;

    CHECK_OK(rmq_queue_new(&queue));
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        size_t many = counts[i];
        CHECK_FAILS(rmq_send_many(producer, messages, many, -1, queue, NULL, codes, &accepted), RMQ_ERR_INVALID_ARGUMENT,
                    "argument count is");
        CHECK_FAILS(rmq_send_batch(producer, messages, many, -1, receipts), RMQ_ERR_INVALID_ARGUMENT, "argument count is");
        CHECK_FAILS(rmq_send_batch_queued(producer, messages, many, -1, queue, NULL), RMQ_ERR_INVALID_ARGUMENT,
                    "argument count is");
        wrong = message;
        wrong.key_count = many;
        CHECK_FAILS(rmq_send(producer, &wrong, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "->keys");
        wrong = message;
        wrong.property_count = many;
        CHECK_FAILS(rmq_send(producer, &wrong, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "->properties");
        wrong = message;
        wrong.body_len = many;
        CHECK_FAILS(rmq_send(producer, &wrong, -1, NULL),
                    many > PTRDIFF_MAX ? RMQ_ERR_INVALID_ARGUMENT : RMQ_ERR_MESSAGE_ILLEGAL, "body");
        if (many >= (size_t)1 << 59) {
            CHECK_FAILS(rmq_queue_poll(queue, events, many, 0, &count), RMQ_ERR_INVALID_ARGUMENT, "argument capacity is");
            CHECK_FAILS(rmq_producer_queues(producer, "counted", -1, queues, many, &count), RMQ_ERR_INVALID_ARGUMENT,
                        "argument capacity is");
        }
    }
    CHECK_FAILS(rmq_send_many(producer, messages, 2, -1, queue, unaligned, codes, &accepted), RMQ_ERR_INVALID_ARGUMENT,
                "argument opaques is not aligned");
    CHECK_FAILS(rmq_send_batch_queued(producer, messages + 1, 1, -1, queue, unaligned), RMQ_ERR_INVALID_ARGUMENT,
                "argument opaques is not aligned");
    CHECK(codes[0] == UNTOUCHED && codes[1] == UNTOUCHED && accepted == UNTOUCHED && count == UNTOUCHED);
    CHECK_OK(rmq_mock_wait_stored(cluster, "counted", 0, 0));

    /* A message that cannot be read has its code when the call succeeds, and none after an error. */
    CHECK_OK(rmq_send_many(producer, messages, 2, -1, queue, opaques, codes, &accepted));
    CHECK(codes[0] == RMQ_ERR_INVALID_ARGUMENT && codes[1] == RMQ_OK && accepted == 1);
    CHECK_OK(rmq_queue_poll(queue, events, 2, PATIENCE_MS, &count));
    CHECK(count == 1 && events[0].code == RMQ_OK);
    codes[0] = codes[1] = UNTOUCHED;
    accepted = UNTOUCHED;
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_FAILS(rmq_send_many(producer, messages, 2, -1, queue, opaques, codes, &accepted), RMQ_ERR_CLOSED, NULL);
    CHECK(codes[0] == UNTOUCHED && codes[1] == UNTOUCHED && accepted == UNTOUCHED);

    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
