/* NULL for every pointer argument of every function: an error that names the argument, or nothing at all. */
#include "check.h"

#define NAMES(call, argument) CHECK_FAILS(call, RMQ_ERR_INVALID_ARGUMENT, "argument " argument " is NULL")

static void callback(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    (void)error, (void)receipt, (void)opaque;
    CHECK(!"called for a send that was refused");
}

static void before(const rmq_send_attempt_t *attempt, rmq_added_properties_t *added, void *opaque)
{
    (void)attempt, (void)opaque;
    NAMES(rmq_add_property(NULL, "name", "value"), "added");
    NAMES(rmq_add_property(added, NULL, "value"), "name");
    NAMES(rmq_add_property(added, "name", NULL), "value");
}

static int32_t check(const rmq_send_attempt_t *attempt, char *reason, size_t reason_len, void *opaque)
{
    (void)attempt, (void)reason, (void)reason_len, (void)opaque;
    return 0;
}

static void not_taken(void *opaque)
{
    (void)opaque;
    CHECK(!"finalized what was not taken");
}

static void configuration(rmq_config_t *config)
{
    size_t len;
    char buffer[8];
    NAMES(rmq_config_new(NULL), "out");
    NAMES(rmq_config_set(NULL, "producer.group", "g"), "config");
    NAMES(rmq_config_set(config, NULL, "g"), "key");
    NAMES(rmq_config_set(config, "producer.group", NULL), "value");
    NAMES(rmq_config_get(NULL, "producer.group", buffer, sizeof buffer, &len), "config");
    NAMES(rmq_config_get(config, NULL, buffer, sizeof buffer, &len), "key");
    NAMES(rmq_config_get(config, "producer.group", NULL, sizeof buffer, &len), "buffer");
    NAMES(rmq_config_get(config, "producer.group", buffer, sizeof buffer, NULL), "out_len");
    CHECK_OK(rmq_config_get(config, "producer.group", NULL, 0, &len));
    CHECK(len == strlen("test"));
    NAMES(rmq_config_set_log(NULL, NULL, NULL, NULL), "config");
    CHECK_OK(rmq_config_set_log(config, NULL, NULL, NULL));
    NAMES(rmq_config_set_writable(NULL, NULL, NULL, NULL), "config");
    CHECK_OK(rmq_config_set_writable(config, NULL, NULL, NULL));
    NAMES(rmq_config_add_send_hook(NULL, before, NULL, NULL, NULL), "config");
    CHECK_FAILS(rmq_config_add_send_hook(config, NULL, NULL, NULL, not_taken), RMQ_ERR_INVALID_ARGUMENT,
                "argument before is NULL, and after too");
    NAMES(rmq_config_add_check_forbidden_hook(NULL, check, NULL, NULL), "config");
    NAMES(rmq_config_add_check_forbidden_hook(config, NULL, NULL, not_taken), "function");
    CHECK(rmq_config_key_count() > 10);
    NAMES(rmq_config_key(0, NULL), "out");
    rmq_config_destroy(NULL);
}

static void errors(void)
{
    rmq_failed_attempt_t attempt = RMQ_FAILED_ATTEMPT_INIT;
    rmq_error_t *error;
    size_t position;
    rmq_error_destroy(NULL);
    CHECK(rmq_error_clone(NULL) == NULL);
    CHECK(rmq_error_code(NULL) == RMQ_OK);
    CHECK(strcmp(rmq_error_name(NULL), "OK") == 0);
    CHECK(strcmp(rmq_error_message(NULL), "") == 0);
    CHECK(rmq_error_broker_code(NULL) == -1);
    CHECK(strcmp(rmq_error_remark(NULL), "") == 0);
    CHECK(strcmp(rmq_error_broker_address(NULL), "") == 0);
    CHECK(rmq_error_attempts(NULL) == 0);
    CHECK(rmq_error_elapsed_ms(NULL) == 0);
    CHECK(rmq_error_is_retriable(NULL) == 0);
    CHECK(rmq_error_persistence(NULL) == RMQ_NOT_PERSISTED);
    CHECK(rmq_error_history_count(NULL) == 0);
    NAMES(rmq_error_history(NULL, 0, &attempt), "error");
    CHECK(rmq_error_stored_count(NULL) == 0);
    NAMES(rmq_error_stored(NULL, 0, &position, NULL), "error");
    error = rmq_config_new(NULL);
    NAMES(rmq_error_history(error, 0, NULL), "out");
    CHECK_FAILS(rmq_error_history(error, 0, &attempt), RMQ_ERR_INVALID_ARGUMENT, "index is 0, there are 0");
    NAMES(rmq_error_stored(error, 0, NULL, NULL), "out_position");
    CHECK_FAILS(rmq_error_stored(error, 0, &position, NULL), RMQ_ERR_INVALID_ARGUMENT, "index is 0, there are 0");
    rmq_error_destroy(error);
}

static void producers(rmq_config_t *config, rmq_producer_t *producer)
{
    rmq_producer_t *other = NULL;
    size_t count;
    NAMES(rmq_producer_new(NULL, &other), "config");
    NAMES(rmq_producer_new(config, NULL), "out");
    CHECK(other == NULL);
    NAMES(rmq_producer_wait_ready(NULL, 0), "producer");
    NAMES(rmq_flush(NULL, 0), "producer");
    NAMES(rmq_producer_close(NULL, 0), "producer");
    NAMES(rmq_producer_in_flight(NULL, &count), "producer");
    NAMES(rmq_producer_in_flight(producer, NULL), "out");
    NAMES(rmq_producer_queues(NULL, "nulls", 0, NULL, 0, &count), "producer");
    NAMES(rmq_producer_queues(producer, NULL, 0, NULL, 0, &count), "topic");
    NAMES(rmq_producer_queues(producer, "nulls", 0, NULL, 1, &count), "out");
    NAMES(rmq_producer_queues(producer, "nulls", 0, NULL, 0, NULL), "out_count");
    NAMES(rmq_producer_set_name_servers(NULL, "127.0.0.1:9876"), "producer");
    NAMES(rmq_producer_set_name_servers(producer, NULL), "addresses");
    NAMES(rmq_config_set_credentials_provider(NULL, NULL, NULL, NULL), "config");
    CHECK_OK(rmq_config_set_credentials_provider(config, NULL, NULL, NULL));
    NAMES(rmq_credentials_set(NULL, "key", "secret", NULL, 0), "out");
    NAMES(rmq_producer_set_credentials(NULL, "key", "secret", NULL), "producer");
    NAMES(rmq_producer_set_credentials(producer, NULL, "secret", NULL), "access_key");
    NAMES(rmq_producer_set_credentials(producer, "key", NULL, NULL), "secret_key");
    NAMES(rmq_producer_renew_after_fork(NULL), "producer");
    NAMES(rmq_producer_wait_writable(NULL, 0), "producer");
    NAMES(rmq_producer_look_up(NULL, "nulls", 0, NULL, NULL), "producer");
    NAMES(rmq_producer_look_up(producer, NULL, 0, NULL, NULL), "topic");
    NAMES(rmq_producer_look_up(producer, "nulls", 0, NULL, NULL), "queue");
    NAMES(rmq_flush_queued(NULL, 0, NULL, NULL), "producer");
    NAMES(rmq_flush_queued(producer, 0, NULL, NULL), "queue");
    NAMES(rmq_producer_wait_ready_queued(NULL, 0, NULL, NULL), "producer");
    NAMES(rmq_producer_wait_ready_queued(producer, 0, NULL, NULL), "queue");
    CHECK_OK(rmq_producer_wait_writable(producer, 0));
    rmq_producer_destroy(NULL);
}

static void sends(rmq_producer_t *producer, rmq_queue_t *queue)
{
    rmq_message_t message = message_to("nulls", "body");
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    const rmq_message_t *messages[2] = { &message, NULL };
    int32_t codes[2] = { -1, -1 };
    size_t accepted = 99;

    NAMES(rmq_send(NULL, &message, -1, &receipt), "producer");
    NAMES(rmq_send(producer, NULL, -1, &receipt), "message");
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    NAMES(rmq_send_async(NULL, &message, -1, callback, NULL), "producer");
    NAMES(rmq_send_async(producer, NULL, -1, callback, NULL), "message");
    NAMES(rmq_send_async(producer, &message, -1, NULL, NULL), "function");
    NAMES(rmq_send_oneway(NULL, &message, -1), "producer");
    NAMES(rmq_send_oneway(producer, NULL, -1), "message");
    NAMES(rmq_send_queued(NULL, &message, -1, queue, NULL), "producer");
    NAMES(rmq_send_queued(producer, NULL, -1, queue, NULL), "message");
    NAMES(rmq_send_queued(producer, &message, -1, NULL, NULL), "queue");
    NAMES(rmq_send_many(NULL, messages, 1, -1, queue, NULL, codes, &accepted), "producer");
    NAMES(rmq_send_many(producer, NULL, 1, -1, queue, NULL, codes, &accepted), "messages");
    NAMES(rmq_send_many(producer, messages, 1, -1, NULL, NULL, codes, &accepted), "queue");
    NAMES(rmq_send_many(producer, messages, 1, -1, queue, NULL, NULL, &accepted), "codes");
    NAMES(rmq_send_many(producer, messages, 1, -1, queue, NULL, codes, NULL), "out_accepted");
    CHECK(codes[0] == -1 && accepted == 99);
    CHECK_OK(rmq_send_many(producer, messages, 2, -1, queue, NULL, codes, &accepted));
    CHECK(codes[0] == RMQ_OK && codes[1] == RMQ_ERR_INVALID_ARGUMENT && accepted == 1);

    NAMES(rmq_send_batch(NULL, messages, 1, -1, NULL), "producer");
    NAMES(rmq_send_batch(producer, NULL, 1, -1, NULL), "messages");
    CHECK_FAILS(rmq_send_batch(producer, messages, 2, -1, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "message 1 of the batch: rmq_send_batch: argument message is NULL");
    CHECK_OK(rmq_send_batch(producer, messages, 1, -1, NULL));
    NAMES(rmq_send_batch_queued(NULL, messages, 1, -1, queue, NULL), "producer");
    NAMES(rmq_send_batch_queued(producer, NULL, 1, -1, queue, NULL), "messages");
    NAMES(rmq_send_batch_queued(producer, messages, 1, -1, NULL, NULL), "queue");
    CHECK_FAILS(rmq_send_batch_queued(producer, messages, 2, -1, queue, NULL), RMQ_ERR_INVALID_ARGUMENT,
                "message 1 of the batch: rmq_send_batch_queued: argument message is NULL");
    CHECK_OK(rmq_send_batch_queued(producer, messages, 1, -1, queue, NULL));
}

static void members(rmq_producer_t *producer)
{
    const char *keys[2] = { "one", NULL };
    rmq_property_t properties[2] = { { "name", "value" }, { "name", NULL } };
    rmq_message_t message = message_to("nulls", "body");

    message.topic = NULL;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->topic is NULL");
    message = message_to("nulls", "body");
    message.body = NULL;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->body is NULL");
    message.body_len = 0;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, NULL);
    message = message_to("nulls", "body");
    message.key_count = 2;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->keys is NULL");
    message.keys = keys;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->keys[1] is NULL");
    message.key_count = (size_t)-1;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->keys");
    message.key_count = 0;
    message.property_count = 2;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->properties is NULL");
    message.properties = properties;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "properties[1].value is NULL");
    properties[1].name = NULL;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "properties[1].name is NULL");
    message.property_count = 0;
    message.wait_store_ok = 2;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->wait_store_ok is 2");
    message.wait_store_ok = 1;
    message.body_len = (size_t)-1;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->body");
}

static void queues(rmq_queue_t *queue)
{
    rmq_event_t events[2] = { RMQ_EVENT_INIT };
    size_t count;
    int fd;
    NAMES(rmq_queue_new(NULL), "out");
    NAMES(rmq_queue_poll(NULL, events, 2, 0, &count), "queue");
    NAMES(rmq_queue_poll(queue, NULL, 2, 0, &count), "out");
    NAMES(rmq_queue_poll(queue, events, 2, 0, NULL), "out_count");
    CHECK_FAILS(rmq_queue_poll(queue, events, 0, 0, &count), RMQ_ERR_INVALID_ARGUMENT, "capacity");
    NAMES(rmq_queue_fd(NULL, &fd), "queue");
    NAMES(rmq_queue_fd(queue, NULL), "out");
    rmq_queue_destroy(NULL);
}

static void mock(rmq_mock_cluster_t *cluster)
{
    char buffer[64];
    uint64_t count;
    size_t len;
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    NAMES(rmq_mock_cluster_new(1, NULL), "out");
    NAMES(rmq_mock_name_server(NULL, buffer, sizeof buffer), "cluster");
    NAMES(rmq_mock_name_server(cluster, NULL, sizeof buffer), "buffer");
    CHECK_FAILS(rmq_mock_name_server(cluster, buffer, 3), RMQ_ERR_INVALID_ARGUMENT, "buffer_len is 3");
    NAMES(rmq_mock_create_topic(NULL, "t", 1, 1, 6), "cluster");
    NAMES(rmq_mock_create_topic(cluster, NULL, 1, 1, 6), "topic");
    NAMES(rmq_mock_set_auto_create(NULL, 1), "cluster");
    NAMES(rmq_mock_set_account(NULL, "key", "secret", NULL), "cluster");
    NAMES(rmq_mock_set_account(cluster, "key", NULL, NULL), "secret_key");
    NAMES(rmq_mock_remove_account(NULL, "key"), "cluster");
    NAMES(rmq_mock_remove_account(cluster, NULL), "access_key");
    NAMES(rmq_mock_inject(NULL, &fault), "cluster");
    NAMES(rmq_mock_inject(cluster, NULL), "fault");
    CHECK_FAILS(rmq_mock_inject(cluster, &fault), RMQ_ERR_INVALID_ARGUMENT, "fault->kind is 0");
    NAMES(rmq_mock_clear_faults(NULL), "cluster");
    NAMES(rmq_mock_stop_broker(NULL, "broker-0"), "cluster");
    NAMES(rmq_mock_stop_broker(cluster, NULL), "broker");
    CHECK_FAILS(rmq_mock_stop_broker(cluster, "broker-9"), RMQ_ERR_INVALID_ARGUMENT, "broker-9");
    NAMES(rmq_mock_start_broker(NULL, "broker-0"), "cluster");
    NAMES(rmq_mock_start_broker(cluster, NULL), "broker");
    NAMES(rmq_mock_stop_name_server(NULL), "cluster");
    NAMES(rmq_mock_start_name_server(NULL), "cluster");
    NAMES(rmq_mock_stored_count(NULL, "t", &count), "cluster");
    NAMES(rmq_mock_stored_count(cluster, NULL, &count), "topic");
    NAMES(rmq_mock_stored_count(cluster, "t", NULL), "out");
    NAMES(rmq_mock_request_count(NULL, 310, &count), "cluster");
    NAMES(rmq_mock_request_count(cluster, 310, NULL), "out");
    NAMES(rmq_mock_wait_stored(NULL, "t", 0, 0), "cluster");
    NAMES(rmq_mock_wait_stored(cluster, NULL, 0, 0), "topic");
    CHECK_FAILS(rmq_mock_wait_stored(cluster, "t", 1, 0), RMQ_ERR_TIMEOUT, "0 of 1");
    NAMES(rmq_mock_wait_requests(NULL, 310, 0, 0), "cluster");
    NAMES(rmq_mock_stored_body(NULL, "t", 0, buffer, sizeof buffer, &len), "cluster");
    NAMES(rmq_mock_stored_body(cluster, NULL, 0, buffer, sizeof buffer, &len), "topic");
    NAMES(rmq_mock_stored_body(cluster, "nulls", 0, NULL, sizeof buffer, &len), "buffer");
    NAMES(rmq_mock_stored_body(cluster, "nulls", 0, buffer, sizeof buffer, NULL), "out_len");
    CHECK_FAILS(rmq_mock_stored_body(cluster, "nulls", 9, NULL, 0, &len), RMQ_ERR_INVALID_ARGUMENT, "index is 9");
    NAMES(rmq_mock_stored_property(NULL, "t", 0, "KEYS", buffer, sizeof buffer), "cluster");
    NAMES(rmq_mock_stored_property(cluster, NULL, 0, "KEYS", buffer, sizeof buffer), "topic");
    NAMES(rmq_mock_stored_property(cluster, "nulls", 0, NULL, buffer, sizeof buffer), "name");
    NAMES(rmq_mock_stored_property(cluster, "nulls", 0, "KEYS", NULL, sizeof buffer), "buffer");
    rmq_mock_cluster_destroy(NULL);
}

static void statistics(rmq_producer_t *producer)
{
    rmq_stats_t *stats = NULL;
    double value;
    NAMES(rmq_producer_stats(NULL, &stats), "producer");
    NAMES(rmq_producer_stats(producer, NULL), "out");
    CHECK_OK(rmq_producer_stats(producer, &stats));
    NAMES(rmq_stats_get(NULL, "accepted", &value), "stats");
    NAMES(rmq_stats_get(stats, NULL, &value), "path");
    NAMES(rmq_stats_get(stats, "accepted", NULL), "out");
    CHECK(strcmp(rmq_stats_json(NULL), "") == 0);
    CHECK(strcmp(rmq_stats_prometheus(NULL), "") == 0);
    rmq_stats_destroy(NULL);
    rmq_stats_destroy(stats);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer;
    rmq_queue_t *queue = NULL;
    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_config_add_send_hook(config, before, NULL, NULL, NULL));
    CHECK_OK(rmq_producer_new(config, &producer));

    configuration(config);
    errors();
    producers(config, producer);
    sends(producer, queue);
    members(producer);
    queues(queue);
    statistics(producer);
    mock(cluster);

    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
