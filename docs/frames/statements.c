/* Statements of the manual, run where all that they name is there. */
#include <stdio.h>
#include <string.h>

#include <rmq.h>
#include <rmq_mock.h>

static void go_on(void *sender) { (void)sender; }

static int good(rmq_error_t *error) {
    if (error) fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
    return !error;
}

int main(void) {
    rmq_mock_cluster_t *brokers = NULL;
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_mock_fault_t refuse = RMQ_MOCK_FAULT_INIT;
    rmq_message_t first = RMQ_MESSAGE_INIT, second = RMQ_MESSAGE_INIT, third = RMQ_MESSAGE_INIT;
    rmq_error_t *error = NULL;
    char where[32];
    void *my_sender = NULL, *my_order = NULL;

    first.topic = "OrderPaid";
    first.body = "order 42";
    first.body_len = 8;
    second = third = first;
    if (!good(rmq_mock_cluster_new(1, &brokers)) || !good(rmq_mock_name_server(brokers, where, sizeof where))) return 1;
    if (!good(rmq_config_new(&config)) || !good(rmq_config_set(config, "producer.group", "orders"))) return 1;
    if (!good(rmq_config_set(config, "name.server", where)) || !good(rmq_producer_new(config, &producer))) return 1;
    refuse.kind = RMQ_MOCK_CODE;
    refuse.code = 13;
    refuse.request_code = 310;
    refuse.times = 1;
    if (!good(rmq_mock_inject(brokers, &refuse))) return 1;
    /* An error with a history. */
    error = rmq_send(producer, &first, -1, NULL);
    if (rmq_error_history_count(error) != 1) return 1;
    (void)my_order;
    {
        /* the block */
    }
    /* What a block leaves in `error` of its own or in this one must be none, but for that one. */
    if (error && rmq_error_history_count(error) != 1) return !good(error);
    rmq_error_destroy(error);
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(brokers);
    return 0;
}
