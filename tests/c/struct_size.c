/* Initializers set every member; structs of other sizes: those of a broken caller are refused, those of a newer
 * header are served. */
#include "check.h"

typedef struct newer_message_t {
    rmq_message_t known;
    uint64_t unknown[4];
} newer_message_t;

typedef struct newer_receipt_t {
    rmq_receipt_t known;
    unsigned char unknown[32];
} newer_receipt_t;

typedef struct newer_event_t {
    rmq_event_t known;
    uint64_t unknown[3];
} newer_event_t;

/* Nothing but the size and `wait_store_ok`. */
static void initial_message(void)
{
    rmq_message_t message = RMQ_MESSAGE_INIT;
    rmq_message_t zero;
    memset(&zero, 0, sizeof zero);
    CHECK(message.struct_size == sizeof message && message.wait_store_ok == 1);
    message.struct_size = 0;
    message.wait_store_ok = 0;
    CHECK(memcmp(&message, &zero, sizeof zero) == 0);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_queue_t *queue = NULL;
    newer_message_t message;
    newer_receipt_t receipt;
    newer_event_t events[4];
    rmq_config_key_t key = RMQ_CONFIG_KEY_INIT;
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    uint64_t stored;
    size_t count = 0, got, i;

    initial_message();
    CHECK_OK(rmq_queue_new(&queue));
    memset(&message, 0, sizeof message);
    message.known = message_to("sizes", "body");
    memset(&receipt, 0xab, sizeof receipt);
    receipt.known.struct_size = sizeof(rmq_receipt_t);

    /* Too small, too large, not initialized. */
    message.known.struct_size = sizeof(rmq_message_t) - 8;
    CHECK_FAILS(rmq_send(producer, &message.known, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->struct_size");
    message.known.struct_size = 0;
    CHECK_FAILS(rmq_send(producer, &message.known, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->struct_size is 0");
    message.known.struct_size = 0xffffffff;
    CHECK_FAILS(rmq_send(producer, &message.known, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->struct_size");
    message.known.struct_size = sizeof(rmq_message_t);
    receipt.known.struct_size = 8;
    CHECK_FAILS(rmq_send(producer, &message.known, -1, &receipt.known), RMQ_ERR_INVALID_ARGUMENT, "out->struct_size");
    key.struct_size = 1;
    CHECK_FAILS(rmq_config_key(0, &key), RMQ_ERR_INVALID_ARGUMENT, "out->struct_size");
    fault.struct_size = 1;
    CHECK_FAILS(rmq_mock_inject(cluster, &fault), RMQ_ERR_INVALID_ARGUMENT, "fault->struct_size");
    events[0].known.struct_size = 12;
    CHECK_FAILS(rmq_queue_poll(queue, &events[0].known, 4, 0, &count), RMQ_ERR_INVALID_ARGUMENT, "struct_size");
    CHECK_OK(rmq_mock_stored_count(cluster, "sizes", &stored));
    CHECK(stored == 0);

    /* A newer header: members unknown here must be unset, and are not touched. */
    message.known.struct_size = sizeof message;
    receipt.known.struct_size = sizeof receipt;
    CHECK_OK(rmq_send(producer, &message.known, -1, &receipt.known));
    CHECK(receipt.known.struct_size == sizeof receipt && strcmp(receipt.known.topic, "sizes") == 0);
    for (i = 0; i < sizeof receipt.unknown; i++)
        CHECK(receipt.unknown[i] == 0xab);
    message.unknown[3] = 1;
    CHECK_FAILS(rmq_send(producer, &message.known, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "does not know");
    message.unknown[3] = 0;

    for (i = 0; i < 3; i++)
        CHECK_OK(rmq_send_queued(producer, &message.known, -1, queue, (void *)(uintptr_t)(i + 1)));
    memset(events, 0xcd, sizeof events);
    for (got = 0; got < 3; got += count) {
        events[got].known.struct_size = sizeof events[0];
        CHECK_OK(rmq_queue_poll(queue, &events[got].known, 4 - got, PATIENCE_MS, &count));
        CHECK(count > 0);
    }
    for (i = 0; i < 3; i++) {
        CHECK(events[i].known.struct_size == sizeof events[0]);
        CHECK(events[i].known.code == RMQ_OK && events[i].known.error == NULL);
        CHECK((uintptr_t)events[i].known.opaque >= 1 && (uintptr_t)events[i].known.opaque <= 3);
        CHECK(strcmp(events[i].known.receipt.topic, "sizes") == 0);
        CHECK(events[i].unknown[0] == 0xcdcdcdcdcdcdcdcd);
    }

    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
