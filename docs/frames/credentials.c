/* The provider of the manual: use_vault(). */
#include <stdio.h>
#include <string.h>

#include <rmq.h>
#include <rmq_mock.h>

static int ask(void *vault, const char **access_key, const char **secret_key, const char **token, uint64_t *ends_at_ms) {
    *access_key = "orders";
    *secret_key = "the secret";
    *token = NULL;
    *ends_at_ms = 0;
    return *(int *)vault;
}

/* the block */

int main(void) {
    int is_open = 0, was_refused;
    rmq_mock_cluster_t *brokers = NULL;
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_message_t message = RMQ_MESSAGE_INIT;
    char where[32];
    rmq_error_t *error = rmq_mock_cluster_new(1, &brokers);
    if (!error) error = rmq_mock_name_server(brokers, where, sizeof where);
    if (!error) error = rmq_mock_set_account(brokers, "orders", "the secret", NULL);
    if (!error) error = rmq_config_new(&config);
    if (!error) error = rmq_config_set(config, "producer.group", "orders");
    if (!error) error = rmq_config_set(config, "name.server", where);
    if (!error) error = use_vault(config, &is_open);
    if (!error) error = rmq_producer_new(config, &producer);
    if (error) fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
    message.topic = "OrderPaid";
    message.body = "order 42";
    message.body_len = 8;
    if (!error) error = rmq_send(producer, &message, -1, NULL);
    was_refused = rmq_error_code(error) == RMQ_ERR_ACCESS_DENIED && strstr(rmq_error_message(error), "sealed") != NULL;
    rmq_error_destroy(error);
    rmq_producer_destroy(producer);
    producer = NULL;
    is_open = 1;
    error = rmq_producer_new(config, &producer);
    if (!error) error = rmq_send(producer, &message, -1, NULL);
    if (error) fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(brokers);
    return error != NULL || !was_refused;
}
