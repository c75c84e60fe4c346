/* No memory for a body, compressed or not, for a batch or for many messages: an error, and the next small send works. */
#include "check.h"
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define LARGEST 16000000

static rmq_producer_t *producer;
static rmq_queue_t *queue;

/* The process may have so much more than it has. */
static void limit_memory(size_t more)
{
    struct rlimit limit;
    unsigned long pages;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%lu", &pages) == 1 && fclose(file) == 0);
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = pages * (unsigned long)sysconf(_SC_PAGESIZE) + more;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void lift_limit(void)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void small_sends_work(void)
{
    rmq_message_t message = message_to("large", "small");
    const rmq_message_t *messages[2] = { &message, &message };
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    CHECK_OK(rmq_send_batch(producer, messages, 2, PATIENCE_MS, NULL));
}

static void fails(rmq_error_t *error, int32_t code)
{
    CHECK_FAILS(error, code, "no memory");
    small_sends_work();
}

static void send_large(void *body, size_t len)
{
    rmq_message_t message = message_to("large", ""), part;
    const rmq_message_t *one[1] = { &message }, *parts[4] = { &part, &part, &part, &part };
    outcomes_t outcomes = OUTCOMES_INIT;
    size_t accepted = 77;
    int32_t code = 77;

    message.body = body;
    message.body_len = len;
    fails(rmq_send(producer, &message, PATIENCE_MS, NULL), RMQ_ERR_SYSTEM);
    fails(rmq_send_async(producer, &message, PATIENCE_MS, count_outcome, &outcomes), RMQ_ERR_SYSTEM);
    fails(rmq_send_queued(producer, &message, PATIENCE_MS, queue, NULL), RMQ_ERR_SYSTEM);
    fails(rmq_send_oneway(producer, &message, PATIENCE_MS), RMQ_ERR_SYSTEM);
    fails(rmq_send_batch(producer, one, 1, PATIENCE_MS, NULL), RMQ_ERR_SYSTEM);
    CHECK_OK(rmq_send_many(producer, one, 1, PATIENCE_MS, queue, NULL, &code, &accepted));
    CHECK(code == RMQ_ERR_SYSTEM && accepted == 0);
    part = message;
    part.body_len = len / 4 - 1000;
    fails(rmq_send_batch(producer, parts, 4, PATIENCE_MS, NULL), RMQ_ERR_SYSTEM);
    fails(rmq_send_batch_queued(producer, parts, 4, PATIENCE_MS, queue, NULL), RMQ_ERR_SYSTEM);
    CHECK(outcomes.succeeded + outcomes.failed == 0);
}

/* Calls that read many messages with keys and properties and then refuse them, under limits of all sizes up to more than
   their lists take: the refusal or no memory, and never an end. */
static void refuse_lists(void)
{
    enum { MANY = 20000, ITEMS = 8, STEP = 250000, LIMITS = 120 };
    static const rmq_message_t *messages[MANY], *refused[MANY];
    static int32_t codes[MANY];
    const char *keys[ITEMS];
    rmq_property_t properties[ITEMS];
    rmq_message_t good = message_to("large", "x"), bad;
    size_t starved = 0, served = 0, accepted, i;

    for (i = 0; i < ITEMS; i++) {
        keys[i] = "key";
        properties[i].name = "name";
        properties[i].value = "value";
    }
    good.keys = keys;
    good.properties = properties;
    good.key_count = good.property_count = ITEMS;
    bad = good;
    bad.wait_store_ok = 7; /* is looked at when keys and properties are read */
    for (i = 0; i < MANY; i++) {
        messages[i] = i + 1 < MANY ? &good : &bad;
        refused[i] = &bad;
    }
    for (i = 0; i < 3 * LIMITS; i++) {
        rmq_error_t *error;
        limit_memory((i / 3 + 1) * STEP);
        codes[0] = 77;
        accepted = 77;
        if (i % 3 == 0)
            error = rmq_send_batch(producer, messages, MANY, PATIENCE_MS, NULL);
        else if (i % 3 == 1)
            error = rmq_send_batch_queued(producer, messages, MANY, PATIENCE_MS, queue, NULL);
        else
            error = rmq_send_many(producer, refused, MANY, PATIENCE_MS, queue, NULL, codes, &accepted);
        lift_limit();
        if (error != NULL && rmq_error_code(error) == RMQ_ERR_SYSTEM) {
            CHECK(codes[0] == 77 && accepted == 77);
            starved++;
        } else if (i % 3 < 2) {
            CHECK(rmq_error_code(error) == RMQ_ERR_INVALID_ARGUMENT);
            served++;
        } else {
            CHECK(error == NULL && codes[0] == RMQ_ERR_INVALID_ARGUMENT && accepted == 0);
            served++;
        }
        rmq_error_destroy(error);
    }
    CHECK(starved > LIMITS / 4 && served > LIMITS / 4);
    small_sends_work();
}

static int32_t never(const rmq_queue_ref_t *queues, size_t count, void *opaque)
{
    (void)queues;
    (void)count;
    (void)opaque;
    return -1;
}

/* A call with many messages, each with a selector of its own, of which none has room. */
static void refuse_selectors(rmq_config_t *config)
{
    rmq_message_t first = message_to("large", "x");
    rmq_producer_t *full = NULL;
    enum { MANY = 400000 };
    rmq_message_t *messages = calloc(MANY, sizeof *messages);
    const rmq_message_t **pointers = calloc(MANY, sizeof *pointers);
    int32_t *codes = calloc(MANY, sizeof *codes);
    size_t starved = 0, accepted, limit, i;
    rmq_error_t *error = NULL;

    for (i = 0; i < MANY; i++) {
        messages[i] = first;
        messages[i].selector = never;
        messages[i].selector_opaque = &messages[i];
        pointers[i] = &messages[i];
    }
    CHECK_OK(rmq_config_set(config, "in.flight.max.messages", "1"));
    CHECK_OK(rmq_producer_new(config, &full));
    CHECK_OK(rmq_send_queued(full, &first, PATIENCE_MS, queue, NULL));
    for (limit = 10000000;; limit += 10000000) {
        accepted = 77;
        limit_memory(limit);
        error = rmq_send_many(full, pointers, MANY, PATIENCE_MS, queue, NULL, codes, &accepted);
        lift_limit();
        if (error == NULL)
            break;
        fails(error, RMQ_ERR_SYSTEM);
        CHECK(accepted == 77);
        starved++;
    }
    CHECK(starved > 2 && accepted == 0 && codes[0] == RMQ_ERR_QUEUE_FULL && codes[MANY - 1] == codes[0]);
    small_sends_work();
    rmq_producer_destroy(full);
    free(messages);
    free(pointers);
    free(codes);
}

/* Small pieces, which the library may always have, come from here; each large list is mapped by itself. */
static void keep_room_for_small(void)
{
    void *room;
    CHECK(mallopt(M_MMAP_THRESHOLD, 128 << 10) == 1 && mallopt(M_TRIM_THRESHOLD, 64 << 20) == 1);
    CHECK(mallopt(M_TOP_PAD, 4 << 20) == 1);
    room = malloc(100 << 10);
    CHECK(room != NULL);
    free(room);
}

static void child(rmq_config_t *config, const char *type)
{
    static const size_t sizes[] = { 4000000, LARGEST };
    const rmq_message_t **many = calloc(10000000, sizeof *many);
    unsigned char *body = malloc(LARGEST);
    rmq_message_t message = message_to("large", "x");
    int32_t *codes = calloc(10000000, sizeof *codes);
    outcomes_t first = OUTCOMES_INIT;
    uint32_t random = 1;
    size_t accepted, i;

    for (i = 0; i < LARGEST; i++) {
        random = random * 1664525 + 1013904223;
        body[i] = (unsigned char)(random >> 24);
    }
    for (i = 0; i < 10000000; i++)
        many[i] = &message;
    CHECK_OK(rmq_config_set(config, "compress.threshold.bytes", type == NULL ? "0" : "4096"));
    if (type != NULL)
        CHECK_OK(rmq_config_set(config, "compress.type", type));
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_queue_new(&queue));
    small_sends_work();
    /* Makes the delivery thread. */
    CHECK_OK(rmq_send_async(producer, &message, PATIENCE_MS, count_outcome, &first));
    wait_for_outcomes(&first, 1);
    limit_memory(2 << 20);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
        send_large(body, sizes[i]);
    /* Lists of as many as a call may have. */
    codes[0] = 77;
    fails(rmq_send_many(producer, many, 10000000, PATIENCE_MS, queue, NULL, codes, &accepted), RMQ_ERR_SYSTEM);
    fails(rmq_send_batch(producer, many, 10000000, PATIENCE_MS, NULL), RMQ_ERR_SYSTEM);
    fails(rmq_send_batch_queued(producer, many, 10000000, PATIENCE_MS, queue, NULL), RMQ_ERR_SYSTEM);
    CHECK(codes[0] == 77);
    lift_limit();
    message.body = body;
    message.body_len = 4000000; /* the mock's brokers take no more */
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    /* Limits of all sizes: an error or success, and never an end. */
    for (i = 0; i < 40; i++) {
        rmq_error_t *error;
        limit_memory((size_t)i * 1000000 + 500000);
        error = rmq_send(producer, &message, PATIENCE_MS, NULL);
        CHECK(error == NULL || rmq_error_code(error) == RMQ_ERR_SYSTEM);
        rmq_error_destroy(error);
        small_sends_work();
        lift_limit();
    }
    if (type == NULL) {
        keep_room_for_small();
        refuse_lists();
        refuse_selectors(config);
    }
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    _exit(0);
}

int main(void)
{
    static const char *types[] = { NULL, "zlib", "lz4", "zstd" };
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    size_t i;
    int status;
    pid_t pid;

    CHECK_OK(rmq_config_set(config, "max.message.size", "16700000"));
    for (i = 0; i < sizeof types / sizeof *types; i++) {
        pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child(config, types[i]);
        CHECK(waitpid(pid, &status, 0) == pid);
        if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0))
            fprintf(stderr, "%s: status %x\n", types[i] == NULL ? "plain" : types[i], (unsigned)status);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
