/* The wall clock does what it likes while messages are sent: no message id is given twice, neither in this process
   nor in a forked child of it, no deadline moves, and producers of two processes have client ids of their own. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

/* More than the 65,536 that the counter in an id has. */
#define MANY 150000
#define SOME 20000
#define ID_LEN 33

/* The library asks this program for the time: its symbols come before the C library's. */
static int64_t offset_ms;
static int64_t frozen_at_ms;

static int64_t real_ms(clockid_t clock)
{
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t told_ms(void)
{
    int64_t frozen = __atomic_load_n(&frozen_at_ms, __ATOMIC_SEQ_CST);
    return frozen != 0 ? frozen : real_ms(CLOCK_REALTIME) + __atomic_load_n(&offset_ms, __ATOMIC_SEQ_CST);
}

static long asked;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, now);
    __atomic_fetch_add(&asked, 1, __ATOMIC_SEQ_CST);
    now->tv_sec = told_ms() / 1000;
    now->tv_nsec = told_ms() % 1000 * 1000000;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    now->tv_sec = told_ms() / 1000;
    now->tv_usec = told_ms() % 1000 * 1000;
    return 0;
}

static char ids[2 * MANY + 3 * SOME][ID_LEN];
static size_t taken;

static void take_ids(rmq_queue_t *queue, size_t in_flight)
{
    static rmq_event_t events[256] = { RMQ_EVENT_INIT };
    size_t count, i;
    while (in_flight > 0) {
        CHECK_OK(rmq_queue_poll(queue, events, 256, PATIENCE_MS, &count));
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            CHECK(events[i].code == RMQ_OK);
            CHECK(strlen(events[i].receipt.message_id) == ID_LEN - 1);
            strcpy(ids[taken++], events[i].receipt.message_id);
        }
        in_flight -= count;
    }
}

/* Sends so many, with `disturb` at each thousandth, and keeps their ids. */
static void send_all(rmq_producer_t *producer, rmq_queue_t *queue, size_t count, void (*disturb)(size_t))
{
    rmq_message_t message = message_to("clocked", "x");
    size_t i;
    for (i = 0; i < count; i++) {
        if (i % 1000 == 0) {
            take_ids(queue, i == 0 ? 0 : 1000);
            disturb(i / 1000);
        }
        CHECK_OK(rmq_send_queued(producer, &message, PATIENCE_MS, queue, NULL));
    }
    take_ids(queue, 1000);
    __atomic_store_n(&frozen_at_ms, 0, __ATOMIC_SEQ_CST);
}

static void stand_still(size_t step)
{
    if (step == 0)
        __atomic_store_n(&frozen_at_ms, told_ms(), __ATOMIC_SEQ_CST);
}

static void set_back(size_t step)
{
    (void)step;
    __atomic_fetch_sub(&offset_ms, 100, __ATOMIC_SEQ_CST);
}

/* To the same moment again and again. */
static void come_again(size_t step)
{
    static int64_t moment;
    if (step == 0)
        moment = told_ms();
    __atomic_fetch_add(&offset_ms, moment - told_ms(), __ATOMIC_SEQ_CST);
}

/* By months, and back. */
static void fly(size_t step)
{
    int64_t months = (int64_t)31 * 24 * 3600 * 1000 * (step % 2 == 0 ? 13 : -13);
    __atomic_fetch_add(&offset_ms, months, __ATOMIC_SEQ_CST);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(left, right);
}

static void check_distinct(void)
{
    size_t i;
    qsort(ids, taken, ID_LEN, by_text);
    for (i = 1; i < taken; i++) {
        if (strcmp(ids[i - 1], ids[i]) == 0)
            fprintf(stderr, "%s was given twice\n", ids[i]);
        CHECK(strcmp(ids[i - 1], ids[i]) != 0);
    }
}

/* A child with the clock of its parent, which stands: its ids come through the pipe. */
static void take_ids_of_child(rmq_config_t *config)
{
    rmq_producer_t *producer = NULL;
    rmq_queue_t *queue = NULL;
    int pipe_of[2], status;
    FILE *stream;
    size_t i;
    pid_t pid;

    CHECK(pipe(pipe_of) == 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        taken = 0;
        CHECK_OK(rmq_producer_new(config, &producer));
        CHECK_OK(rmq_queue_new(&queue));
        send_all(producer, queue, SOME, stand_still);
        stream = fdopen(pipe_of[1], "w");
        CHECK(fwrite(ids, ID_LEN, SOME, stream) == SOME && fclose(stream) == 0);
        _exit(0);
    }
    close(pipe_of[1]);
    stream = fdopen(pipe_of[0], "r");
    for (i = 0; i < SOME; i++)
        CHECK(fread(ids[taken++], ID_LEN, 1, stream) == 1);
    fclose(stream);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A deadline is not the wall clock's concern. */
static void check_deadline(rmq_mock_cluster_t *cluster, rmq_producer_t *producer)
{
    rmq_message_t message = message_to("clocked", "x");
    int64_t started, elapsed;
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    stand_still(0);
    started = real_ms(CLOCK_MONOTONIC);
    CHECK_FAILS(rmq_send(producer, &message, 200, NULL), RMQ_ERR_TIMEOUT, NULL);
    elapsed = real_ms(CLOCK_MONOTONIC) - started;
    CHECK(elapsed >= 200 && elapsed < PATIENCE_MS);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_queue_t *queue = NULL;

    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_queue_new(&queue));
    send_all(producer, queue, MANY, stand_still);
    send_all(producer, queue, MANY, come_again);
    send_all(producer, queue, SOME, set_back);
    send_all(producer, queue, SOME, fly);
    CHECK(__atomic_load_n(&asked, __ATOMIC_SEQ_CST) > 0);
    take_ids_of_child(config);
    CHECK(taken == sizeof ids / sizeof *ids);
    check_distinct();
    check_deadline(cluster, producer);

    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
