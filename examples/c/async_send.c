/* Sends many messages with callbacks, shows progress, and accounts for every one at the end.
 *
 *     cc -O2 async_send.c -lrmq -o async_send
 *     ./async_send --name-server 127.0.0.1:9876 --topic my_topic --count 200000 --size 256
 *     ./async_send --mock 3 --count 200000
 *
 * The last line is RESULT and a JSON object. Ends non-zero unless every accepted message succeeded. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rmq.h>

#define MAX_BROKERS 64
#define MAX_QUEUES 256

/* Messages per broker and queue. Written by callbacks, which run one at a time; read after the close. */
typedef struct broker_t {
    char name[256];
    unsigned long messages[MAX_QUEUES];
} broker_t;

typedef struct tally_t {
    volatile unsigned long succeeded; /* read by the progress line while callbacks write */
    volatile unsigned long failed;
    int64_t *latencies_us;
    broker_t brokers[MAX_BROKERS];
    size_t broker_count;
    unsigned long elsewhere; /* more brokers or queues than the table has */
    char first_failure[512];
} tally_t;

typedef struct options_t {
    const char *name_server;
    const char *mock_brokers;
    const char *topic;
    unsigned long count;
    unsigned long size;
} options_t;

static tally_t tally;

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void count_queue(const rmq_receipt_t *receipt)
{
    size_t i = 0;
    while (i < tally.broker_count && strcmp(tally.brokers[i].name, receipt->broker_name) != 0)
        i++;
    if (i == MAX_BROKERS || receipt->queue_id < 0 || receipt->queue_id >= MAX_QUEUES) {
        tally.elsewhere++;
        return;
    }
    if (i == tally.broker_count) {
        tally.broker_count++;
        strcpy(tally.brokers[i].name, receipt->broker_name);
    }
    tally.brokers[i].messages[receipt->queue_id]++;
}

static void on_outcome(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    (void)opaque;
    if (error != NULL) {
        if (tally.failed == 0)
            snprintf(tally.first_failure, sizeof tally.first_failure, "%s: %s", rmq_error_name(error),
                     rmq_error_message(error));
        tally.failed++;
        return;
    }
    tally.latencies_us[tally.succeeded] = receipt->elapsed_us;
    count_queue(receipt);
    tally.succeeded++;
}

static void progress(const options_t *options, unsigned long accepted, double started)
{
    double seconds = now_seconds() - started;
    unsigned long done = tally.succeeded + tally.failed;
    fprintf(stderr, "\r%8lu of %lu accepted, %8lu done, %lu failed, %9.0f messages/s ", accepted, options->count,
            done, tally.failed, seconds > 0 ? (double)done / seconds : 0.0);
    fflush(stderr);
}

/* Says what went wrong, ends the error, and tells whether there was one. */
static int failed(rmq_error_t *error, const char *what)
{
    if (error == NULL)
        return 0;
    fprintf(stderr, "\n%s: %s: %s\n", what, rmq_error_name(error), rmq_error_message(error));
    rmq_error_destroy(error);
    return 1;
}

static rmq_producer_t *start(const options_t *options)
{
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_error_t *error;
    if ((error = rmq_config_new(&config)) != NULL
        || (error = rmq_config_set(config, "producer.group", "async_send")) != NULL
        || (error = rmq_config_set(config, "name.server", options->name_server)) != NULL
        || (error = rmq_config_set(config, "test.mock.brokers", options->mock_brokers)) != NULL
        /* When too much is in flight a send waits for room instead of failing with QUEUE_FULL. */
        || (error = rmq_config_set(config, "in.flight.full", "wait")) != NULL
        || (error = rmq_config_set(config, "in.flight.max.messages", "1024")) != NULL
        || (error = rmq_producer_new(config, &producer)) != NULL
        || (error = rmq_producer_wait_ready(producer, 10000)) != NULL) {
        failed(error, "start");
        rmq_producer_destroy(producer);
        producer = NULL;
    }
    rmq_config_destroy(config);
    return producer;
}

static unsigned long send_all(rmq_producer_t *producer, const options_t *options, const char *body, double started)
{
    rmq_message_t message = RMQ_MESSAGE_INIT;
    double shown = started;
    unsigned long accepted = 0;
    message.topic = options->topic;
    message.body = body;
    message.body_len = options->size;
    while (accepted < options->count) {
        if (failed(rmq_send_async(producer, &message, -1, on_outcome, NULL), "rmq_send_async"))
            break;
        accepted++;
        if (accepted % 1024 == 0 && now_seconds() - shown >= 0.1) {
            progress(options, accepted, started);
            shown = now_seconds();
        }
    }
    /* The rest: show progress until every message has its outcome. */
    for (;;) {
        rmq_error_t *error = rmq_flush(producer, 100);
        progress(options, accepted, started);
        if (rmq_error_code(error) != RMQ_ERR_TIMEOUT) {
            failed(error, "rmq_flush");
            break;
        }
        rmq_error_destroy(error);
    }
    fputc('\n', stderr);
    return accepted;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t percentile(double share)
{
    unsigned long count = tally.succeeded;
    return count == 0 ? 0 : tally.latencies_us[(unsigned long)((double)(count - 1) * share)];
}

static void report(const options_t *options, unsigned long accepted, double seconds)
{
    double rate = seconds > 0 ? (double)tally.succeeded / seconds : 0;
    const char *comma = "";
    size_t i, q;

    qsort(tally.latencies_us, tally.succeeded, sizeof *tally.latencies_us, by_value);
    printf("topic        %s, %lu bytes a message\n", options->topic, options->size);
    printf("accepted     %lu\nsucceeded    %lu\nfailed       %lu\n", accepted, tally.succeeded, tally.failed);
    printf("messages/s   %.0f\n", rate);
    printf("latency      p50 %" PRId64 " us, p99 %" PRId64 " us, max %" PRId64 " us\n", percentile(0.5),
           percentile(0.99), percentile(1.0));
    for (i = 0; i < tally.broker_count; i++) {
        printf("%-12s", tally.brokers[i].name);
        for (q = 0; q < MAX_QUEUES; q++)
            if (tally.brokers[i].messages[q] > 0)
                printf(" queue %zu: %lu ", q, tally.brokers[i].messages[q]);
        putchar('\n');
    }
    if (tally.elsewhere > 0)
        printf("elsewhere    %lu\n", tally.elsewhere);
    if (tally.failed > 0)
        printf("first failure: %s\n", tally.first_failure);

    printf("RESULT {\"accepted\":%lu,\"succeeded\":%lu,\"failed\":%lu,\"seconds\":%.6f,\"messages_per_second\":%.0f,",
           accepted, tally.succeeded, tally.failed, seconds, rate);
    printf("\"latency_us\":{\"p50\":%" PRId64 ",\"p99\":%" PRId64 ",\"max\":%" PRId64 "},\"queues\":[",
           percentile(0.5), percentile(0.99), percentile(1.0));
    for (i = 0; i < tally.broker_count; i++)
        for (q = 0; q < MAX_QUEUES; q++)
            if (tally.brokers[i].messages[q] > 0) {
                printf("%s{\"broker\":\"%s\",\"queue\":%zu,\"messages\":%lu}", comma, tally.brokers[i].name, q,
                       tally.brokers[i].messages[q]);
                comma = ",";
            }
    printf("]}\n");
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s (--name-server HOST:PORT | --mock BROKERS) [--topic T] [--count N] [--size BYTES]\n",
            program);
    return 2;
}

static int number(const char *text, unsigned long *value)
{
    char *end;
    *value = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && *value > 0;
}

int main(int argc, char **argv)
{
    options_t options = { "", "0", "async_send", 200000, 256 };
    rmq_producer_t *producer;
    unsigned long accepted;
    double started, seconds;
    char *body;
    int i, closed;

    for (i = 1; i < argc; i += 2) {
        int good = i + 1 < argc;
        if (good && strcmp(argv[i], "--name-server") == 0)
            options.name_server = argv[i + 1];
        else if (good && strcmp(argv[i], "--mock") == 0)
            options.mock_brokers = argv[i + 1];
        else if (good && strcmp(argv[i], "--topic") == 0)
            options.topic = argv[i + 1];
        else if (good && strcmp(argv[i], "--count") == 0)
            good = number(argv[i + 1], &options.count);
        else if (good && strcmp(argv[i], "--size") == 0)
            good = number(argv[i + 1], &options.size);
        else
            good = 0;
        if (!good)
            return usage(argv[0]);
    }

    body = malloc(options.size);
    tally.latencies_us = malloc(options.count * sizeof *tally.latencies_us);
    if (body == NULL || tally.latencies_us == NULL) {
        fprintf(stderr, "no memory for %lu messages\n", options.count);
        return 1;
    }
    memset(body, 'x', options.size);
    producer = start(&options);
    if (producer == NULL)
        return 1;

    started = now_seconds();
    accepted = send_all(producer, &options, body, started);
    seconds = now_seconds() - started;
    closed = !failed(rmq_producer_close(producer, 10000), "rmq_producer_close");
    rmq_producer_destroy(producer);
    report(&options, accepted, seconds);
    free(tally.latencies_us);
    free(body);
    return !(closed && accepted == options.count && tally.succeeded + tally.failed == accepted && tally.failed == 0);
}
