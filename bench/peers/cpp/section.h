/* The words that every driver of the benchmark gets, its clocks, and the one line that it prints. */
#ifndef PEER_SECTION_H
#define PEER_SECTION_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct {
    const char *name_server, *topic, *mode;
    size_t count, warm_up, window, body, batch, threads;
} work_t;

/* `failed` and `succeeded` are the driver's to count, `latencies` to fill. */
typedef struct {
    uint64_t succeeded, failed, doubled;
    uint64_t *latencies;
    size_t samples;
    /* Slowest thread's share of the messages divided by the mean share; negative where there is one sender. */
    double slowest;
    uint64_t start_ns, wall_ns;
    double user, system;
    long peak_rss, threads;
} section_t;

static inline void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Memory that must be there. */
static inline void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (memory == NULL)
        fail("no memory");
    return memory;
}

static inline work_t work_from(int argc, char **argv)
{
    work_t work = {"", "bench", "lone", 20000, 0, 1024, 256, 32, 64};
    const struct {
        const char *name;
        size_t *place;
    } numbers[] = {
        {"--count", &work.count}, {"--warm-up", &work.warm_up}, {"--window", &work.window},
        {"--body", &work.body},   {"--batch", &work.batch},     {"--threads", &work.threads},
    };
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--name-server") == 0)
            work.name_server = argv[i + 1];
        else if (strcmp(argv[i], "--topic") == 0)
            work.topic = argv[i + 1];
        else if (strcmp(argv[i], "--mode") == 0)
            work.mode = argv[i + 1];
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            if (strcmp(argv[i], numbers[n].name) == 0)
                *numbers[n].place = strtoull(argv[i + 1], NULL, 10);
    }
    return work;
}

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Threads of this process. */
static inline long threads_now(void)
{
    char line[256];
    long threads = 0;
    FILE *status = fopen("/proc/self/status", "r");
    if (status == NULL)
        fail("/proc/self/status");
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "Threads: %ld", &threads) == 1)
            break;
    fclose(status);
    return threads;
}

static inline section_t section_start(size_t most_samples)
{
    struct rusage usage;
    section_t section = {.latencies = room(most_samples, sizeof(uint64_t)), .slowest = -1};
    getrusage(RUSAGE_SELF, &usage);
    section.user = seconds(usage.ru_utime);
    section.system = seconds(usage.ru_stime);
    section.start_ns = now_ns();
    return section;
}

static inline void section_stop(section_t *section)
{
    struct rusage usage;
    section->wall_ns = now_ns() - section->start_ns;
    getrusage(RUSAGE_SELF, &usage);
    section->user = seconds(usage.ru_utime) - section->user;
    section->system = seconds(usage.ru_stime) - section->system;
    section->peak_rss = usage.ru_maxrss;
    section->threads = threads_now();
}

static inline int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Prints the outcome as the harness reads it. Sorts the latencies. */
static inline void section_print(section_t *section, const work_t *work)
{
    uint64_t *sorted = section->latencies;
    size_t samples = section->samples;
    printf("{\"count\":%zu,\"warm_up\":%zu,\"succeeded\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"doubled\":%" PRIu64
           ",\"seconds\":%.9f,\"user_seconds\":%.6f,\"system_seconds\":%.6f,\"peak_rss_kib\":%ld,\"threads\":%ld",
           work->count, work->warm_up, section->succeeded, section->failed, section->doubled,
           (double)section->wall_ns / 1e9, section->user, section->system, section->peak_rss, section->threads);
    if (section->slowest >= 0)
        printf(",\"slowest_thread\":%.4f", section->slowest);
    if (samples == 0) {
        printf(",\"latency\":null}\n");
        return;
    }
    qsort(sorted, samples, sizeof *sorted, by_size);
    printf(",\"latency\":{\"samples\":%zu,\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f}}\n", samples,
           (double)sorted[samples * 50 / 100] / 1e3, (double)sorted[samples * 99 / 100] / 1e3,
           (double)sorted[samples * 999 / 1000] / 1e3, (double)sorted[samples - 1] / 1e3);
}

#endif
