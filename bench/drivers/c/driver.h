/* What the parts of the C driver share. */
#ifndef RMQ_BENCH_DRIVER_H
#define RMQ_BENCH_DRIVER_H

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rmq.h>

#define GROUP "rmq-bench"
#define TIMEOUT_MS 30000
/* Where messages are fast, one in so many is timed: two clock readings for each would be a large part of its cost. */
#define SAMPLE_EVERY 64

typedef struct {
    const char *name_server;
    const char *topic;
    const char *mode;
    uint64_t count;
    uint64_t warm_up;
    const char *window;
    size_t body;
    const char *batching;
    size_t batch;
    size_t threads;
} work_t;

/* What the completions of a section added up to. */
typedef struct {
    uint64_t succeeded, failed, doubled;
    /* In nanoseconds; NULL or ended by free. */
    uint64_t *latencies;
    uint64_t samples;
    /* Messages of the slowest thread, to the mean; 0 where there are no threads. */
    double slowest_thread;
} tally_t;

typedef struct {
    uint64_t wall_ns, user_us, system_us, allocations;
    /* Of the process: the most memory it ever had resident, and its threads. */
    unsigned long peak_rss_kib, threads;
} stopwatch_t;

/* The modes: each sends `count` messages and returns when all have completed. */
tally_t blocking(rmq_producer_t *, const work_t *, uint64_t count);
tally_t async(rmq_producer_t *, const work_t *, uint64_t count);
tally_t oneway(rmq_producer_t *, const work_t *, uint64_t count);
tally_t batch(rmq_producer_t *, const work_t *, uint64_t count);

work_t work_from(int argc, char **argv);
/* A producer that has reached its name server and waits when the window is full. */
rmq_producer_t *producer_for(const work_t *);
/* Its body is ended by free. */
rmq_message_t message_for(const work_t *);

uint64_t now_ns(void);
stopwatch_t stopwatch(void);
/* Prints the line that the harness reads. Sorts the latencies. */
void print_outcome(const work_t *, const tally_t *, stopwatch_t from, stopwatch_t to);

/* Ends the program when a call of the library failed. */
void check(rmq_error_t *, const char *what);
/* Counts the outcome of one message; prints the first error. */
void tell(tally_t *, const rmq_error_t *);
/* Zeroed memory that must be there. */
void *room(size_t count, size_t size);

#endif
