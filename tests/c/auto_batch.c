/* Messages of one topic travel together by themselves: each callback comes once, with an id and an offset of its
 * own, in far fewer requests than messages. */
#include "check.h"

enum { SENDS = 10000, SEND = 310, SEND_BATCH = 320 };

typedef struct taken_t {
    int calls;
    int32_t queue_id;
    int64_t queue_offset;
    char message_id[64];
} taken_t;

static taken_t taken[SENDS];

static void take(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    taken_t *mine = opaque;
    CHECK(error == NULL);
    mine->calls++;
    mine->queue_id = receipt->queue_id;
    mine->queue_offset = receipt->queue_offset;
    memcpy(mine->message_id, receipt->message_id, sizeof mine->message_id);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const taken_t *)a)->message_id, ((const taken_t *)b)->message_id);
}

static int by_place(const void *a, const void *b)
{
    const taken_t *left = a, *right = b;
    if (left->queue_id != right->queue_id)
        return left->queue_id < right->queue_id ? -1 : 1;
    return left->queue_offset < right->queue_offset ? -1 : left->queue_offset > right->queue_offset;
}

static void run(const char *batching, int sends)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("together", "body");
    uint64_t single, batched, stored;
    int i;

    CHECK_OK(rmq_config_set(config, "batch.auto", batching));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    memset(taken, 0, sizeof taken);
    for (i = 0; i < sends; i++)
        CHECK_OK(rmq_send_async(producer, &message, PATIENCE_MS, take, &taken[i]));
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    rmq_producer_destroy(producer);

    for (i = 0; i < sends; i++)
        CHECK(taken[i].calls == 1 && strlen(taken[i].message_id) == 32);
    qsort(taken, (size_t)sends, sizeof *taken, by_id);
    for (i = 1; i < sends; i++)
        CHECK(strcmp(taken[i].message_id, taken[i - 1].message_id) != 0);
    qsort(taken, (size_t)sends, sizeof *taken, by_place);
    for (i = 1; i < sends; i++)
        CHECK(by_place(&taken[i - 1], &taken[i]) < 0);
    CHECK_OK(rmq_mock_stored_count(cluster, "together", &stored));
    CHECK(stored == (uint64_t)sends);

    CHECK_OK(rmq_mock_request_count(cluster, SEND, &single));
    CHECK_OK(rmq_mock_request_count(cluster, SEND_BATCH, &batched));
    if (strcmp(batching, "off") == 0)
        CHECK(single == (uint64_t)sends && batched == 0);
    else
        CHECK(batched > 0 && single + batched < (uint64_t)sends / 2);
    rmq_mock_cluster_destroy(cluster);
}

int main(void)
{
    run("pressure", SENDS);
    run("linger", SENDS);
    run("off", SENDS / 10);
    return 0;
}
