/* Sends the steps of some orders so that consumers see the steps of one order in order, and a reminder later.
 *
 *     cc ordered_send.c -lrmq -o ordered_send
 *     ./ordered_send 127.0.0.1:9876 my_topic
 *
 * Without arguments it uses the environment: NAMESRV_ADDR, or RMQ_MOCK_BROKERS=2 for a cluster in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rmq.h>

/* Steps of one order share a sharding key and so a queue; each waits for the one before. */
static rmq_error_t *send_steps(rmq_producer_t *producer, const char *topic, const char *order)
{
    static const char *const steps[] = { "created", "paid", "shipped" };
    rmq_error_t *error = NULL;
    size_t i;
    for (i = 0; error == NULL && i < sizeof steps / sizeof *steps; i++) {
        rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
        rmq_message_t message = RMQ_MESSAGE_INIT;
        message.topic = topic;
        message.body = steps[i];
        message.body_len = strlen(steps[i]);
        message.sharding_key = order;
        if ((error = rmq_send(producer, &message, 3000, &receipt)) == NULL)
            printf("%s %s: queue %d of %s\n", order, steps[i], receipt.queue_id, receipt.broker_name);
    }
    return error;
}

/* Consumers see it in a minute. */
static rmq_error_t *send_reminder(rmq_producer_t *producer, const char *topic)
{
    rmq_message_t message = RMQ_MESSAGE_INIT;
    message.topic = topic;
    message.body = "ask how it was";
    message.body_len = strlen(message.body);
    message.delay_seconds = 60;
    return rmq_send(producer, &message, 3000, NULL);
}

int main(int argc, char **argv)
{
    const char *mock_brokers = getenv("RMQ_MOCK_BROKERS");
    const char *topic = argc > 2 ? argv[2] : "orders";
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_error_t *error;
    int status = 0;

    if ((error = rmq_config_new(&config)) == NULL
        && (error = rmq_config_set(config, "producer.group", "example")) == NULL
        && (error = rmq_config_set(config, "name.server", argc > 1 ? argv[1] : "")) == NULL
        && (error = rmq_config_set(config, "test.mock.brokers", mock_brokers ? mock_brokers : "0")) == NULL
        && (error = rmq_producer_new(config, &producer)) == NULL
        && (error = send_steps(producer, topic, "order-1")) == NULL
        && (error = send_steps(producer, topic, "order-2")) == NULL
        && (error = send_reminder(producer, topic)) == NULL) {
        printf("reminder in 60 s\n");
    } else {
        fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
        status = 1;
    }
    rmq_error_destroy(error);
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    return status;
}
