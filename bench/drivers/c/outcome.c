/* The clocks of the C driver, and the one line it prints. */
#include <sys/resource.h>

#include "driver.h"

/* There only when count_allocations.so is loaded before everything else. */
extern uint64_t rmq_bench_allocations(void) __attribute__((weak));

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

stopwatch_t stopwatch(void)
{
    struct rusage u;
    stopwatch_t now = {0};
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        (void)sscanf(line, "VmHWM: %lu", &now.peak_rss_kib);
        (void)sscanf(line, "Threads: %lu", &now.threads);
    }
    if (status != NULL)
        fclose(status);
    getrusage(RUSAGE_SELF, &u);
    now.user_us = (uint64_t)u.ru_utime.tv_sec * 1000000u + (uint64_t)u.ru_utime.tv_usec;
    now.system_us = (uint64_t)u.ru_stime.tv_sec * 1000000u + (uint64_t)u.ru_stime.tv_usec;
    now.allocations = rmq_bench_allocations ? rmq_bench_allocations() : 0;
    now.wall_ns = now_ns();
    return now;
}

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void print_latency(uint64_t *latencies, uint64_t samples)
{
    if (samples == 0) {
        printf("null");
        return;
    }
    qsort(latencies, samples, sizeof *latencies, by_size);
    printf("{\"samples\":%" PRIu64 ",\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f}", samples,
           (double)latencies[samples * 50 / 100] / 1e3, (double)latencies[samples * 99 / 100] / 1e3,
           (double)latencies[samples * 999 / 1000] / 1e3, (double)latencies[samples - 1] / 1e3);
}

void print_outcome(const work_t *work, const tally_t *tally, stopwatch_t from, stopwatch_t to)
{
    printf("{\"count\":%" PRIu64 ",\"warm_up\":%" PRIu64 ",\"succeeded\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"doubled\":%" PRIu64 ",\"seconds\":%.9f,\"user_seconds\":%.6f,\"system_seconds\":%.6f",
           work->count, work->warm_up, tally->succeeded, tally->failed, tally->doubled,
           (double)(to.wall_ns - from.wall_ns) / 1e9, (double)(to.user_us - from.user_us) / 1e6,
           (double)(to.system_us - from.system_us) / 1e6);
    printf(",\"latency\":");
    print_latency(tally->latencies, tally->samples);
    printf(",\"peak_rss_kib\":%lu,\"threads\":%lu", to.peak_rss_kib, to.threads);
    if (tally->slowest_thread > 0)
        printf(",\"slowest_thread\":%.4f", tally->slowest_thread);
    if (rmq_bench_allocations)
        printf(",\"allocations_per_message\":%.4f",
               (double)(to.allocations - from.allocations) / (double)work->count);
    printf("}\n");
}
