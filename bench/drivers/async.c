/* A full window of rmq_send_async; callbacks arrive on the producer's delivery thread. */
#include <pthread.h>

#include "driver.h"

/* One message in so many is timed: two clock readings for each would be a large part of its cost. */
#define SAMPLE_EVERY 64

/* Written by the delivery thread only; read when a section has ended. */
static uint64_t succeeded, failed, doubled, samples;
static uint64_t expected;
static uint64_t *latencies;
static uint8_t *completed;
/* Written before the send, read by its callback. */
static uint64_t *sent_at;
/* Says that the last callback of a section has come: rmq_flush promises outcomes, not callbacks. */
static int ended;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t end = PTHREAD_COND_INITIALIZER;

static void on_report(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    size_t number = (size_t)opaque;
    (void)receipt;
    if (completed[number]) {
        doubled++;
        return;
    }
    completed[number] = 1;
    if (error == NULL)
        succeeded++;
    else if (failed++ == 0)
        fprintf(stderr, "rmq_send_async: %s\n", rmq_error_message(error));
    if (number % SAMPLE_EVERY == 0)
        latencies[samples++] = now_ns() - sent_at[number / SAMPLE_EVERY];
    if (succeeded + failed == expected) {
        pthread_mutex_lock(&lock);
        ended = 1;
        pthread_cond_signal(&end);
        pthread_mutex_unlock(&lock);
    }
}

/* Sends that many messages and waits until each has been reported. */
static void section(rmq_producer_t *producer, const rmq_message_t *message, uint64_t count)
{
    succeeded = failed = doubled = samples = 0;
    expected = count;
    ended = count == 0;
    memset(completed, 0, count);
    for (uint64_t i = 0; i < count; i++) {
        if (i % SAMPLE_EVERY == 0)
            sent_at[i / SAMPLE_EVERY] = now_ns();
        check(rmq_send_async(producer, message, -1, on_report, (void *)(size_t)i), "rmq_send_async");
    }
    pthread_mutex_lock(&lock);
    while (!ended)
        pthread_cond_wait(&end, &lock);
    pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
    work_t work = work_from(argc, argv);
    rmq_producer_t *producer = producer_for(&work);
    rmq_message_t message = message_for(&work);
    uint64_t most = work.count > work.warm_up ? work.count : work.warm_up;
    completed = room(most, 1);
    sent_at = room(most / SAMPLE_EVERY + 1, sizeof *sent_at);
    latencies = room(most / SAMPLE_EVERY + 1, sizeof *latencies);

    section(producer, &message, work.warm_up);
    stopwatch_t from = stopwatch();
    section(producer, &message, work.count);
    stopwatch_t to = stopwatch();

    /* A callback that comes twice after the end must show too: closing delivers what is left. */
    check(rmq_producer_close(producer, TIMEOUT_MS), "rmq_producer_close");
    rmq_producer_destroy(producer);
    print_outcome(&work, succeeded, failed, doubled, from, to, latencies, samples);
    free(latencies);
    free(sent_at);
    free(completed);
    free((void *)message.body);
    return 0;
}
