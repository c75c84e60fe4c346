/* Sharding keys and numbers, fixed queues, chance: which queue a message goes to, that it keeps to it, and what is refused. */
#include "check.h"

static void check_queue(const rmq_receipt_t *receipt, const char *broker, int32_t queue)
{
    if (strcmp(receipt->broker_name, broker) != 0 || receipt->queue_id != queue) {
        fprintf(stderr, "wanted queue %d of %s, got %d of %s\n", queue, broker, receipt->queue_id,
                receipt->broker_name);
        CHECK(!"the queue");
    }
}

/* Java's order of queues: broker-0 0, broker-0 1, broker-1 0, broker-1 1. */
static void sharding_keys(rmq_mock_cluster_t *cluster, rmq_producer_t *producer)
{
    static const struct {
        const char *key, *broker;
        int32_t queue;
    } cases[] = { { "TagA", "broker-1", 1 }, { "order-1", "broker-1", 0 }, { "\xe4\xb8\xad", "broker-0", 1 } };
    size_t i, n;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        rmq_message_t message = message_to("sharded", "body");
        message.sharding_key = cases[i].key;
        for (n = 0; n < 3; n++) {
            rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
            CHECK_OK(rmq_send(producer, &message, -1, &receipt));
            check_queue(&receipt, cases[i].broker, cases[i].queue);
        }
    }
    /* Broker by broker, each in its order: the three of broker-0, then those of broker-1. */
    for (i = 0; i < 9; i++) {
        char key[16];
        CHECK_OK(rmq_mock_stored_property(cluster, "sharded", i, "__SHARDINGKEY", key, sizeof key));
        CHECK(strcmp(key, i < 3 ? "\xe4\xb8\xad" : i < 6 ? "TagA" : "order-1") == 0);
    }
}

static void fixed_queue(rmq_mock_cluster_t *cluster, rmq_producer_t *producer)
{
    rmq_message_t message = message_to("fixed", "body");
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    char key[16];
    int i;

    message.broker_name = "broker-1";
    message.queue_id = 1;
    for (i = 0; i < 4; i++) {
        CHECK_OK(rmq_send(producer, &message, -1, &receipt));
        check_queue(&receipt, "broker-1", 1);
    }
    CHECK_OK(rmq_mock_stored_property(cluster, "fixed", 0, "__SHARDINGKEY", key, sizeof key));
    CHECK(*key == 0);
    message.broker_name = "broker-0";
    message.queue_id = 0;
    CHECK_OK(rmq_send(producer, &message, -1, &receipt));
    check_queue(&receipt, "broker-0", 0);

    /* A failed attempt (code 2, system busy) is repeated there, not at the other broker. */
    fault.kind = RMQ_MOCK_CODE;
    fault.code = 2;
    fault.request_code = 310;
    fault.times = 1;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    CHECK_OK(rmq_send(producer, &message, -1, &receipt));
    check_queue(&receipt, "broker-0", 0);
    CHECK(receipt.attempts == 2);
}

static void sharding_numbers(rmq_producer_t *producer)
{
    static const struct {
        int64_t number;
        const char *broker;
        int32_t queue;
    } cases[] = {
        { 0, "broker-0", 0 },
        { 7, "broker-1", 1 },
        { -5, "broker-0", 1 },           /* the index is the magnitude, modulo the number of queues */
        { (1LL << 33) + 1, "broker-1", 1 }, /* a Long: its halves are joined, 1 xor 2 */
    };
    size_t i, n;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        rmq_message_t message = message_to("sharded", "body");
        message.queue_choice = RMQ_QUEUE_BY_NUMBER;
        message.sharding_number = cases[i].number;
        for (n = 0; n < 3; n++) {
            rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
            CHECK_OK(rmq_send(producer, &message, -1, &receipt));
            check_queue(&receipt, cases[i].broker, cases[i].queue);
        }
    }
}

/* Chance reaches every queue, and does not take turns. */
static void random_queues(rmq_producer_t *producer)
{
    rmq_message_t message = message_to("sharded", "body");
    int seen[4] = { 0 }, last = -1, in_turn = 0, i;
    message.queue_choice = RMQ_QUEUE_RANDOM;
    for (i = 0; i < 200; i++) {
        rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
        int queue;
        CHECK_OK(rmq_send(producer, &message, -1, &receipt));
        queue = (strcmp(receipt.broker_name, "broker-1") == 0) * 2 + receipt.queue_id;
        in_turn += last >= 0 && queue == (last + 1) % 4;
        last = queue;
        seen[queue]++;
    }
    for (i = 0; i < 4; i++)
        CHECK(seen[i] > 0);
    CHECK(in_turn < 150);
}

static int32_t first_queue(const rmq_queue_ref_t *queues, size_t count, void *opaque)
{
    (void)queues, (void)count, (void)opaque;
    return 0;
}

static void refusals(rmq_producer_t *producer, rmq_queue_t *queue)
{
    rmq_message_t message = message_to("fixed", "body");
    const rmq_message_t *messages[1] = { &message };
    int32_t code = RMQ_OK;
    size_t accepted;

    message.broker_name = "broker-0";
    message.queue_id = 2;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_NO_ROUTE, "queue 2 of broker broker-0");
    message.queue_id = -1;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "-1");
    message.queue_id = 0;
    message.broker_name = "";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "without its broker");
    message.broker_name = "caf\xe9";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->broker_name is not UTF-8");
    message.broker_name = "broker-0";
    message.sharding_key = "order-1";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "rmq_send: message->sharding_key and ->broker_name are both set");
    CHECK_OK(rmq_send_many(producer, messages, 1, -1, queue, NULL, &code, &accepted));
    CHECK(accepted == 0 && code == RMQ_ERR_INVALID_ARGUMENT);
    message.broker_name = NULL;
    message.queue_id = 3;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "message->queue_id is 3, but ->broker_name is NULL");
    message.sharding_key = NULL;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "message->queue_id is 3, but ->broker_name is NULL");
    message.queue_id = 0;
    message.sharding_key = " ";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "sharding key is blank");
    message.sharding_key = "caf\xe9";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->sharding_key is not UTF-8");
    message.sharding_key = NULL;
    message.queue_choice = 7;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->queue_choice is 7");
    message.queue_choice = RMQ_QUEUE_RANDOM;
    message.sharding_number = 5;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "message->sharding_number is 5, but ->queue_choice is not RMQ_QUEUE_BY_NUMBER");
    message.queue_choice = RMQ_QUEUE_BY_NUMBER;
    message.sharding_key = "order-1";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "message->sharding_key and ->queue_choice are both set");
    message.sharding_key = NULL;
    message.selector = first_queue;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "message->queue_choice and ->selector are both set");
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_queue_t *queue = NULL;
    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_mock_create_topic(cluster, "sharded", 2, 2, 6));
    CHECK_OK(rmq_mock_create_topic(cluster, "fixed", 2, 2, 6));

    sharding_keys(cluster, producer);
    sharding_numbers(producer);
    random_queues(producer);
    fixed_queue(cluster, producer);
    refusals(producer, queue);

    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
