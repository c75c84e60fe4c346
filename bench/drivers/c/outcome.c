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
    getrusage(RUSAGE_SELF, &u);
    return (stopwatch_t){
        now_ns(),
        (uint64_t)u.ru_utime.tv_sec * 1000000u + (uint64_t)u.ru_utime.tv_usec,
        (uint64_t)u.ru_stime.tv_sec * 1000000u + (uint64_t)u.ru_stime.tv_usec,
        rmq_bench_allocations ? rmq_bench_allocations() : 0,
    };
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

/* Prints a number of /proc/self/status as a member. */
static void print_status(const char *member, const char *name)
{
    char line[256];
    unsigned long long value;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), "%llu", &value) == 1)
            printf(",\"%s\":%llu", member, value);
    if (status != NULL)
        fclose(status);
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
    print_status("peak_rss_kib", "VmHWM:");
    print_status("threads", "Threads:");
    if (tally->slowest_thread > 0)
        printf(",\"slowest_thread\":%.4f", tally->slowest_thread);
    if (rmq_bench_allocations)
        printf(",\"allocations_per_message\":%.4f",
               (double)(to.allocations - from.allocations) / (double)work->count);
    printf("}\n");
}
