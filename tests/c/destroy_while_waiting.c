/* Calls that wait, in the ways to send that may wait for room and on a mock cluster, return when another thread ends
 * what they wait on. rmq_send is not among them: its share of the producer would keep it for the others. */
#include "check.h"
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

enum { DOORS = 4, PER_DOOR = 2, SENDERS = DOORS * PER_DOOR };

static rmq_producer_t *producer;
static rmq_mock_cluster_t *cluster;
static rmq_queue_t *queue;
static outcomes_t outcomes = OUTCOMES_INIT;

typedef struct waiter_t {
    pthread_t thread;
    atomic_long tid;
    int door;
} waiter_t;

/* Returns when the thread sleeps in its call, and not only for the moment of a lock. */
static void wait_asleep(waiter_t *waiter)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    char path[64], state = 0;
    int asleep = 0;
    while (asleep < 200) {
        FILE *file;
        long tid = atomic_load(&waiter->tid);
        CHECK(now_ms() < deadline);
        if (tid == 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%ld/stat", tid);
        file = fopen(path, "r");
        CHECK(file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
        fclose(file);
        asleep = state == 'S' ? asleep + 1 : 0;
        sched_yield();
    }
}

static void *send_with_waiting(void *opaque)
{
    waiter_t *waiter = opaque;
    rmq_message_t message = message_to("waiting", "body");
    const rmq_message_t *messages[1] = { &message };
    int32_t code = -1;
    size_t accepted = 9;
    rmq_error_t *error = NULL;

    atomic_store(&waiter->tid, syscall(SYS_gettid));
    switch (waiter->door) {
    case 0: error = rmq_send_async(producer, &message, 60000, count_outcome, &outcomes); break;
    case 1: error = rmq_send_queued(producer, &message, 60000, queue, NULL); break;
    case 2: error = rmq_send_oneway(producer, &message, 60000); break;
    default:
        CHECK_OK(rmq_send_many(producer, messages, 1, 60000, queue, NULL, &code, &accepted));
        CHECK(code == RMQ_ERR_CLOSED && accepted == 0);
        return NULL;
    }
    CHECK_FAILS(error, RMQ_ERR_CLOSED, NULL);
    return NULL;
}

static void destroy_under_senders(void)
{
    waiter_t waiters[SENDERS];
    rmq_message_t message = message_to("waiting", "body");
    rmq_config_t *config = mock_config(cluster);
    rmq_queue_t *unpolled = NULL;
    int i;

    CHECK_OK(rmq_config_set(config, "in.flight.max.messages", "1"));
    CHECK_OK(rmq_config_set(config, "in.flight.full", "wait"));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    CHECK_OK(rmq_queue_new(&queue));
    /* The one message that may be in flight stays so: nobody polls its outcome. */
    CHECK_OK(rmq_queue_new(&unpolled));
    CHECK_OK(rmq_send_queued(producer, &message, -1, unpolled, NULL));
    memset(waiters, 0, sizeof waiters);
    for (i = 0; i < SENDERS; i++) {
        waiters[i].door = i % DOORS;
        CHECK(pthread_create(&waiters[i].thread, NULL, send_with_waiting, &waiters[i]) == 0);
    }
    for (i = 0; i < SENDERS; i++)
        wait_asleep(&waiters[i]);
    rmq_queue_destroy(queue);
    rmq_producer_destroy(producer);
    for (i = 0; i < SENDERS; i++)
        CHECK(pthread_join(waiters[i].thread, NULL) == 0);
    CHECK(outcomes.succeeded == 0 && outcomes.failed == 0);
    rmq_queue_destroy(unpolled);
}

static void *wait_for_stored(void *opaque)
{
    waiter_t *waiter = opaque;
    atomic_store(&waiter->tid, syscall(SYS_gettid));
    if (waiter->door == 0)
        CHECK_FAILS(rmq_mock_wait_stored(cluster, "waiting", 1000, -1), RMQ_ERR_CLOSED, NULL);
    else
        CHECK_FAILS(rmq_mock_wait_requests(cluster, 310, 1000, -1), RMQ_ERR_CLOSED, NULL);
    return NULL;
}

static void destroy_under_mock_waiters(void)
{
    waiter_t waiters[2];
    int i;
    memset(waiters, 0, sizeof waiters);
    for (i = 0; i < 2; i++) {
        waiters[i].door = i;
        CHECK(pthread_create(&waiters[i].thread, NULL, wait_for_stored, &waiters[i]) == 0);
    }
    for (i = 0; i < 2; i++)
        wait_asleep(&waiters[i]);
    rmq_mock_cluster_destroy(cluster);
    for (i = 0; i < 2; i++)
        CHECK(pthread_join(waiters[i].thread, NULL) == 0);
}

int main(void)
{
    /* Memory that is given back changes at once, so that its use is seen. */
    (void)mallopt(M_PERTURB, 0x5a);
    cluster = mock_cluster(1);
    destroy_under_senders();
    destroy_under_mock_waiters();
    return 0;
}
