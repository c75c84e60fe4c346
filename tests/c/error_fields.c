/* An error tells the broker's code and words, its address, attempts, time, and whether the message may be stored. */
#include "check.h"

static rmq_error_t *clone_of;

static void keep(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    (void)receipt;
    clone_of = rmq_error_clone(error);
    count_outcome(error, receipt, opaque);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("errors", "body");
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    outcomes_t outcomes = OUTCOMES_INIT;
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    rmq_error_t *error;
    int64_t started, took;
    uint64_t requests;
    int async;

    CHECK_OK(rmq_send(producer, &message, -1, NULL));

    /* Refused for good: one attempt, the broker's words. */
    fault.kind = RMQ_MOCK_CODE;
    fault.request_code = 310;
    fault.code = 13;
    fault.remark = "the body is d\xc3\xa9j\xc3\xa0 vu";
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    for (async = 0; async < 2; async++) {
        if (async) {
            CHECK_OK(rmq_send_async(producer, &message, -1, keep, &outcomes));
            wait_for_outcomes(&outcomes, 1);
            error = clone_of;
        } else {
            error = rmq_send(producer, &message, -1, &receipt);
        }
        CHECK(rmq_error_code(error) == RMQ_ERR_BROKER && strcmp(rmq_error_name(error), "BROKER") == 0);
        CHECK(rmq_error_broker_code(error) == 13);
        CHECK(strcmp(rmq_error_remark(error), fault.remark) == 0);
        CHECK(rmq_error_remark(error) == rmq_error_remark(error)); /* one text, as long as the object lives */
        CHECK(strstr(rmq_error_message(error), fault.remark) != NULL);
        CHECK(strncmp(rmq_error_broker_address(error), "127.0.0.1:", 10) == 0);
        CHECK(rmq_error_attempts(error) == 1 && rmq_error_elapsed_ms(error) >= 0);
        CHECK(rmq_error_persistence(error) == RMQ_NOT_PERSISTED);
        CHECK(receipt.queue_offset == 0 && receipt.message_id[0] == 0); /* written at success only */
        rmq_error_destroy(error);
    }
    CHECK_OK(rmq_mock_clear_faults(cluster));

    /* Silent: the time-out bounds the whole send. */
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    started = now_ms();
    error = rmq_send(producer, &message, 200, NULL);
    took = now_ms() - started;
    CHECK(took >= 195 && took < LATE_MS); /* it would be 20 s without this time-out */
    CHECK(rmq_error_code(error) == RMQ_ERR_TIMEOUT && rmq_error_is_retriable(error) == 1);
    CHECK(rmq_error_persistence(error) == RMQ_POSSIBLY_PERSISTED);
    CHECK(rmq_error_broker_code(error) == -1 && strcmp(rmq_error_remark(error), "") == 0);
    CHECK(rmq_error_elapsed_ms(error) >= 195);
    rmq_error_destroy(error);
    CHECK_OK(rmq_mock_clear_faults(cluster));

    /* Stored, but not yet flushed: a receipt, sent once. */
    fault.kind = RMQ_MOCK_STORED_BUT_CODE;
    fault.code = 10;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    CHECK_OK(rmq_mock_request_count(cluster, 310, &requests));
    CHECK_OK(rmq_send(producer, &message, -1, &receipt));
    CHECK(receipt.status == RMQ_SEND_FLUSH_DISK_TIMEOUT && receipt.attempts == 1);
    CHECK_OK(rmq_mock_clear_faults(cluster));

    /* No name server at all is told apart from one that does not answer. */
    {
        rmq_config_t *config = NULL;
        rmq_producer_t *other = NULL;
        CHECK_OK(rmq_config_new(&config));
        CHECK_FAILS(rmq_producer_new(config, &other), RMQ_ERR_INVALID_VALUE, "producer.group");
        CHECK_OK(rmq_config_set(config, "producer.group", "test"));
        CHECK(unsetenv("NAMESRV_ADDR") == 0);
        CHECK_FAILS(rmq_producer_new(config, &other), RMQ_ERR_NO_NAME_SERVER, NULL);
        CHECK(other == NULL);
        CHECK_OK(rmq_config_set(config, "name.server", "127.0.0.1:1"));
        CHECK_OK(rmq_producer_new(config, &other));
        CHECK_FAILS(rmq_producer_wait_ready(other, 300), RMQ_ERR_NAME_SERVER, "127.0.0.1:1");
        CHECK_FAILS(rmq_send(other, &message, 300, NULL), RMQ_ERR_NAME_SERVER, "127.0.0.1:1");
        rmq_producer_destroy(other);
        rmq_config_destroy(config);
    }
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
