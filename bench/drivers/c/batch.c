/* Wire batches by rmq_send_batch_queued; a thread of ours takes the outcomes. */
#include "driver.h"

typedef struct {
    rmq_queue_t *queue;
    uint64_t count;
    /* One bit per message that has completed. */
    uint64_t *completed;
    uint64_t *sent_at;
    tally_t tally;
} taker_t;

#define MOST 256

static void *take(void *opaque)
{
    taker_t *taker = opaque;
    tally_t *tally = &taker->tally;
    rmq_event_t *taken = room(MOST, sizeof *taken);
    *taken = (rmq_event_t)RMQ_EVENT_INIT;
    while (tally->succeeded + tally->failed < taker->count) {
        size_t count = 0;
        check(rmq_queue_poll(taker->queue, taken, MOST, TIMEOUT_MS, &count), "rmq_queue_poll");
        uint64_t now = now_ns();
        for (size_t i = 0; i < count; i++) {
            size_t number = (size_t)taken[i].opaque;
            uint64_t bit = (uint64_t)1 << number % 64;
            if (taker->completed[number / 64] & bit) {
                tally->doubled++;
                continue;
            }
            taker->completed[number / 64] |= bit;
            tell(tally, taken[i].error);
            rmq_error_destroy(taken[i].error);
            if (number % SAMPLE_EVERY == 0)
                tally->latencies[tally->samples++] = now - taker->sent_at[number / SAMPLE_EVERY];
        }
    }
    free(taken);
    return NULL;
}

tally_t batch(rmq_producer_t *producer, const work_t *work, uint64_t count)
{
    rmq_message_t message = message_for(work);
    const rmq_message_t **messages = room(work->batch, sizeof *messages);
    void **opaques = room(work->batch, sizeof *opaques);
    pthread_t thread;
    taker_t taker = {
        .count = count,
        .completed = room(count / 64 + 1, sizeof(uint64_t)),
        .sent_at = room(count / SAMPLE_EVERY + 1, sizeof(uint64_t)),
        .tally.latencies = room(count / SAMPLE_EVERY + 1, sizeof(uint64_t)),
    };
    check(rmq_queue_new(&taker.queue), "rmq_queue_new");
    if (pthread_create(&thread, NULL, take, &taker) != 0)
        exit(1);
    for (size_t i = 0; i < work->batch; i++)
        messages[i] = &message;
    for (uint64_t sent = 0; sent < count;) {
        size_t now = 0;
        for (; now < work->batch && sent < count; now++, sent++) {
            opaques[now] = (void *)(size_t)sent;
            if (sent % SAMPLE_EVERY == 0)
                taker.sent_at[sent / SAMPLE_EVERY] = now_ns();
        }
        check(rmq_send_batch_queued(producer, messages, now, -1, taker.queue, opaques), "rmq_send_batch_queued");
    }
    pthread_join(thread, NULL);
    rmq_queue_destroy(taker.queue);
    free(taker.completed);
    free(taker.sent_at);
    free(opaques);
    free(messages);
    free((void *)message.body);
    return taker.tally;
}
