/* Texts that are not UTF-8, keys there are not, values out of range. */
#include "check.h"

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = mock_producer(cluster);
    const char *bad = "caf\xe9";
    const char *keys[1] = { "caf\xe9" };
    rmq_property_t property = { "name", "\xff\xfe" };
    rmq_message_t message = message_to("bad", "body");
    char buffer[64];
    size_t len, count = rmq_config_key_count(), i;

    CHECK_FAILS(rmq_config_set(config, bad, "x"), RMQ_ERR_INVALID_ARGUMENT, "key is not UTF-8");
    CHECK_FAILS(rmq_config_set(config, "producer.group", bad), RMQ_ERR_INVALID_ARGUMENT, "value is not UTF-8");
    CHECK_FAILS(rmq_config_set(config, "send.timout.ms", "1"), RMQ_ERR_UNKNOWN_KEY, "send.timeout.ms");
    CHECK_FAILS(rmq_config_get(config, "producer.grup", NULL, 0, &len), RMQ_ERR_UNKNOWN_KEY, "producer.group");
    CHECK_FAILS(rmq_config_set(config, "test.mock.brokers", "101"), RMQ_ERR_INVALID_VALUE, "0 to 100");
    CHECK_FAILS(rmq_config_set(config, "retry.times", "many"), RMQ_ERR_INVALID_VALUE, "many");
    CHECK_FAILS(rmq_config_set(config, "in.flight.full", "maybe"), RMQ_ERR_INVALID_VALUE, "fail, wait");
    CHECK_FAILS(rmq_config_get(config, "producer.group", buffer, 4, &len), RMQ_ERR_INVALID_ARGUMENT, "needs 5");
    CHECK_OK(rmq_config_get(config, "producer.group", buffer, 5, &len));
    CHECK(len == 4 && strcmp(buffer, "test") == 0);

    for (i = 0; i < count; i++) {
        rmq_config_key_t key = RMQ_CONFIG_KEY_INIT;
        CHECK_OK(rmq_config_key(i, &key));
        CHECK(key.struct_size == sizeof key && *key.name != 0 && *key.text != 0 && *key.kind != 0);
        CHECK_OK(rmq_config_get(config, key.name, NULL, 0, &len));
    }
    {
        rmq_config_key_t key = RMQ_CONFIG_KEY_INIT;
        CHECK_FAILS(rmq_config_key(count, &key), RMQ_ERR_INVALID_ARGUMENT, "index");
        CHECK(key.name == NULL);
    }

    message.topic = bad;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->topic is not UTF-8");
    message.topic = "caf\xc3\xa9";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, NULL);
    message.topic = "bad";
    message.tags = bad;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->tags is not UTF-8");
    message.tags = NULL;
    message.keys = keys;
    message.key_count = 1;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->keys[0] is not UTF-8");
    message.key_count = 0;
    message.properties = &property;
    message.property_count = 1;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "properties[0].value is not UTF-8");

    CHECK_FAILS(rmq_mock_stop_broker(cluster, bad), RMQ_ERR_INVALID_ARGUMENT, "broker is not UTF-8");
    CHECK(strcmp(rmq_error_code_name(RMQ_ERR_QUEUE_FULL), "QUEUE_FULL") == 0);
    CHECK(strcmp(rmq_error_code_name(9999), "UNKNOWN") == 0);
    CHECK(strcmp(rmq_version(), RMQ_VERSION) == 0 && rmq_abi_version() == RMQ_ABI_VERSION);

    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
