/* Hooks of the manual: add_hooks(). */
#include <stdio.h>
#include <string.h>

#include <rmq.h>

static int recorded;

static const char *span_of(void *tracer, const char *message_id) { (void)tracer; return message_id; }
static void record(void *tracer, const char *broker, int32_t code) { (void)tracer; recorded += broker != NULL && code == 0; }
static void finalize(void *tracer) { (void)tracer; }

/* the block */

int main(void) {
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_message_t message = RMQ_MESSAGE_INIT;
    rmq_error_t *error = rmq_config_new(&config);
    if (!error) error = rmq_config_set(config, "producer.group", "orders");
    if (!error) error = rmq_config_set(config, "test.mock.brokers", "1");
    if (!error) error = add_hooks(config, NULL);
    if (!error) error = rmq_producer_new(config, &producer);
    message.topic = "OrderPaid";
    message.body = "order 42";
    message.body_len = 8;
    if (!error) error = rmq_send(producer, &message, -1, NULL);
    if (error) fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
    message.topic = "frozen";
    if (!error) error = rmq_send(producer, &message, -1, NULL);
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    return recorded != 1 || rmq_error_code(error) != RMQ_ERR_FORBIDDEN;
}
