/* Fork with sends in flight: the child's old handles answer FORKED, new ones work, the parent does not notice. */
#include "check.h"
#include <sys/wait.h>

static rmq_mock_cluster_t *cluster;
static rmq_producer_t *producer;
static rmq_config_t *config;
static rmq_queue_t *queue;

static void child(void)
{
    rmq_message_t message = message_to("forked", "from the child");
    const rmq_message_t *messages[1] = { &message };
    rmq_completion_t completion = RMQ_COMPLETION_INIT;
    rmq_producer_t *new_producer = NULL;
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
    CHECK_FAILS(rmq_queue_poll(queue, &completion, 1, -1, &count), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_queue_fd(queue, &fd), RMQ_ERR_FORKED, NULL);
    CHECK_FAILS(rmq_mock_name_server(cluster, address, sizeof address), RMQ_ERR_FORKED, NULL);
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_mock_cluster_destroy(cluster);
    CHECK(now_ms() - started < 1000);

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
    rmq_mock_fault_t slow = RMQ_MOCK_FAULT_INIT;
    outcomes_t outcomes = OUTCOMES_INIT;
    int status, i;
    pid_t pid;

    cluster = mock_cluster(2);
    config = mock_config(cluster);
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    slow.kind = RMQ_MOCK_DELAY;
    slow.number = 300;
    slow.request_code = 310;
    slow.times = 1000;
    CHECK_OK(rmq_mock_inject(cluster, &slow));
    for (i = 0; i < 1000; i++)
        CHECK_OK(rmq_send_async(producer, &message, 60000, count_outcome, &outcomes));

    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        child();
        exit(0); /* runs the host's exit handlers, as a real child would */
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK(outcomes.succeeded == 1000 && outcomes.failed == 0);
    CHECK_OK(rmq_mock_wait_stored(cluster, "forked", 1004, 0));
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
