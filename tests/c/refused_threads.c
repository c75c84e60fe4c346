/* The operating system refuses threads while a producer needs them to look a host name up: sends fail in time and say
   why, none is left without an outcome, and as soon as there are threads again all goes on. */
#include "check.h"
#include <sys/resource.h>

/* A user that has nothing else: the limit counts the threads of a user, and root has none. */
enum { NOBODY = 54321, TIMEOUT_MS = 2000, SLACK_MS = 3000 };

static void allow_threads(rlim_t count)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NPROC, &limit) == 0);
    limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
}

static void *nothing(void *argument)
{
    return argument;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *first = NULL, *producer = NULL;
    rmq_message_t message = message_to("orders", "body");
    char address[64], by_name[80];
    pthread_t refused;
    int64_t started;
    int round;

    CHECK(geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0));
    /* The process has its I/O thread from the first producer. */
    CHECK_OK(rmq_producer_new(config, &first));
    CHECK_OK(rmq_mock_name_server(cluster, address, sizeof address));
    snprintf(by_name, sizeof by_name, "localhost%s", strrchr(address, ':'));
    CHECK_OK(rmq_config_set(config, "name.server", by_name));
    CHECK_OK(rmq_config_set(config, "api.timeout.ms", "500"));
    allow_threads(1);
    CHECK(pthread_create(&refused, NULL, nothing, NULL) == EAGAIN);
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    for (round = 0; round < 3; round++) {
        started = now_ms();
        CHECK_FAILS(rmq_send(producer, &message, TIMEOUT_MS, NULL), RMQ_ERR_NAME_SERVER, "no thread to look the name up");
        CHECK(now_ms() - started < TIMEOUT_MS + SLACK_MS);
    }

    allow_threads(RLIM_INFINITY);
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    rmq_producer_destroy(producer);
    rmq_producer_destroy(first);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
