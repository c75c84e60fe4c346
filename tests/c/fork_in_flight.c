/* Fork with sends in flight: the child's old handles answer FORKED, new ones work, the parent does not notice. */
#include "check.h"
#include <sys/wait.h>

static rmq_mock_cluster_t *cluster;
static rmq_producer_t *producer;
static rmq_config_t *config;
static rmq_queue_t *queue;
/* Made in the parent, whose texts nobody has asked for yet. */
static rmq_stats_t *stats;
static rmq_error_t *error;

static void child(void)
{
    rmq_message_t message = message_to("forked", "from the child");
    const rmq_message_t *messages[1] = { &message };
    rmq_event_t event = RMQ_EVENT_INIT;
    rmq_producer_t *new_producer = NULL;
    rmq_stats_t *no_stats = NULL;
    double accepted;
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    outcomes_t outcomes = OUTCOMES_INIT;
    char address[64];
    int32_t code;
    size_t count;
    int fd;
    int64_t started = now_ms();

    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_send_async(producer, &message, -1, count_outcome, &outcomes), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_send_oneway(producer, &message, -1), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_send_queued(producer, &message, -1, queue, NULL), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_send_many(producer, messages, 1, -1, queue, NULL, &code, &count), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_flush(producer, -1), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_producer_close(producer, -1), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_producer_wait_ready(producer, -1), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_producer_in_flight(producer, &count), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_send_batch(producer, messages, 1, -1, NULL), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_send_batch_queued(producer, messages, 1, -1, queue, NULL), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_producer_queues(producer, "forked", -1, NULL, 0, &count), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_producer_wait_writable(producer, -1), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_producer_set_name_servers(producer, "127.0.0.1:1"), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_producer_stats(producer, &no_stats), RMQ_ERR_FORKED, NULL);
    CHECK(no_stats == NULL);
    CHECK_FAILS(rmq_queue_poll(queue, &event, 1, -1, &count), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_queue_fd(queue, &fd), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_mock_name_server(cluster, address, sizeof address), RMQ_ERR_FORKED, NULL);
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_mock_cluster_destroy(cluster);
    CHECK(now_ms() - started < LATE_MS);

    /* Its snapshot and its error are plain values. */
    CHECK_OK(rmq_stats_get(stats, "accepted", &accepted));
    CHECK(accepted == 1001 && strstr(rmq_stats_json(stats), "\"accepted\":1001") != NULL);
    CHECK(strstr(rmq_stats_prometheus(stats), "rmq_producer_accepted_total") != NULL);
    CHECK(strstr(rmq_error_message(error), "no.such.key") != NULL);
    rmq_stats_destroy(stats);
    rmq_error_destroy(error);

    /* The parent's configuration works here, and so does a new producer on the parent's cluster. */
    CHECK_OK(rmq_producer_new(config, &new_producer));
    CHECK_OK(rmq_send(new_producer, &message, -1, &receipt));
    CHECK_OK(rmq_send_async(new_producer, &message, -1, count_outcome, &outcomes));
    CHECK_OK(rmq_producer_close(new_producer, PATIENCE_MS));
    CHECK(outcomes.succeeded == 1);
    rmq_producer_destroy(new_producer);
    rmq_config_destroy(config);
}

int main(void)
{
    rmq_message_t message = message_to("forked", "from the parent");
    rmq_message_t in_flight = message_to("held", "from the parent");
    rmq_mock_fault_t held = RMQ_MOCK_FAULT_INIT;
    outcomes_t outcomes = OUTCOMES_INIT;
    int status, i;
    pid_t pid;

    cluster = mock_cluster(2);
    config = mock_config(cluster);
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    held.kind = RMQ_MOCK_HOLD;
    held.topic = in_flight.topic;
    CHECK_OK(rmq_mock_inject(cluster, &held));
    for (i = 0; i < 1000; i++)
        CHECK_OK(rmq_send_async(producer, &in_flight, 60000, count_outcome, &outcomes));
    CHECK_OK(rmq_mock_wait_stored(cluster, in_flight.topic, 1, PATIENCE_MS));
    CHECK_OK(rmq_producer_stats(producer, &stats));
    error = rmq_config_set(config, "no.such.key", "1");

    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        child();
        exit(0); /* runs the host's exit handlers, as a real child would */
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_FAILS(error, RMQ_ERR_UNKNOWN_KEY, "no.such.key");
    rmq_stats_destroy(stats);
    CHECK(outcomes.succeeded == 0 && outcomes.failed == 0);
    CHECK_OK(rmq_mock_clear_faults(cluster));

    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK(outcomes.succeeded == 1000 && outcomes.failed == 0);
    CHECK_OK(rmq_mock_wait_stored(cluster, "held", 1000, 0));
    CHECK_OK(rmq_mock_wait_stored(cluster, "forked", 4, 0));
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
