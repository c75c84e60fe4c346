/* Sends messages to a real cluster and prints what it sent, with the receipts, as JSON lines.
 *
 * truth NAME_SERVER TOPIC MODE    MODE: sync, async, queued, oneway, or bulk=COUNT (many small ones, async)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rmq.h>

#include "message_json.h"
#include "message_plan.h"

#define TIMEOUT_MS 20000
#define CLOSE_MS 30000

/* A message under way and its outcome, written by the delivery thread, read after the close. */
typedef struct slot_t {
    planned_t planned;
    rmq_receipt_t receipt;
    int completions;
    int failed;
} slot_t;

static void check(rmq_error_t *error, const char *what) {
    if (error != NULL) {
        fprintf(stderr, "%s: %s: %s\n", what, rmq_error_name(error), rmq_error_message(error));
        exit(1);
    }
}

static void on_outcome(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque) {
    slot_t *slot = opaque;
    slot->completions++;
    if (error != NULL) {
        slot->failed = 1;
        fprintf(stderr, "message %s: %s\n", slot->planned.serial, rmq_error_message(error));
    } else {
        slot->receipt = *receipt;
    }
}

static void set(rmq_config_t *config, const char *key, const char *value) {
    check(rmq_config_set(config, key, value), key);
}

static rmq_producer_t *start(const char *name_server) {
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    check(rmq_config_new(&config), "rmq_config_new");
    set(config, "producer.group", "PG_truth_c");
    set(config, "name.server", name_server);
    set(config, "in.flight.full", "wait");
    check(rmq_producer_new(config, &producer), "rmq_producer_new");
    rmq_config_destroy(config);
    return producer;
}

static void send_sync(rmq_producer_t *producer, slot_t *slot) {
    const rmq_receipt_t init = RMQ_RECEIPT_INIT;
    slot->receipt = init;
    check(rmq_send(producer, &slot->planned.message, TIMEOUT_MS, &slot->receipt), "rmq_send");
    slot->completions++;
}

static void send_async(rmq_producer_t *producer, slot_t *slot) {
    check(rmq_send_async(producer, &slot->planned.message, TIMEOUT_MS, on_outcome, slot), "rmq_send_async");
}

static void send_queued(rmq_producer_t *producer, slot_t *slot, rmq_queue_t *queue) {
    check(rmq_send_queued(producer, &slot->planned.message, TIMEOUT_MS, queue, slot), "rmq_send_queued");
}

static void take_outcomes(rmq_queue_t *queue, int open) {
    rmq_event_t taken[4] = {RMQ_EVENT_INIT};
    while (open > 0) {
        size_t count = 0;
        check(rmq_queue_poll(queue, taken, 4, TIMEOUT_MS + 1000, &count), "rmq_queue_poll");
        if (count == 0) {
            fputs("rmq_queue_poll: no outcome by the deadline\n", stderr);
            exit(1);
        }
        for (size_t i = 0; i < count; i++) {
            if (taken[i].kind != RMQ_EVENT_OUTCOME) {
                fprintf(stderr, "rmq_queue_poll: an event of kind %d\n", (int)taken[i].kind);
                exit(1);
            }
            on_outcome(taken[i].error, &taken[i].receipt, taken[i].opaque);
            rmq_error_destroy(taken[i].error);
        }
        open -= (int)count;
    }
}

static int report(slot_t *slots, int count, int expected_completions) {
    int failures = 0;
    for (int i = 0; i < count; i++) {
        if (slots[i].failed || slots[i].completions != expected_completions) {
            fprintf(stderr, "message %d: %d completions, failed %d\n", i, slots[i].completions, slots[i].failed);
            failures++;
        }
        json_message(&slots[i].planned.message, expected_completions == 0 ? NULL : &slots[i].receipt);
        plan_free(&slots[i].planned);
    }
    return failures;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("truth NAME_SERVER TOPIC MODE\n", stderr);
        return 2;
    }
    const char *topic = argv[2];
    const char *mode = argv[3];
    const int is_bulk = strncmp(mode, "bulk=", 5) == 0;
    const int is_oneway = strcmp(mode, "oneway") == 0;
    const int count = is_bulk ? atoi(mode + 5) : PLANNED_MESSAGES;
    slot_t *slots = must(calloc((size_t)count, sizeof *slots));
    rmq_producer_t *producer = start(argv[1]);
    rmq_queue_t *queue = NULL;
    check(rmq_queue_new(&queue), "rmq_queue_new");

    for (int i = 0; i < count; i++) {
        slot_t *slot = &slots[i];
        if (is_bulk) {
            plan_small(&slot->planned, i, topic);
            send_async(producer, slot);
            continue;
        }
        plan(&slot->planned, i, topic);
        if (strcmp(mode, "sync") == 0) {
            send_sync(producer, slot);
        } else if (strcmp(mode, "async") == 0) {
            send_async(producer, slot);
        } else if (strcmp(mode, "queued") == 0) {
            send_queued(producer, slot, queue);
        } else if (is_oneway) {
            check(rmq_send_oneway(producer, &slot->planned.message, TIMEOUT_MS), "rmq_send_oneway");
        } else {
            fprintf(stderr, "unknown mode %s\n", mode);
            return 2;
        }
    }
    if (strcmp(mode, "queued") == 0) {
        take_outcomes(queue, count);
    }
    check(rmq_flush(producer, CLOSE_MS), "rmq_flush");
    check(rmq_producer_close(producer, CLOSE_MS), "rmq_producer_close");
    rmq_producer_destroy(producer);
    rmq_queue_destroy(queue);
    const int failures = report(slots, count, is_oneway ? 0 : 1);
    free(slots);
    return failures == 0 ? 0 : 1;
}
