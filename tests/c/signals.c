/* The library leaves the host's signals alone: no handler is changed, none runs in its threads, SIGPIPE is not raised
   when a broker goes away. */
#include "check.h"
#include <dirent.h>
#include <signal.h>

static void count_signal(int number)
{
    (void)number;
    CHECK(!"SIGPIPE was raised");
}

/* Every thread named rmq-* blocks every signal that can be blocked. */
static int quiet_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    int found = 0;
    CHECK(tasks != NULL);
    while ((task = readdir(tasks)) != NULL) {
        char path[300], line[256];
        int ours = 0;
        FILE *file;
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        file = fopen(path, "r");
        if (file == NULL)
            continue;
        while (fgets(line, sizeof line, file) != NULL) {
            unsigned long long mask;
            if (strncmp(line, "Name:\trmq-", 10) == 0)
                ours = 1;
            if (ours && sscanf(line, "SigBlk: %llx", &mask) == 1) {
                CHECK((mask & (1ULL << (SIGPIPE - 1))) && (mask & (1ULL << (SIGTERM - 1))));
                CHECK(mask & (1ULL << (SIGINT - 1)));
                found++;
            }
        }
        fclose(file);
    }
    closedir(tasks);
    return found;
}

int main(void)
{
    rmq_mock_cluster_t *cluster;
    rmq_producer_t *producer;
    rmq_message_t message = message_to("signals", "body");
    outcomes_t outcomes = OUTCOMES_INIT;
    struct sigaction before[64], after, pipe_action = { .sa_handler = count_signal };
    sigset_t mask_before, mask_after;
    int number, i;

    CHECK(sigaction(SIGPIPE, &pipe_action, NULL) == 0);
    for (number = 1; number < 64; number++)
        if (sigaction(number, NULL, &before[number]) != 0)
            before[number].sa_handler = SIG_ERR;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask_before) == 0);

    cluster = mock_cluster(1);
    producer = mock_producer(cluster);
    CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    CHECK(quiet_threads() >= 2);

    /* The broker goes away under a stream of sends, several times. */
    for (i = 0; i < 5; i++) {
        int sent;
        CHECK_OK(rmq_mock_stop_broker(cluster, "broker-0"));
        for (sent = 0; sent < 200; sent++)
            CHECK_OK(rmq_send_async(producer, &message, 200, count_outcome, &outcomes));
        CHECK_OK(rmq_mock_start_broker(cluster, "broker-0"));
        CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    }
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK(outcomes.succeeded + outcomes.failed == 1001);

    for (number = 1; number < 64; number++) {
        if (before[number].sa_handler == SIG_ERR)
            continue;
        CHECK(sigaction(number, NULL, &after) == 0);
        CHECK(after.sa_handler == before[number].sa_handler && after.sa_flags == before[number].sa_flags);
    }
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask_after) == 0);
    for (number = 1; number < 64; number++)
        CHECK(sigismember(&mask_before, number) == sigismember(&mask_after, number));
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
