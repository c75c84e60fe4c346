/* What the C drivers share: their work, their clocks, and the one line they print. */
#ifndef RMQ_BENCH_DRIVER_H
#define RMQ_BENCH_DRIVER_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <rmq.h>

#define GROUP "rmq-bench"
#define TIMEOUT_MS 30000

typedef struct {
    const char *name_server;
    const char *topic;
    uint64_t count;
    uint64_t warm_up;
    const char *window;
    size_t body;
    const char *batching;
} work_t;

typedef struct {
    uint64_t wall_ns, user_us, system_us;
} stopwatch_t;

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline stopwatch_t stopwatch(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (stopwatch_t){
        now_ns(),
        (uint64_t)u.ru_utime.tv_sec * 1000000u + (uint64_t)u.ru_utime.tv_usec,
        (uint64_t)u.ru_stime.tv_sec * 1000000u + (uint64_t)u.ru_stime.tv_usec,
    };
}

/* Ends the program when a call of the library failed. */
static inline void check(rmq_error_t *error, const char *what)
{
    if (error == NULL)
        return;
    fprintf(stderr, "%s: %s\n", what, rmq_error_message(error));
    exit(1);
}

/* Memory that must be there. */
static inline void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (memory == NULL) {
        perror("calloc");
        exit(1);
    }
    return memory;
}

static inline work_t work_from(int argc, char **argv)
{
    work_t work = {"", "bench", 0, 0, "1", 256, "off"};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--name-server") == 0)
            work.name_server = value;
        else if (strcmp(name, "--topic") == 0)
            work.topic = value;
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
        else {
            fprintf(stderr, "unknown option %s\n", name);
            exit(2);
        }
    }
    return work;
}

/* A producer that has reached its name server and waits when the window is full. */
static inline rmq_producer_t *producer_for(const work_t *work)
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
    check(rmq_producer_new(config, &producer), "rmq_producer_new");
    rmq_config_destroy(config);
    check(rmq_producer_wait_ready(producer, TIMEOUT_MS), "rmq_producer_wait_ready");
    return producer;
}

static inline rmq_message_t message_for(const work_t *work)
{
    char *body = room(work->body, 1);
    memset(body, 'x', work->body);
    rmq_message_t message = RMQ_MESSAGE_INIT;
    message.topic = work->topic;
    message.body = body;
    message.body_len = work->body;
    return message;
}

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Prints the outcome: the line that the harness reads. Sorts the latencies. */
static inline void print_outcome(const work_t *work, uint64_t succeeded, uint64_t failed, uint64_t doubled,
                                 stopwatch_t from, stopwatch_t to, uint64_t *latencies, uint64_t samples)
{
    printf("{\"count\":%" PRIu64 ",\"warm_up\":%" PRIu64 ",\"succeeded\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"doubled\":%" PRIu64 ",\"seconds\":%.9f,\"user_seconds\":%.6f,\"system_seconds\":%.6f,\"latency\":",
           work->count, work->warm_up, succeeded, failed, doubled, (double)(to.wall_ns - from.wall_ns) / 1e9,
           (double)(to.user_us - from.user_us) / 1e6, (double)(to.system_us - from.system_us) / 1e6);
    if (samples == 0) {
        printf("null}\n");
        return;
    }
    qsort(latencies, samples, sizeof *latencies, by_size);
    printf("{\"samples\":%" PRIu64 ",\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f}}\n", samples,
           (double)latencies[samples * 50 / 100] / 1e3, (double)latencies[samples * 99 / 100] / 1e3,
           (double)latencies[samples * 999 / 1000] / 1e3, (double)latencies[samples - 1] / 1e3);
}

#endif
