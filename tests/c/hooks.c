/* Hooks around attempts: what they see, properties they add, attempts they refuse, and that none of them, however it
 * behaves, takes away the outcome of a message. */
#include "check.h"

typedef struct seen_t {
    uint32_t number;
    int32_t mode;
    int32_t code;
    int stored;
    char broker[32];
    char message_id[64];
    char topic[32];
} seen_t;

typedef struct trace_t {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int before;
    int after;
    int finalized;
    seen_t seen[64];
} trace_t;

#define TRACE_INIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, { { 0, 0, 0, 0, "", "", "" } } }

static void before(const rmq_send_attempt_t *attempt, rmq_added_properties_t *added, void *opaque)
{
    trace_t *trace = opaque;
    char number[16];
    CHECK(attempt->struct_size == sizeof *attempt && strcmp(attempt->group, "test") == 0);
    CHECK(strlen(attempt->message_id) == 32 && strncmp(attempt->broker_address, "127.0.0.1:", 10) == 0);
    CHECK(strstr(attempt->properties, "UNIQ_KEY\001") != NULL && strstr(attempt->properties, "attempt") == NULL);
    CHECK(attempt->body_len == 4 && memcmp(attempt->body, "body", 4) == 0);
    snprintf(number, sizeof number, "%u", attempt->number);
    CHECK_OK(rmq_add_property(added, "attempt", number));
    CHECK_OK(rmq_add_property(added, "traced", "bl\xc3\xa5"));
    pthread_mutex_lock(&trace->lock);
    trace->before++;
    pthread_mutex_unlock(&trace->lock);
}

static void after(const rmq_send_attempt_t *attempt, const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    trace_t *trace = opaque;
    seen_t *seen;
    CHECK(error == NULL || receipt == NULL);
    CHECK((error == NULL && receipt == NULL) == (attempt->mode == RMQ_MODE_ONEWAY));
    pthread_mutex_lock(&trace->lock);
    CHECK(trace->after < 64);
    seen = &trace->seen[trace->after++];
    seen->number = attempt->number;
    seen->mode = attempt->mode;
    seen->code = rmq_error_code(error);
    seen->stored = receipt != NULL;
    snprintf(seen->broker, sizeof seen->broker, "%s", attempt->broker_name);
    snprintf(seen->message_id, sizeof seen->message_id, "%s", attempt->message_id);
    snprintf(seen->topic, sizeof seen->topic, "%s", attempt->topic);
    if (receipt != NULL) {
        CHECK(receipt->struct_size == sizeof *receipt && receipt->queue_id == attempt->queue_id);
        CHECK(strcmp(receipt->broker_name, attempt->broker_name) == 0);
        CHECK(strcmp(receipt->message_id, attempt->message_id) == 0);
    }
    if (error != NULL)
        CHECK(rmq_error_message(error)[0] != 0);
    pthread_cond_broadcast(&trace->changed);
    pthread_mutex_unlock(&trace->lock);
}

static void finalize(void *opaque)
{
    trace_t *trace = opaque;
    pthread_mutex_lock(&trace->lock);
    trace->finalized++;
    pthread_cond_broadcast(&trace->changed);
    pthread_mutex_unlock(&trace->lock);
}

static void wait_for(trace_t *trace, const int *count, int wanted)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&trace->lock);
    while (*count < wanted)
        CHECK(pthread_cond_timedwait(&trace->changed, &trace->lock, &deadline) == 0);
    CHECK(*count == wanted);
    pthread_mutex_unlock(&trace->lock);
}

static void check_property(rmq_mock_cluster_t *cluster, const char *topic, size_t index, const char *name,
                           const char *wanted)
{
    char text[64];
    CHECK_OK(rmq_mock_stored_property(cluster, topic, index, name, text, sizeof text));
    if (strcmp(text, wanted) != 0) {
        fprintf(stderr, "%s of %s is %s, not %s\n", name, topic, text, wanted);
        CHECK(!"the property");
    }
}

static void tracing(rmq_mock_cluster_t *cluster)
{
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL, *second = NULL;
    rmq_message_t message = message_to("traced", "body");
    const rmq_message_t *batch[2] = { &message, &message };
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT, receipts[2] = { RMQ_RECEIPT_INIT };
    outcomes_t outcomes = OUTCOMES_INIT;
    trace_t trace = TRACE_INIT, only_after = TRACE_INIT;
    seen_t *seen = trace.seen;
    int i;

    CHECK_OK(rmq_config_add_send_hook(config, before, after, &trace, finalize));
    CHECK_OK(rmq_config_add_send_hook(config, NULL, after, &only_after, finalize));
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_producer_new(config, &second));
    rmq_config_destroy(config);

    /* The first attempt meets a broker that is busy, the second is stored. */
    fault.request_code = 310;
    fault.kind = RMQ_MOCK_CODE;
    fault.code = 2;
    fault.times = 1;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    CHECK_OK(rmq_send(producer, &message, -1, &receipt));
    CHECK(trace.before == 2 && trace.after == 2 && only_after.after == 2);
    CHECK(seen[0].number == 1 && !seen[0].stored && seen[0].code == RMQ_ERR_BROKER);
    CHECK(seen[1].number == 2 && seen[1].stored && seen[1].code == RMQ_OK);
    CHECK(strcmp(seen[0].broker, seen[1].broker) != 0 && strcmp(seen[1].broker, receipt.broker_name) == 0);
    for (i = 0; i < 2; i++) {
        CHECK(strcmp(seen[i].message_id, receipt.message_id) == 0 && strcmp(seen[i].topic, "traced") == 0);
        CHECK(seen[i].mode == RMQ_MODE_SYNC);
    }
    check_property(cluster, "traced", 0, "attempt", "2");
    check_property(cluster, "traced", 0, "traced", "bl\xc3\xa5");

    /* By callback, and without an outcome. */
    message.topic = "async";
    CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    wait_for_outcomes(&outcomes, 1);
    wait_for(&trace, &trace.after, 3);
    CHECK(seen[2].mode == RMQ_MODE_ASYNC && seen[2].stored);
    check_property(cluster, "async", 0, "attempt", "1");
    message.topic = "oneway";
    CHECK_OK(rmq_send_oneway(producer, &message, -1));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    wait_for(&trace, &trace.after, 4);
    CHECK(seen[3].mode == RMQ_MODE_ONEWAY && !seen[3].stored && seen[3].code == RMQ_OK);

    /* Each message of a batch. */
    message.topic = "batch";
    CHECK_OK(rmq_send_batch(producer, batch, 2, -1, receipts));
    CHECK(trace.before == 6 && trace.after == 6);
    for (i = 0; i < 2; i++) {
        CHECK(seen[4 + i].stored && strcmp(seen[4 + i].message_id, receipts[i].message_id) == 0);
        check_property(cluster, "batch", i, "traced", "bl\xc3\xa5");
    }

    /* The other producer has them too; they end with the last that has them. */
    message.topic = "second";
    CHECK_OK(rmq_send(second, &message, -1, NULL));
    CHECK(trace.after == 7);
    rmq_producer_destroy(second);
    message.topic = "third";
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    CHECK(trace.finalized == 0);
    rmq_producer_destroy(producer);
    wait_for(&trace, &trace.finalized, 1);
    wait_for(&only_after, &only_after.finalized, 1);
    CHECK(trace.before == 8 && trace.after == 8 && only_after.after == 8 && only_after.before == 0);
}

static int32_t check(const rmq_send_attempt_t *attempt, char *reason, size_t reason_len, void *opaque)
{
    trace_t *trace = opaque;
    pthread_mutex_lock(&trace->lock);
    trace->before++;
    pthread_mutex_unlock(&trace->lock);
    CHECK(reason_len >= 256 && reason[0] == 0 && reason[reason_len - 1] == 0);
    if (strcmp(attempt->topic, "fine") == 0 || strcmp(attempt->broker_name, "broker-1") == 0)
        return 0;
    if (strcmp(attempt->topic, "silent") == 0)
        return 5;
    if (strcmp(attempt->topic, "endless") == 0)
        memset(reason, 'x', reason_len);
    else if (strcmp(attempt->topic, "garbled") == 0)
        snprintf(reason, reason_len, "caf\xe9!");
    else
        snprintf(reason, reason_len, "not to %s", attempt->broker_name);
    return -1;
}

static void forbidding(rmq_mock_cluster_t *cluster)
{
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("half", "body");
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    trace_t asked = TRACE_INIT, trace = TRACE_INIT;
    outcomes_t outcomes = OUTCOMES_INIT;
    uint64_t stored, before_all, after_all;
    rmq_error_t *error;
    int i, twice = 0;

    CHECK_OK(rmq_config_add_check_forbidden_hook(config, check, &asked, finalize));
    CHECK_OK(rmq_config_add_send_hook(config, before, after, &trace, NULL));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);

    /* An attempt at the forbidden broker is followed by one at the other. In turn means four queues of each. */
    for (i = 0; i < 9; i++) {
        CHECK_OK(rmq_send(producer, &message, -1, &receipt));
        CHECK(strcmp(receipt.broker_name, "broker-1") == 0);
        twice += receipt.attempts == 2;
    }
    CHECK(twice > 0 && asked.before == 9 + twice);
    /* A refused attempt is none: the other hooks hear nothing of it. */
    CHECK(trace.before == 9 && trace.after == 9);

    /* No other queue: the send fails, and nothing is sent. */
    message.broker_name = "broker-0";
    CHECK_OK(rmq_mock_request_count(cluster, 310, &before_all));
    message.topic = "fixed";
    CHECK_OK(rmq_mock_create_topic(cluster, "fixed", 1, 1, 6));
    error = rmq_send(producer, &message, -1, &receipt);
    CHECK(rmq_error_code(error) == RMQ_ERR_FORBIDDEN && rmq_error_persistence(error) == RMQ_NOT_PERSISTED);
    CHECK(strstr(rmq_error_message(error), "not to broker-0") != NULL);
    CHECK(rmq_error_history_count(error) == 3);
    rmq_error_destroy(error);
    CHECK_OK(rmq_send_async(producer, &message, -1, count_outcome, &outcomes));
    wait_for_outcomes(&outcomes, 1);
    CHECK(outcomes.failed == 1 && outcomes.last_code == RMQ_ERR_FORBIDDEN);
    CHECK_OK(rmq_send_oneway(producer, &message, -1));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));

    /* No reason, one without an end, one that is not UTF-8. */
    CHECK_OK(rmq_mock_create_topic(cluster, "silent", 1, 1, 6));
    CHECK_OK(rmq_mock_create_topic(cluster, "endless", 1, 1, 6));
    CHECK_OK(rmq_mock_create_topic(cluster, "garbled", 1, 1, 6));
    message.topic = "silent";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_FORBIDDEN, "it returned 5");
    message.topic = "endless";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_FORBIDDEN, "xxxxxxxx");
    message.topic = "garbled";
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_FORBIDDEN, "caf\xef\xbf\xbd!");
    CHECK_OK(rmq_mock_request_count(cluster, 310, &after_all));
    CHECK(after_all == before_all && trace.before == 9);
    CHECK_OK(rmq_mock_stored_count(cluster, "fixed", &stored));
    CHECK(stored == 0);

    CHECK_OK(rmq_mock_create_topic(cluster, "fine", 1, 1, 6));
    message.topic = "fine";
    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    rmq_producer_destroy(producer);
    wait_for(&asked, &asked.finalized, 1);
}

typedef struct mischief_t {
    rmq_producer_t *producer;
    long left_out;
    int destroy;
} mischief_t;

static void count_left_out(int32_t level, const char *target, const char *text, void *opaque)
{
    (void)level, (void)target;
    if (strstr(text, "left out") != NULL)
        __atomic_fetch_add((long *)opaque, 1, __ATOMIC_SEQ_CST);
}

static void misbehave(rmq_producer_t *producer)
{
    rmq_message_t message = message_to("mischief", "from a hook");
    const rmq_message_t *messages[1] = { &message };
    size_t count;
    CHECK_FAILS(rmq_send(producer, &message, -1, NULL), RMQ_ERR_WOULD_DEADLOCK, "hook");
    CHECK_FAILS(rmq_send_async(producer, &message, -1, count_outcome, NULL), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_send_oneway(producer, &message, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_send_batch(producer, messages, 1, -1, NULL), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_flush(producer, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_producer_close(producer, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_producer_wait_ready(producer, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_producer_wait_writable(producer, -1), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_producer_queues(producer, "mischief", -1, NULL, 0, &count), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_producer_look_up(producer, "mischief", -1, NULL, NULL), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_flush_queued(producer, -1, NULL, NULL), RMQ_ERR_WOULD_DEADLOCK, NULL);
    CHECK_FAILS(rmq_producer_wait_ready_queued(producer, -1, NULL, NULL), RMQ_ERR_WOULD_DEADLOCK, NULL);
}

static void bad_before(const rmq_send_attempt_t *attempt, rmq_added_properties_t *added, void *opaque)
{
    mischief_t *mischief = opaque;
    (void)attempt;
    CHECK_FAILS(rmq_add_property(added, NULL, "value"), RMQ_ERR_INVALID_ARGUMENT, "argument name is NULL");
    CHECK_FAILS(rmq_add_property(added, "name", "\xff"), RMQ_ERR_INVALID_ARGUMENT, "not UTF-8");
    CHECK_OK(rmq_add_property(added, "", "value"));
    CHECK_OK(rmq_add_property(added, "blank", " "));
    CHECK_OK(rmq_add_property(added, "split", "a\001b"));
    CHECK_OK(rmq_add_property(added, "good", "value"));
    misbehave(mischief->producer);
}

static void bad_after(const rmq_send_attempt_t *attempt, const rmq_error_t *error, const rmq_receipt_t *receipt,
                      void *opaque)
{
    mischief_t *mischief = opaque;
    (void)attempt, (void)receipt;
    rmq_error_destroy((rmq_error_t *)error); /* does nothing: it is borrowed */
    misbehave(mischief->producer);
}

static int32_t destroy(const rmq_send_attempt_t *attempt, char *reason, size_t reason_len, void *opaque)
{
    mischief_t *mischief = opaque;
    (void)attempt, (void)reason, (void)reason_len;
    if (__atomic_exchange_n(&mischief->destroy, 0, __ATOMIC_SEQ_CST))
        rmq_producer_destroy(mischief->producer);
    return 0;
}

/* Through all doors, with attempts that fail and that succeed: every send has its outcome. */
static void mischief(rmq_mock_cluster_t *cluster)
{
    enum { SENDS = 100 };
    rmq_config_t *config = mock_config(cluster);
    rmq_message_t message = message_to("mischief", "body");
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    outcomes_t outcomes = OUTCOMES_INIT;
    mischief_t mischief = { NULL, 0, 0 };
    uint64_t stored;
    int i;

    CHECK_OK(rmq_config_set_log(config, count_left_out, &mischief.left_out, NULL));
    CHECK_OK(rmq_config_add_send_hook(config, bad_before, bad_after, &mischief, NULL));
    CHECK_OK(rmq_producer_new(config, &mischief.producer));
    fault.request_code = 310;
    fault.kind = RMQ_MOCK_CODE;
    fault.code = 2;
    fault.times = SENDS / 2;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    for (i = 0; i < SENDS; i++)
        CHECK_OK(rmq_send_async(mischief.producer, &message, -1, count_outcome, &outcomes));
    wait_for_outcomes(&outcomes, SENDS);
    for (i = 0; i < 10; i++)
        CHECK_OK(rmq_send(mischief.producer, &message, -1, NULL));
    CHECK_OK(rmq_producer_close(mischief.producer, PATIENCE_MS));
    CHECK(outcomes.succeeded + outcomes.failed == SENDS);
    CHECK_OK(rmq_mock_stored_count(cluster, "mischief", &stored));
    CHECK(stored == (uint64_t)outcomes.succeeded + 10);
    check_property(cluster, "mischief", 0, "good", "value");
    check_property(cluster, "mischief", 0, "blank", "");
    check_property(cluster, "mischief", 0, "split", "");
    CHECK(mischief.left_out >= 3 * (SENDS + 10));
    rmq_producer_destroy(mischief.producer);
    rmq_config_destroy(config);
    CHECK_OK(rmq_mock_clear_faults(cluster));
}

/* A hook destroys its producer: on the I/O thread (the topic is not known yet) and in the send. */
static void destroying(rmq_mock_cluster_t *cluster)
{
    enum { IN_FLIGHT = 20 };
    mischief_t mischief = { NULL, 0, 0 };
    rmq_message_t message = message_to("held", "body"), last = message;
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    uint64_t before;
    int on_io_thread, i;

    fault.kind = RMQ_MOCK_NO_ANSWER;
    fault.topic = "held";
    fault.request_code = 310;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    for (on_io_thread = 0; on_io_thread < 2; on_io_thread++) {
        rmq_config_t *config = mock_config(cluster);
        outcomes_t outcomes = OUTCOMES_INIT;
        int64_t started;
        CHECK_OK(rmq_config_set(config, "batch.auto", "off")); /* all are to be under way */
        CHECK_OK(rmq_config_add_check_forbidden_hook(config, destroy, &mischief, NULL));
        CHECK_OK(rmq_producer_new(config, &mischief.producer));
        rmq_config_destroy(config);
        if (!on_io_thread) {
            last.topic = "known";
            CHECK_OK(rmq_send(mischief.producer, &last, -1, NULL));
        } else {
            last.topic = "unknown";
        }
        CHECK_OK(rmq_mock_request_count(cluster, 310, &before));
        for (i = 0; i < IN_FLIGHT; i++)
            CHECK_OK(rmq_send_async(mischief.producer, &message, 60000, count_outcome, &outcomes));
        CHECK_OK(rmq_mock_wait_requests(cluster, 310, before + IN_FLIGHT, PATIENCE_MS));
        __atomic_store_n(&mischief.destroy, 1, __ATOMIC_SEQ_CST);
        started = now_ms();
        CHECK_OK(rmq_send_async(mischief.producer, &last, 60000, count_outcome, &outcomes));
        wait_for_outcomes(&outcomes, IN_FLIGHT + 1);
        CHECK(now_ms() - started < 10000);
        CHECK(outcomes.failed >= IN_FLIGHT && (outcomes.last_code == RMQ_OK || outcomes.last_code == RMQ_ERR_CLOSED));
    }
    CHECK_OK(rmq_mock_clear_faults(cluster));
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(2);
    tracing(cluster);
    forbidding(cluster);
    mischief(cluster);
    destroying(cluster);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
