/* Batches: one request, a receipt for each message, all stored or none; what cannot be in one; split batches. */
#include "check.h"

enum { COUNT = 5, SEND_BATCH = 320 };

static rmq_message_t items[COUNT];
static const rmq_message_t *batch[COUNT];

/* Five messages with bodies "0" to "4". */
static void prepare(const char *topic)
{
    static const char *bodies[COUNT] = { "0", "1", "2", "3", "4" };
    size_t i;
    for (i = 0; i < COUNT; i++) {
        items[i] = message_to(topic, bodies[i]);
        batch[i] = &items[i];
    }
}

static uint64_t requests(rmq_mock_cluster_t *cluster)
{
    uint64_t count;
    CHECK_OK(rmq_mock_request_count(cluster, SEND_BATCH, &count));
    return count;
}

static void check_stored(rmq_mock_cluster_t *cluster, const char *topic, uint64_t wanted)
{
    uint64_t stored;
    CHECK_OK(rmq_mock_stored_count(cluster, topic, &stored));
    CHECK(stored == wanted);
}

/* Receipts in the order of the messages: ids of their own, one queue, offsets that follow one another. */
static void receipts_of_each(rmq_mock_cluster_t *cluster, rmq_producer_t *producer)
{
    struct {
        rmq_receipt_t receipt;
        uint64_t unknown[3];
    } receipts[COUNT];
    char text[64];
    size_t i, k, len;

    prepare("receipts");
    items[2].tags = "third";
    memset(receipts, 0xab, sizeof receipts);
    receipts[0].receipt.struct_size = sizeof receipts[0];
    CHECK_OK(rmq_send_batch(producer, batch, COUNT, -1, &receipts[0].receipt));
    CHECK(requests(cluster) == 1);
    check_stored(cluster, "receipts", COUNT);
    for (i = 0; i < COUNT; i++) {
        rmq_receipt_t *receipt = &receipts[i].receipt;
        CHECK(receipt->struct_size == sizeof receipts[0] && receipts[i].unknown[0] == 0xabababababababab);
        CHECK(receipt->status == RMQ_SEND_OK && strcmp(receipt->topic, "receipts") == 0);
        CHECK(receipt->queue_id == receipts[0].receipt.queue_id);
        CHECK(strcmp(receipt->broker_name, receipts[0].receipt.broker_name) == 0);
        CHECK(receipt->queue_offset == receipts[0].receipt.queue_offset + (int64_t)i);
        for (k = 0; k < i; k++) {
            CHECK(strcmp(receipt->message_id, receipts[k].receipt.message_id) != 0);
            CHECK(strcmp(receipt->offset_message_id, receipts[k].receipt.offset_message_id) != 0);
        }
        CHECK_OK(rmq_mock_stored_body(cluster, "receipts", i, text, sizeof text, &len));
        CHECK(len == 1 && text[0] == (char)('0' + i));
        CHECK_OK(rmq_mock_stored_property(cluster, "receipts", i, "UNIQ_KEY", text, sizeof text));
        CHECK(strcmp(text, receipt->message_id) == 0);
        CHECK_OK(rmq_mock_stored_property(cluster, "receipts", i, "TAGS", text, sizeof text));
        CHECK(strcmp(text, i == 2 ? "third" : "") == 0);
    }

    /* Nobody wants receipts; a queue for all. */
    CHECK_OK(rmq_send_batch(producer, batch, COUNT, -1, NULL));
    for (i = 0; i < COUNT; i++) {
        items[i].broker_name = "broker-1";
        items[i].queue_id = 1;
    }
    receipts[0].receipt.struct_size = sizeof receipts[0];
    CHECK_OK(rmq_send_batch(producer, batch, COUNT, -1, &receipts[0].receipt));
    for (i = 0; i < COUNT; i++)
        CHECK(strcmp(receipts[i].receipt.broker_name, "broker-1") == 0 && receipts[i].receipt.queue_id == 1);
    check_stored(cluster, "receipts", 3 * COUNT);
}

static void outcomes_in_a_queue(rmq_mock_cluster_t *cluster, rmq_producer_t *producer, rmq_queue_t *queue)
{
    rmq_event_t events[COUNT] = { RMQ_EVENT_INIT };
    int seen[COUNT] = { 0 };
    void *opaques[COUNT];
    uint64_t before = requests(cluster);
    int64_t offsets[COUNT];
    size_t got, count, i;

    prepare("queued");
    for (i = 0; i < COUNT; i++)
        opaques[i] = &seen[i];
    CHECK_OK(rmq_send_batch_queued(producer, batch, COUNT, -1, queue, opaques));
    for (got = 0; got < COUNT; got += count) {
        CHECK_OK(rmq_queue_poll(queue, events, COUNT, PATIENCE_MS, &count));
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            int *mine = events[i].opaque;
            CHECK(events[i].code == RMQ_OK);
            ++*mine;
            offsets[mine - seen] = events[i].receipt.queue_offset;
        }
    }
    for (i = 0; i < COUNT; i++)
        CHECK(seen[i] == 1 && offsets[i] == offsets[0] + (int64_t)i);
    CHECK(requests(cluster) == before + 1);

    /* Refused by the broker, for good: each hears of it. */
    {
        rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
        fault.kind = RMQ_MOCK_CODE;
        fault.code = 13;
        fault.remark = "no";
        CHECK_OK(rmq_mock_inject(cluster, &fault));
    }
    CHECK_OK(rmq_send_batch_queued(producer, batch, COUNT, -1, queue, NULL));
    for (got = 0; got < COUNT; got += count) {
        CHECK_OK(rmq_queue_poll(queue, events, COUNT, PATIENCE_MS, &count));
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            CHECK(events[i].code == RMQ_ERR_BROKER && events[i].opaque == NULL);
            CHECK(rmq_error_broker_code(events[i].error) == 13);
            rmq_error_destroy(events[i].error);
        }
    }
    CHECK_OK(rmq_mock_clear_faults(cluster));
}

/* The same for both calls: nothing is sent, written or told. */
static void refused(rmq_producer_t *producer, rmq_queue_t *queue, size_t count, int32_t code, const char *text)
{
    rmq_receipt_t receipts[COUNT] = { RMQ_RECEIPT_INIT };
    rmq_event_t event = RMQ_EVENT_INIT;
    size_t polled;
    rmq_error_t *error = rmq_send_batch(producer, batch, count, -1, receipts);
    CHECK(rmq_error_stored_count(error) == 0);
    CHECK_FAILS(error, code, text);
    CHECK(receipts[0].message_id[0] == 0);
    CHECK_FAILS(rmq_send_batch_queued(producer, batch, count, -1, queue, NULL), code, text);
    CHECK_OK(rmq_queue_poll(queue, &event, 1, 0, &polled));
    CHECK(polled == 0);
}

static void refusals(rmq_mock_cluster_t *cluster, rmq_producer_t *producer, rmq_queue_t *queue)
{
    uint64_t before = requests(cluster);
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
#define REFUSED(change, code, text)                     \
    do {                                                \
        prepare("refused");                             \
        change;                                         \
        refused(producer, queue, COUNT, (code), (text)); \
    } while (0)

    prepare("refused");
    refused(producer, queue, 0, RMQ_ERR_MESSAGE_ILLEGAL, "no messages");
    prepare("%RETRY%group");
    refused(producer, queue, COUNT, RMQ_ERR_MESSAGE_ILLEGAL, "%RETRY%group");
    REFUSED(items[1].topic = "other", RMQ_ERR_MESSAGE_ILLEGAL, "message 1 of the batch has another topic");
    REFUSED(items[2].wait_store_ok = 0, RMQ_ERR_MESSAGE_ILLEGAL, "message 2 of the batch has another wait_store_ok");
    REFUSED(items[3].sharding_key = "key", RMQ_ERR_MESSAGE_ILLEGAL, "message 3 of the batch has another destination");
    REFUSED(items[4].delay_level = 1, RMQ_ERR_MESSAGE_ILLEGAL, "message 4 of the batch has a delay");
    REFUSED(items[0].delay_seconds = 1, RMQ_ERR_MESSAGE_ILLEGAL, "message 0 of the batch has a delay");
    REFUSED(items[0].delay_ms = 1, RMQ_ERR_MESSAGE_ILLEGAL, "message 0 of the batch has a delay");
    REFUSED(items[0].deliver_at_ms = 1, RMQ_ERR_MESSAGE_ILLEGAL, "message 0 of the batch has a delay");
    REFUSED(items[1].body_len = 0, RMQ_ERR_MESSAGE_ILLEGAL, "body is empty");
    REFUSED(items[1].topic = NULL, RMQ_ERR_INVALID_ARGUMENT, "message 1 of the batch: ");
    REFUSED(items[1].topic = NULL, RMQ_ERR_INVALID_ARGUMENT, ": message->topic is NULL");
    REFUSED(items[2].tags = "\xff", RMQ_ERR_INVALID_ARGUMENT, "message 2 of the batch: ");
    REFUSED(items[3].struct_size = 4, RMQ_ERR_INVALID_ARGUMENT, "message->struct_size is 4");
    REFUSED(batch[4] = NULL, RMQ_ERR_INVALID_ARGUMENT, "message 4 of the batch: ");
#undef REFUSED

    prepare("refused");
    receipt.struct_size = 4;
    CHECK_FAILS(rmq_send_batch(producer, batch, COUNT, -1, &receipt), RMQ_ERR_INVALID_ARGUMENT,
                "receipts->struct_size is 4");
    CHECK(requests(cluster) == before);
    check_stored(cluster, "refused", 0);
}

static char large[1000];

static void prepare_large(const char *topic)
{
    size_t i;
    memset(large, 'x', sizeof large);
    prepare(topic);
    for (i = 0; i < COUNT; i++) {
        items[i].body = large;
        items[i].body_len = sizeof large;
    }
}

/* After the first stored message brokers refuse batches. */
static void then_refuse(const rmq_send_attempt_t *attempt, const rmq_error_t *error, const rmq_receipt_t *receipt,
                        void *opaque)
{
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    (void)error;
    if (receipt == NULL || strcmp(attempt->topic, "cut") != 0)
        return;
    fault.kind = RMQ_MOCK_CODE;
    fault.code = 13;
    fault.request_code = SEND_BATCH;
    CHECK_OK(rmq_mock_inject(opaque, &fault));
}

static int32_t not_the_third(const rmq_send_attempt_t *attempt, char *reason, size_t reason_len, void *opaque)
{
    (void)opaque;
    if (attempt->body_len != 1 || *(const char *)attempt->body != '2')
        return 0;
    snprintf(reason, reason_len, "the third");
    return 1;
}

static void split(rmq_mock_cluster_t *cluster, rmq_queue_t *queue)
{
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL, *whole = NULL;
    rmq_receipt_t receipts[COUNT] = { RMQ_RECEIPT_INIT }, receipt = RMQ_RECEIPT_INIT;
    rmq_error_t *error, *clone;
    uint64_t before;
    char text[64];
    size_t i, k, position = 99;

    CHECK_OK(rmq_config_set(config, "max.message.size", "2500"));
    CHECK_OK(rmq_producer_new(config, &whole));
    CHECK_OK(rmq_config_set(config, "batch.split", "true"));
    CHECK_OK(rmq_config_add_send_hook(config, NULL, then_refuse, cluster, NULL));
    CHECK_OK(rmq_config_add_check_forbidden_hook(config, not_the_third, NULL, NULL));
    CHECK_OK(rmq_producer_new(config, &producer));

    prepare_large("large");
    refused(whole, queue, COUNT, RMQ_ERR_MESSAGE_ILLEGAL, "max.message.size");
    CHECK_FAILS(rmq_send_batch_queued(producer, batch, COUNT, -1, queue, NULL), RMQ_ERR_MESSAGE_ILLEGAL,
                "max.message.size");
    before = requests(cluster);
    CHECK_OK(rmq_send_batch(producer, batch, COUNT, -1, receipts));
    CHECK(requests(cluster) == before + 3); /* two, two, one */
    for (i = 0; i < COUNT; i++)
        for (k = 0; k < i; k++)
            CHECK(strlen(receipts[i].message_id) == 32
                  && strcmp(receipts[i].message_id, receipts[k].message_id) != 0);
    check_stored(cluster, "large", COUNT);

    /* The second part fails: the error has the receipts of the first. */
    prepare_large("cut");
    memset(receipts, 0, sizeof receipts);
    receipts[0].struct_size = sizeof receipts[0];
    error = rmq_send_batch(producer, batch, COUNT, -1, receipts);
    CHECK(rmq_error_code(error) == RMQ_ERR_BROKER && rmq_error_broker_code(error) == 13);
    CHECK(receipts[0].message_id[0] == 0 && receipts[1].struct_size == 0); /* written at success only */
    CHECK(rmq_error_stored_count(error) == 2);
    clone = rmq_error_clone(error);
    rmq_error_destroy(error);
    CHECK(rmq_error_stored_count(clone) == 2);
    for (i = 0; i < 2; i++) {
        CHECK_OK(rmq_error_stored(clone, i, &position, &receipt));
        CHECK(position == i);
        CHECK_OK(rmq_mock_stored_property(cluster, "cut", i, "UNIQ_KEY", text, sizeof text));
        CHECK(strcmp(text, receipt.message_id) == 0);
    }
    CHECK_FAILS(rmq_error_stored(clone, 2, &position, &receipt), RMQ_ERR_INVALID_ARGUMENT, "index is 2, there are 2");
    rmq_error_destroy(clone);
    check_stored(cluster, "cut", 2);
    CHECK_OK(rmq_mock_clear_faults(cluster));

    /* One is refused by a hook: the error says which are stored. */
    prepare("holes");
    error = rmq_send_batch(producer, batch, COUNT, -1, NULL);
    CHECK(rmq_error_code(error) == RMQ_ERR_FORBIDDEN && strstr(rmq_error_message(error), "the third") != NULL);
    CHECK(rmq_error_stored_count(error) == COUNT - 1);
    for (i = 0; i < COUNT - 1; i++) {
        CHECK_OK(rmq_error_stored(error, i, &position, NULL));
        CHECK(position == i + (i >= 2));
    }
    rmq_error_destroy(error);
    check_stored(cluster, "holes", COUNT - 1);

    rmq_producer_destroy(whole);
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_queue_t *queue = NULL;

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_mock_create_topic(cluster, "receipts", 2, 2, 6));
    receipts_of_each(cluster, producer);
    outcomes_in_a_queue(cluster, producer, queue);
    refusals(cluster, producer, queue);
    split(cluster, queue);

    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_FAILS(rmq_send_batch(producer, batch, COUNT, -1, NULL), RMQ_ERR_CLOSED, NULL);
    CHECK_FAILS(rmq_send_batch_queued(producer, batch, COUNT, -1, queue, NULL), RMQ_ERR_CLOSED, NULL);
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
