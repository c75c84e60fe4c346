/* Log lines reach the callback with its opaque; the finalizer is called once, when nobody needs the opaque any more. */
#include "check.h"

typedef struct lines_t {
    pthread_mutex_t lock;
    long count;
    long mentions;
    int finalized;
} lines_t;

static void line(int32_t level, const char *target, const char *text, void *opaque)
{
    lines_t *lines = opaque;
    CHECK(level >= RMQ_LOG_ERROR && level <= RMQ_LOG_DEBUG && *target != 0 && *text != 0);
    CHECK(strstr(text, "a secret body") == NULL);
    pthread_mutex_lock(&lines->lock);
    CHECK(!lines->finalized);
    lines->count++;
    lines->mentions += strstr(text, "127.0.0.1") != NULL;
    pthread_mutex_unlock(&lines->lock);
}

static void finalize(void *opaque)
{
    lines_t *lines = opaque;
    pthread_mutex_lock(&lines->lock);
    lines->finalized++;
    pthread_mutex_unlock(&lines->lock);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("logged", "a secret body");
    lines_t unused = { PTHREAD_MUTEX_INITIALIZER, 0, 0, 0 };
    static lines_t lines = { PTHREAD_MUTEX_INITIALIZER, 0, 0, 0 };

    CHECK_OK(rmq_config_set_log(config, line, &unused, finalize));
    CHECK_OK(rmq_config_set_log(config, line, &lines, finalize));
    CHECK(unused.finalized == 1);
    CHECK_OK(rmq_config_set(config, "log.level", "debug"));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK_OK(rmq_mock_stop_broker(cluster, "broker-0"));
    rmq_error_destroy(rmq_send(producer, &message, 200, NULL));
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    pthread_mutex_lock(&lines.lock);
    CHECK(lines.count > 0 && lines.mentions > 0);
    pthread_mutex_unlock(&lines.lock);
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);

    /* Without a producer it is called with the end of the configuration. */
    CHECK_OK(rmq_config_new(&config));
    CHECK_OK(rmq_config_set_log(config, line, &unused, finalize));
    rmq_config_destroy(config);
    CHECK(unused.finalized == 2);
    return 0;
}
