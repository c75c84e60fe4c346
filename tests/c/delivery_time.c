/* Delay levels and timers: the broker gets the property of each, alone, and no message has two of them. */
#include "check.h"

#define TIMER_TOPIC "rmq_sys_wheel_timer"
#define LEVEL_TOPIC "SCHEDULE_TOPIC_XXXX"

static const char *const names[] = { "DELAY", "TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS" };

/* The first message stored under the topic has this delivery property and none of the others (NULL: none). */
static void check_stored(rmq_mock_cluster_t *cluster, const char *topic, const char *name, const char *value)
{
    char found[64];
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        const char *wanted = name != NULL && strcmp(name, names[i]) == 0 ? value : "";
        CHECK_OK(rmq_mock_stored_property(cluster, topic, 0, names[i], found, sizeof found));
        CHECK(strcmp(found, wanted) == 0);
    }
}

/* Sends the message to a new cluster, which must hold it back under this topic. */
static void check_parked(const rmq_message_t *message, const char *topic, const char *name, const char *value)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    char real_topic[64];
    uint64_t delivered;

    CHECK_OK(rmq_send(producer, message, -1, NULL));
    check_stored(cluster, topic, name, value);
    CHECK_OK(rmq_mock_stored_property(cluster, topic, 0, "REAL_TOPIC", real_topic, sizeof real_topic));
    CHECK(strcmp(real_topic, "later") == 0);
    CHECK_OK(rmq_mock_stored_count(cluster, "later", &delivered));
    CHECK(delivered == 0);
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
}

/* A message whose time has passed is not held back. */
static void at_once(rmq_mock_cluster_t *cluster, rmq_producer_t *producer)
{
    rmq_message_t message = message_to("now", "body");
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    check_stored(cluster, "now", NULL, NULL);
    message.topic = "passed";
    message.deliver_at_ms = 1;
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK_OK(rmq_mock_wait_stored(cluster, "passed", 1, PATIENCE_MS));
}

/* The member i of the four, as an application sets it. */
static void set(rmq_message_t *message, int i)
{
    switch (i) {
    case 0: message->delay_level = 3; break;
    case 1: message->delay_seconds = 60; break;
    case 2: message->delay_ms = 60000; break;
    default: message->deliver_at_ms = 1; break;
    }
}

static void refusals(rmq_mock_cluster_t *cluster, rmq_producer_t *producer)
{
    static const char *const members[] = { "delay_level", "delay_seconds", "delay_ms", "deliver_at_ms" };
    rmq_message_t message;
    uint64_t stored;
    int i, j;
    for (i = 0; i < 4; i++)
        for (j = i + 1; j < 4; j++) {
            char text[128];
            message = message_to("refused", "body");
            set(&message, i);
            set(&message, j);
            snprintf(text, sizeof text, "rmq_send: message->%s and ->%s are both set", members[i], members[j]);
            CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, text);
        }
    message = message_to("refused", "body");
    message.delay_level = 19;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "19");
    message.delay_level = -1;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "-1");
    message.delay_level = 0;
    message.delay_seconds = -5;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "-5");
    message.delay_seconds = 0;
    message.delay_ms = INT64_MIN;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "-9223372036854775808");
    CHECK_OK(rmq_mock_stored_count(cluster, "refused", &stored));
    CHECK(stored == 0);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message;
    struct timespec now;
    char deliver_at[32];

    message = message_to("later", "body");
    message.delay_level = 3;
    check_parked(&message, LEVEL_TOPIC, "DELAY", "3");
    message = message_to("later", "body");
    message.delay_seconds = 60;
    check_parked(&message, TIMER_TOPIC, "TIMER_DELAY_SEC", "60");
    message = message_to("later", "body");
    message.delay_ms = 61500;
    check_parked(&message, TIMER_TOPIC, "TIMER_DELAY_MS", "61500");
    message = message_to("later", "body");
    clock_gettime(CLOCK_REALTIME, &now);
    message.deliver_at_ms = (int64_t)now.tv_sec * 1000 + 600000;
    snprintf(deliver_at, sizeof deliver_at, "%" PRId64, message.deliver_at_ms);
    check_parked(&message, TIMER_TOPIC, "TIMER_DELIVER_MS", deliver_at);

    at_once(cluster, producer);
    refusals(cluster, producer);
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
