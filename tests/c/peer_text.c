/* What a peer says goes into errors and log lines as one line, without control characters, and not without end. */
#include "check.h"

#define LONG 40000

typedef struct lines_t {
    pthread_mutex_t lock;
    int refusals;
} lines_t;

static void check_shown(const char *text)
{
    const char *at;
    for (at = text; *at != 0; at++)
        CHECK((unsigned char)*at >= 0x20 && *at != 0x7f);
    CHECK(at - text < 10000);
}

static void line(int32_t level, const char *target, const char *text, void *opaque)
{
    lines_t *lines = opaque;
    (void)level;
    (void)target;
    check_shown(text);
    pthread_mutex_lock(&lines->lock);
    lines->refusals += strstr(text, "refused") != NULL && strstr(text, "\\nrmq error client: forged") != NULL;
    pthread_mutex_unlock(&lines->lock);
}

int main(void)
{
    static char remark[LONG + 1];
    static lines_t lines = { PTHREAD_MUTEX_INITIALIZER, 0 };
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("told", "body");
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    rmq_failed_attempt_t attempt = RMQ_FAILED_ATTEMPT_INIT;
    rmq_error_t *error;
    int64_t started = now_ms();
    int told = 0;

    memset(remark, 'x', LONG);
    memcpy(remark, "no\r\nrmq error client: forged\x1b[2J", strlen("no\r\nrmq error client: forged\x1b[2J"));
    fault.kind = RMQ_MOCK_CODE;
    fault.code = 1;
    fault.remark = remark;
    fault.request_code = 310;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    fault.request_code = 34;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    CHECK_OK(rmq_config_set(config, "log.level", "debug"));
    CHECK_OK(rmq_config_set_log(config, line, &lines, NULL));
    CHECK_OK(rmq_producer_new(config, &producer));

    error = rmq_send(producer, &message, PATIENCE_MS, NULL);
    CHECK(rmq_error_code(error) == RMQ_ERR_BROKER);
    check_shown(rmq_error_message(error));
    check_shown(rmq_error_remark(error));
    CHECK(strstr(rmq_error_message(error), "no\\r\\nrmq error client: forged\\u{1b}[2Jxx") != NULL);
    CHECK(strncmp(rmq_error_remark(error), "no\\r\\nrmq error", 14) == 0);
    CHECK(strstr(rmq_error_remark(error), "(40000 bytes)") != NULL);
    CHECK(rmq_error_history_count(error) > 0);
    CHECK_OK(rmq_error_history(error, 0, &attempt));
    check_shown(attempt.message);
    rmq_error_destroy(error);
    while (!told) {
        CHECK(now_ms() - started < PATIENCE_MS);
        pthread_mutex_lock(&lines.lock);
        told = lines.refusals > 0;
        pthread_mutex_unlock(&lines.lock);
    }

    /* What the program says itself. */
    message.topic = "not\na topic";
    error = rmq_send(producer, &message, -1, NULL);
    CHECK(rmq_error_code(error) == RMQ_ERR_MESSAGE_ILLEGAL);
    check_shown(rmq_error_message(error));
    rmq_error_destroy(error);
    message.topic = remark;
    error = rmq_send(producer, &message, -1, NULL);
    check_shown(rmq_error_message(error));
    rmq_error_destroy(error);
    error = rmq_config_set(config, remark, remark);
    check_shown(rmq_error_message(error));
    rmq_error_destroy(error);

    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
