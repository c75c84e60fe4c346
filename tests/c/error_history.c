/* The error of a failed send tells every attempt: which broker, how it failed, the broker's code, and why. */
#include "check.h"

typedef struct story_t {
    rmq_error_t *error;
    gate_t told;
} story_t;

static void keep(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    story_t *story = opaque;
    CHECK(receipt == NULL);
    story->error = rmq_error_clone(error);
    gate_pass(&story->told);
}

static rmq_failed_attempt_t attempt_of(const rmq_error_t *error, size_t index)
{
    rmq_failed_attempt_t attempt = RMQ_FAILED_ATTEMPT_INIT;
    CHECK_OK(rmq_error_history(error, index, &attempt));
    CHECK(attempt.struct_size == sizeof attempt && attempt.reserved == 0);
    return attempt;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("history", "body");
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    rmq_failed_attempt_t attempt;
    rmq_error_t *error;
    struct {
        rmq_failed_attempt_t known;
        uint64_t unknown;
    } newer;
    size_t i, of_broker[2] = { 0 };
    int async;

    CHECK_OK(rmq_config_set(config, "retry.times", "3"));
    CHECK_OK(rmq_config_set(config, "retry.times.async", "3"));
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_send(producer, &message, -1, NULL));

    /* One broker is busy, the other resets the connection: attempts go to one and the other in turn. */
    fault.request_code = 310;
    fault.kind = RMQ_MOCK_CODE;
    fault.code = 2;
    fault.broker = "broker-0";
    fault.remark = "too busy";
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    fault.kind = RMQ_MOCK_RESET;
    fault.broker = "broker-1";
    fault.remark = NULL;
    CHECK_OK(rmq_mock_inject(cluster, &fault));

    for (async = 0; async < 2; async++) {
        int64_t together_us = 0;
        if (async) {
            story_t story = { NULL, GATE_INIT };
            story.told.open = 1;
            CHECK_OK(rmq_send_async(producer, &message, -1, keep, &story));
            gate_wait_reached(&story.told, 1);
            error = story.error;
        } else {
            error = rmq_send(producer, &message, -1, NULL);
        }
        CHECK(rmq_error_attempts(error) == 4 && rmq_error_history_count(error) == 4);
        for (i = 0; i < 4; i++) {
            attempt = attempt_of(error, i);
            CHECK(strncmp(attempt.broker_address, "127.0.0.1:", 10) == 0 && attempt.elapsed_us >= 0);
            together_us += attempt.elapsed_us;
            if (strcmp(attempt.broker_name, "broker-0") == 0) {
                of_broker[0]++;
                CHECK(attempt.code == RMQ_ERR_BROKER && attempt.broker_code == 2);
                CHECK(strstr(attempt.message, "too busy") != NULL);
            } else {
                of_broker[1]++;
                CHECK(strcmp(attempt.broker_name, "broker-1") == 0);
                /* Once lost, no connection is made again for a moment: an attempt within it fails at once. */
                CHECK(attempt.code == RMQ_ERR_CONNECTION_LOST || (of_broker[1] > 1 && attempt.code == RMQ_ERR_CONNECT));
                CHECK(attempt.broker_code == -1);
                CHECK(attempt.message[0] != 0);
            }
            if (i > 0)
                CHECK(strcmp(attempt.broker_name, attempt_of(error, i - 1).broker_name) != 0);
            CHECK(attempt_of(error, i).message == attempt.message); /* one text, as long as the object lives */
        }
        CHECK(attempt.code == rmq_error_code(error) && attempt.broker_code == rmq_error_broker_code(error));
        CHECK(strcmp(attempt.broker_address, rmq_error_broker_address(error)) == 0);
        CHECK(together_us / 1000 <= rmq_error_elapsed_ms(error));

        CHECK_FAILS(rmq_error_history(error, 4, &attempt), RMQ_ERR_INVALID_ARGUMENT, "index is 4, there are 4");
        attempt.struct_size = 8;
        CHECK_FAILS(rmq_error_history(error, 0, &attempt), RMQ_ERR_INVALID_ARGUMENT, "out->struct_size is 8");
        memset(&newer, 0xab, sizeof newer);
        newer.known.struct_size = sizeof newer;
        CHECK_OK(rmq_error_history(error, 0, &newer.known));
        CHECK(newer.known.struct_size == sizeof newer && newer.unknown == 0xabababababababab);
        CHECK(rmq_error_stored_count(error) == 0);
        rmq_error_destroy(error);
    }
    CHECK(of_broker[0] == 4 && of_broker[1] == 4);
    CHECK_OK(rmq_mock_clear_faults(cluster));

    /* A send that needed two attempts has a receipt; where nothing was attempted there is no story. */
    message.topic = "not a topic";
    error = rmq_send(producer, &message, -1, NULL);
    CHECK(rmq_error_code(error) == RMQ_ERR_MESSAGE_ILLEGAL && rmq_error_history_count(error) == 0);
    rmq_error_destroy(error);

    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
