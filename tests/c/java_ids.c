/* The ids of the Java client that travel as properties. */
#include "check.h"

static void check_property(rmq_mock_cluster_t *cluster, const char *topic, const char *name, const char *wanted)
{
    char text[64];
    CHECK_OK(rmq_mock_stored_property(cluster, topic, 0, name, text, sizeof text));
    CHECK(strcmp(text, wanted) == 0);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL, *in_namespace = NULL;
    rmq_message_t message = message_to("ids", "body");

    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_config_set(config, "namespace", "NS"));
    CHECK_OK(rmq_producer_new(config, &in_namespace));
    message.buyer_id = "buyer-7";
    message.instance_id = "instance-8";
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    check_property(cluster, "ids", "BUYER_ID", "buyer-7");
    check_property(cluster, "ids", "INSTANCE_ID", "instance-8");
    CHECK_OK(rmq_send(in_namespace, &message, -1, NULL));
    check_property(cluster, "NS%ids", "BUYER_ID", "buyer-7");
    check_property(cluster, "NS%ids", "INSTANCE_ID", "NS");

    message.topic = "none";
    message.buyer_id = message.instance_id = NULL;
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    check_property(cluster, "none", "BUYER_ID", "");
    check_property(cluster, "none", "INSTANCE_ID", "");

    message.buyer_id = "";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "buyer id");
    message.buyer_id = "\xff";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->buyer_id is not UTF-8");
    message.buyer_id = NULL;
    message.instance_id = "a\002";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_MESSAGE_ILLEGAL, "instance id");
    message.instance_id = "\xff";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_INVALID_ARGUMENT, "message->instance_id is not UTF-8");

    rmq_producer_destroy(producer);
    rmq_producer_destroy(in_namespace);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
