/* The three doors of outcomes: callbacks on the delivery thread, poll, and a descriptor for poll(2). */
#include "check.h"
#include <dirent.h>
#include <poll.h>
#include <sched.h>

enum { SENDS = 500 };

static pthread_t delivery;
static int delivered;

static void on_one_thread(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    char name[32];
    if (delivered++ == 0)
        delivery = pthread_self();
    CHECK(pthread_equal(delivery, pthread_self()));
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, "rmq-delivery") == 0);
    count_outcome(error, receipt, opaque);
}

static int readable(int fd, int timeout_ms)
{
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    int count = poll(&entry, 1, timeout_ms);
    CHECK(count >= 0);
    return count == 1 && (entry.revents & POLLIN);
}

typedef struct poller_t {
    rmq_queue_t *queue;
    gate_t started;
    pid_t thread;
} poller_t;

static void *poll_without_bound(void *opaque)
{
    poller_t *poller = opaque;
    rmq_event_t event = RMQ_EVENT_INIT;
    size_t count = 99;
    poller->thread = gettid();
    gate_pass(&poller->started);
    CHECK_OK(rmq_queue_poll(poller->queue, &event, 1, -1, &count));
    CHECK(count == 0);
    return NULL;
}

static int is_asleep(pid_t thread)
{
    char path[64], text[256] = { 0 };
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    file = fopen(path, "r");
    CHECK(file != NULL && fgets(text, sizeof text, file) != NULL);
    fclose(file);
    return strstr(text, ") S ") != NULL;
}

/* How often the thread went to sleep. */
static long sleeps_of(pid_t thread)
{
    char path[64], line[256];
    long sleeps = -1;
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
    file = fopen(path, "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "voluntary_ctxt_switches: %ld", &sleeps);
    fclose(file);
    CHECK(sleeps >= 0);
    return sleeps;
}

static int descriptors(void)
{
    DIR *open = opendir("/proc/self/fd");
    int count = 0;

    CHECK(open != NULL);
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count;
}

static void *poll_for_a_while(void *queue)
{
    rmq_event_t event = RMQ_EVENT_INIT;
    size_t count = 7;

    CHECK_OK(rmq_queue_poll(queue, &event, 1, 500, &count));
    CHECK(count == 0);
    return NULL;
}

/* Threads that polled in vain and ended leave no descriptor to their queue. */
static void pollers_that_end(rmq_queue_t *queue)
{
    enum { POLLERS = 30 };
    pthread_t pollers[POLLERS];
    int i, before = descriptors();

    for (i = 0; i < POLLERS; i++)
        CHECK(pthread_create(&pollers[i], NULL, poll_for_a_while, queue) == 0);
    for (i = 0; i < POLLERS; i++)
        CHECK(pthread_join(pollers[i], NULL) == 0);
    CHECK(descriptors() < before + POLLERS);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_queue_t *queue = NULL;
    rmq_message_t message = message_to("doors", "body");
    outcomes_t outcomes = OUTCOMES_INIT;
    rmq_event_t events[64] = { RMQ_EVENT_INIT };
    int seen[SENDS] = { 0 }, fd, again, i;
    size_t count = 99, got = 0, k, in_flight;
    poller_t poller = { NULL, GATE_INIT, 0 };
    pthread_t other;
    long sleeps, looks = 0;

    for (i = 0; i < SENDS; i++)
        CHECK_OK(rmq_send_async(producer, &message, -1, on_one_thread, &outcomes));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    CHECK(outcomes.succeeded == SENDS && delivered == SENDS && !pthread_equal(delivery, pthread_self()));

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_queue_poll(queue, events, 64, 0, &count));
    CHECK(count == 0);
    for (i = 0; i < SENDS; i++)
        CHECK_OK(rmq_send_queued(producer, &message, -1, queue, &seen[i]));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS)); /* outcomes need not be polled for that */
    CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
    CHECK(in_flight == SENDS);

    CHECK_OK(rmq_queue_fd(queue, &fd));
    CHECK_OK(rmq_queue_fd(queue, &again));
    CHECK(fd == again && fd >= 0);
    while (got < SENDS) {
        CHECK(readable(fd, 0));
        CHECK_OK(rmq_queue_poll(queue, events, 64, 0, &count));
        CHECK(count > 0 && count <= 64);
        for (k = 0; k < count; k++) {
            CHECK(events[k].code == RMQ_OK && events[k].error == NULL);
            CHECK(strlen(events[k].receipt.message_id) == 32);
            ++*(int *)events[k].opaque;
        }
        got += count;
    }
    for (i = 0; i < SENDS; i++)
        CHECK(seen[i] == 1);
    CHECK(!readable(fd, 0));
    CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
    CHECK(in_flight == 0);

    /* The descriptor wakes a loop that waits; errors come by the queue too. */
    CHECK_OK(rmq_mock_set_auto_create(cluster, 0));
    message.topic = "nowhere";
    CHECK_OK(rmq_send_queued(producer, &message, -1, queue, NULL));
    CHECK(readable(fd, PATIENCE_MS));
    CHECK_OK(rmq_queue_poll(queue, events, 64, 0, &count));
    CHECK(count == 1 && events[0].code == RMQ_ERR_NO_ROUTE && events[0].opaque == NULL);
    CHECK(rmq_error_code(events[0].error) == RMQ_ERR_NO_ROUTE);
    rmq_error_destroy(events[0].error);

    pollers_that_end(queue);

    /* A poll without bound ends when its queue does. */
    poller.queue = queue;
    poller.started.open = 1;
    CHECK(pthread_create(&other, NULL, poll_without_bound, &poller) == 0);
    gate_wait_reached(&poller.started, 1);
    while (!is_asleep(poller.thread))
        sched_yield();
    /* It sleeps on: after a first moment nothing wakes it. */
    do {
        sleeps = sleeps_of(poller.thread);
        nanosleep(&(struct timespec){ 1, 500000000 }, NULL);
    } while (++looks < 20 && sleeps_of(poller.thread) != sleeps);
    CHECK(sleeps_of(poller.thread) == sleeps);
    rmq_queue_destroy(queue);
    CHECK(pthread_join(other, NULL) == 0);
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
