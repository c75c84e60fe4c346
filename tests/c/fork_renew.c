/* A producer that renews itself in a forked child: by its key, and by a handler of pthread_atfork. The parent's sends go
   on in the parent, and nothing of them is heard in the child. */
#include "check.h"
#include <sys/wait.h>

static rmq_mock_cluster_t *cluster;
static rmq_producer_t *producer;
static rmq_queue_t *queue;
static outcomes_t outcomes = OUTCOMES_INIT;
static int hooked, logged, told_of_room;

static void before(const rmq_send_attempt_t *attempt, rmq_added_properties_t *added, void *opaque)
{
    (void)attempt;
    /* The log tells that it is left out. */
    CHECK_OK(rmq_add_property(added, "blank", " "));
    __atomic_fetch_add((int *)opaque, 1, __ATOMIC_SEQ_CST);
}

static void take_line(int32_t level, const char *target, const char *text, void *opaque)
{
    (void)level;
    (void)target;
    (void)text;
    __atomic_fetch_add((int *)opaque, 1, __ATOMIC_SEQ_CST);
}

static void room(void *opaque)
{
    __atomic_fetch_add((int *)opaque, 1, __ATOMIC_SEQ_CST);
}

static void wish(void)
{
    CHECK_OK(rmq_producer_renew_after_fork(producer));
}

static pid_t started(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    return pid;
}

static void wait_for(pid_t pid)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* All ways to send, from several threads at once: they find one producer. */
static void *send_from_thread(void *opaque)
{
    rmq_message_t message = message_to("renewed", "from a thread of a child");
    (void)opaque;
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    return NULL;
}

static void use(int sends_before)
{
    rmq_message_t message = message_to("renewed", "from a child");
    outcomes_t own = OUTCOMES_INIT;
    rmq_event_t event = RMQ_EVENT_INIT;
    rmq_queue_t *own_queue = NULL;
    rmq_stats_t *stats = NULL;
    pthread_t threads[4];
    double accepted;
    size_t count, i;

    outcomes = (outcomes_t)OUTCOMES_INIT;
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, send_from_thread, NULL) == 0);
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_OK(rmq_send_async(producer, &message, PATIENCE_MS, count_outcome, &own));
    CHECK_OK(rmq_send_oneway(producer, &message, PATIENCE_MS));
    CHECK_OK(rmq_queue_new(&own_queue));
    CHECK_OK(rmq_send_queued(producer, &message, PATIENCE_MS, own_queue, NULL));
    CHECK_OK(rmq_queue_poll(own_queue, &event, 1, PATIENCE_MS, &count));
    CHECK(count == 1 && event.code == RMQ_OK);
    CHECK_FAILS(rmq_send_queued(producer, &message, -1, queue, NULL), RMQ_ERR_FORKED, NULL);
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    CHECK(own.succeeded == 1 && own.failed == 0);
    CHECK_OK(rmq_producer_stats(producer, &stats));
    CHECK_OK(rmq_stats_get(stats, "accepted", &accepted));
    CHECK(accepted == 7);
    rmq_stats_destroy(stats);
    /* Hooks, log and the listener came along; nothing of the parent's sends did. */
    CHECK(__atomic_load_n(&hooked, __ATOMIC_SEQ_CST) == sends_before + 7);
    CHECK(__atomic_load_n(&logged, __ATOMIC_SEQ_CST) > 0);
    CHECK(outcomes.succeeded == 0 && outcomes.failed == 0);
    rmq_queue_destroy(own_queue);
}

/* QUEUE_FULL, and then room again: the child's own delivery thread tells. */
static void fill(void)
{
    rmq_message_t message = message_to("renewed", "much");
    rmq_error_t *error = NULL;
    int64_t started_at = now_ms();
    int before_it = __atomic_load_n(&told_of_room, __ATOMIC_SEQ_CST);
    while (error == NULL)
        error = rmq_send_async(producer, &message, PATIENCE_MS, count_outcome, &outcomes);
    CHECK_FAILS(error, RMQ_ERR_QUEUE_FULL, NULL);
    while (__atomic_load_n(&told_of_room, __ATOMIC_SEQ_CST) == before_it)
        CHECK(now_ms() - started_at < PATIENCE_MS);
}

int main(void)
{
    rmq_message_t message = message_to("renewed", "from the parent");
    rmq_message_t in_flight = message_to("held", "from the parent");
    rmq_mock_fault_t held = RMQ_MOCK_FAULT_INIT;
    rmq_config_t *config;
    int i, by_key, hooked_so_far;
    pid_t pid;

    cluster = mock_cluster(2);
    config = mock_config(cluster);
    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_config_set(config, "in.flight.max.messages", "2000"));
    CHECK_OK(rmq_config_set(config, "log.level", "debug"));
    CHECK_OK(rmq_config_add_send_hook(config, before, NULL, &hooked, NULL));
    CHECK_OK(rmq_config_set_log(config, take_line, &logged, NULL));
    CHECK_OK(rmq_config_set_writable(config, room, &told_of_room, NULL));
    CHECK(pthread_atfork(NULL, NULL, NULL) == 0);

    for (by_key = 1; by_key >= 0; by_key--) {
        CHECK_OK(rmq_config_set(config, "after.fork", by_key ? "renew" : "fail"));
        CHECK_OK(rmq_producer_new(config, &producer));
        CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
        held.kind = RMQ_MOCK_HOLD;
        held.topic = in_flight.topic;
        CHECK_OK(rmq_mock_inject(cluster, &held));
        outcomes = (outcomes_t)OUTCOMES_INIT;
        for (i = 0; i < 500; i++)
            CHECK_OK(rmq_send_async(producer, &in_flight, 4 * PATIENCE_MS, count_outcome, &outcomes));
        CHECK_OK(rmq_mock_wait_stored(cluster, in_flight.topic, by_key ? 1 : 501, PATIENCE_MS));
        if (!by_key) {
            pid = started();
            if (pid == 0) {
                CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_FORKED, NULL);
                rmq_producer_destroy(producer);
                _exit(0);
            }
            wait_for(pid);
            CHECK(pthread_atfork(NULL, NULL, wish) == 0);
        }
        pid = started();
        if (pid == 0) {
            hooked_so_far = __atomic_load_n(&hooked, __ATOMIC_SEQ_CST);
            __atomic_store_n(&logged, 0, __ATOMIC_SEQ_CST);
            use(hooked_so_far);
            /* A child of the child has one of its own again. */
            hooked_so_far = __atomic_load_n(&hooked, __ATOMIC_SEQ_CST);
            pid = started();
            if (pid == 0) {
                __atomic_store_n(&logged, 0, __ATOMIC_SEQ_CST);
                use(hooked_so_far);
                rmq_producer_destroy(producer);
                exit(0);
            }
            wait_for(pid);
            fill();
            CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
            CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_CLOSED, NULL);
            pid = started();
            if (pid == 0) {
                CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_CLOSED, NULL);
                _exit(0);
            }
            wait_for(pid);
            rmq_producer_destroy(producer);
            exit(0);
        }
        wait_for(pid);
        CHECK(outcomes.succeeded == 0 && outcomes.failed == 0);
        CHECK_OK(rmq_mock_clear_faults(cluster));
        CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
        CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
        CHECK(outcomes.succeeded == 500 && outcomes.failed == 0);
        pid = started();
        if (pid == 0) {
            CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_CLOSED, NULL);
            rmq_producer_destroy(producer);
            _exit(0);
        }
        wait_for(pid);
        if (by_key)
            rmq_producer_destroy(producer);
    }
    /* `wish` still knows it, so it stays. */
    rmq_queue_destroy(queue);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
