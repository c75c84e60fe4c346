/* Threads with one blocking rmq_send at a time each. */
#include <stdatomic.h>

#include "driver.h"

typedef struct {
    rmq_producer_t *producer;
    const rmq_message_t *message;
    uint64_t count;
    _Atomic uint64_t taken;
    uint64_t *latencies;
} shared_t;

typedef struct {
    pthread_t thread;
    shared_t *shared;
    tally_t tally;
} share_t;

static void *send_share(void *opaque)
{
    share_t *share = opaque;
    shared_t *shared = share->shared;
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    uint64_t number;
    while ((number = atomic_fetch_add_explicit(&shared->taken, 1, memory_order_relaxed)) < shared->count) {
        uint64_t start = now_ns();
        rmq_error_t *error = rmq_send(shared->producer, shared->message, -1, &receipt);
        shared->latencies[number] = now_ns() - start;
        tell(&share->tally, error);
        rmq_error_destroy(error);
    }
    return NULL;
}

tally_t blocking(rmq_producer_t *producer, const work_t *work, uint64_t count)
{
    rmq_message_t message = message_for(work);
    shared_t shared = {producer, &message, count, 0, room(count, sizeof(uint64_t))};
    share_t *shares = room(work->threads, sizeof *shares);
    tally_t sum = {.latencies = shared.latencies, .samples = count};
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < work->threads; i++) {
        shares[i].shared = &shared;
        if (work->threads == 1)
            send_share(&shares[i]);
        else if (pthread_create(&shares[i].thread, NULL, send_share, &shares[i]) != 0)
            exit(1);
    }
    for (size_t i = 0; i < work->threads; i++) {
        if (work->threads > 1)
            pthread_join(shares[i].thread, NULL);
        sum.succeeded += shares[i].tally.succeeded;
        sum.failed += shares[i].tally.failed;
        if (shares[i].tally.succeeded < least)
            least = shares[i].tally.succeeded;
    }
    if (work->threads > 1 && sum.succeeded > 0)
        sum.slowest_thread = (double)least * (double)work->threads / (double)sum.succeeded;
    free(shares);
    free((void *)message.body);
    return sum;
}
