/* A full window of rmq_send_async; callbacks arrive on the producer's delivery thread. */
#include "driver.h"

/* Written by the delivery thread only; read when a section has ended. */
static tally_t tally;
static uint64_t expected;
/* One bit per message that has completed. */
static uint64_t *completed;
/* Written before the send, read by its callback. */
static uint64_t *sent_at;
/* Says that the last callback of a section has come: rmq_flush promises outcomes, not callbacks. */
static int ended;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t end = PTHREAD_COND_INITIALIZER;

static void on_report(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    size_t number = (size_t)opaque;
    uint64_t bit = (uint64_t)1 << number % 64;
    (void)receipt;
    if (completed[number / 64] & bit) {
        tally.doubled++;
        return;
    }
    completed[number / 64] |= bit;
    tell(&tally, error);
    if (number % SAMPLE_EVERY == 0)
        tally.latencies[tally.samples++] = now_ns() - sent_at[number / SAMPLE_EVERY];
    if (tally.succeeded + tally.failed == expected) {
        pthread_mutex_lock(&lock);
        ended = 1;
        pthread_cond_signal(&end);
        pthread_mutex_unlock(&lock);
    }
}

tally_t async(rmq_producer_t *producer, const work_t *work, uint64_t count)
{
    rmq_message_t message = message_for(work);
    tally = (tally_t){.latencies = room(count / SAMPLE_EVERY + 1, sizeof(uint64_t))};
    sent_at = room(count / SAMPLE_EVERY + 1, sizeof *sent_at);
    completed = room(count / 64 + 1, sizeof *completed);
    expected = count;
    ended = count == 0;
    for (uint64_t i = 0; i < count; i++) {
        if (i % SAMPLE_EVERY == 0)
            sent_at[i / SAMPLE_EVERY] = now_ns();
        check(rmq_send_async(producer, &message, -1, on_report, (void *)(size_t)i), "rmq_send_async");
    }
    pthread_mutex_lock(&lock);
    while (!ended)
        pthread_cond_wait(&end, &lock);
    pthread_mutex_unlock(&lock);
    free(sent_at);
    free(completed);
    free((void *)message.body);
    return tally;
}
