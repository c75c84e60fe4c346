/* Sends one message and prints its receipt.
 *
 *     cc sync_send.c -lrmq -o sync_send
 *     ./sync_send 127.0.0.1:9876 my_topic "hello"
 *
 * Without arguments it uses the environment: NAMESRV_ADDR, or RMQ_MOCK_BROKERS=1 for a cluster in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rmq.h>

int main(int argc, char **argv)
{
    const char *mock_brokers = getenv("RMQ_MOCK_BROKERS");
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    rmq_message_t message = RMQ_MESSAGE_INIT;
    rmq_error_t *error;
    int status = 0;

    message.topic = argc > 2 ? argv[2] : "hello";
    message.body = argc > 3 ? argv[3] : "hello";
    message.body_len = strlen(message.body);
    message.tags = "example";

    if ((error = rmq_config_new(&config)) == NULL
        && (error = rmq_config_set(config, "producer.group", "example")) == NULL
        && (error = rmq_config_set(config, "name.server", argc > 1 ? argv[1] : "")) == NULL
        && (error = rmq_config_set(config, "test.mock.brokers", mock_brokers ? mock_brokers : "0")) == NULL
        && (error = rmq_producer_new(config, &producer)) == NULL
        && (error = rmq_send(producer, &message, 3000, &receipt)) == NULL) {
        printf("%s is in queue %d of %s\n", receipt.message_id, receipt.queue_id, receipt.broker_name);
    } else {
        fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
        status = 1;
    }
    rmq_error_destroy(error);
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    return status;
}
