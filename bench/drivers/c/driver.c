/* The work of the C driver as its words say it, and the means of all modes. */
#include "driver.h"

void check(rmq_error_t *error, const char *what)
{
    if (error == NULL)
        return;
    fprintf(stderr, "%s: %s\n", what, rmq_error_message(error));
    exit(1);
}

void tell(tally_t *tally, const rmq_error_t *error)
{
    if (error == NULL)
        tally->succeeded++;
    else if (tally->failed++ == 0)
        fprintf(stderr, "the first send that failed: %s\n", rmq_error_message(error));
}

void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (memory == NULL) {
        perror("calloc");
        exit(1);
    }
    return memory;
}

work_t work_from(int argc, char **argv)
{
    work_t work = {"", "bench", "", 0, 0, "1", 256, "off", 32, 1};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--name-server") == 0)
            work.name_server = value;
        else if (strcmp(name, "--topic") == 0)
            work.topic = value;
        else if (strcmp(name, "--mode") == 0)
            work.mode = value;
        else if (strcmp(name, "--count") == 0)
            work.count = strtoull(value, NULL, 10);
        else if (strcmp(name, "--warm-up") == 0)
            work.warm_up = strtoull(value, NULL, 10);
        else if (strcmp(name, "--window") == 0)
            work.window = value;
        else if (strcmp(name, "--body") == 0)
            work.body = strtoull(value, NULL, 10);
        else if (strcmp(name, "--batch-auto") == 0)
            work.batching = value;
        else if (strcmp(name, "--batch") == 0)
            work.batch = strtoull(value, NULL, 10);
        else if (strcmp(name, "--threads") == 0)
            work.threads = strtoull(value, NULL, 10);
        else {
            fprintf(stderr, "unknown option %s\n", name);
            exit(2);
        }
    }
    return work;
}

rmq_producer_t *producer_for(const work_t *work)
{
    rmq_config_t *config;
    rmq_producer_t *producer;
    check(rmq_config_new(&config), "rmq_config_new");
    check(rmq_config_set(config, "producer.group", GROUP), "producer.group");
    check(rmq_config_set(config, "name.server", work->name_server), "name.server");
    check(rmq_config_set(config, "send.timeout.ms", "30000"), "send.timeout.ms");
    check(rmq_config_set(config, "in.flight.max.messages", work->window), "in.flight.max.messages");
    check(rmq_config_set(config, "in.flight.full", "wait"), "in.flight.full");
    check(rmq_config_set(config, "batch.auto", work->batching), "batch.auto");
    /* Equal bytes would travel as next to nothing. */
    check(rmq_config_set(config, "compress.threshold.bytes", "0"), "compress.threshold.bytes");
    check(rmq_producer_new(config, &producer), "rmq_producer_new");
    rmq_config_destroy(config);
    check(rmq_producer_wait_ready(producer, TIMEOUT_MS), "rmq_producer_wait_ready");
    return producer;
}

rmq_message_t message_for(const work_t *work)
{
    char *body = room(work->body, 1);
    memset(body, 'x', work->body);
    rmq_message_t message = RMQ_MESSAGE_INIT;
    message.topic = work->topic;
    message.body = body;
    message.body_len = work->body;
    return message;
}
