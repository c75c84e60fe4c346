/* A function of the manual that sends: sent(), send(). */
#include <stdio.h>

#include <rmq.h>

/* the block */

int main(void) {
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_message_t message = RMQ_MESSAGE_INIT;
    rmq_error_t *error = rmq_config_new(&config);
    if (!error) error = rmq_config_set(config, "producer.group", "orders");
    if (!error) error = rmq_config_set(config, "test.mock.brokers", "1");
    if (!error) error = rmq_producer_new(config, &producer);
    message.topic = "OrderPaid";
    message.body = "order 42";
    message.body_len = 8;
    if (!error) error = send_order(producer, &message, NULL);
    if (!error) error = rmq_flush(producer, 30000);
    if (error) fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    return error != NULL;
}
