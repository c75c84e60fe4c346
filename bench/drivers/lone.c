/* One blocking rmq_send at a time. */
#include "driver.h"

int main(int argc, char **argv)
{
    work_t work = work_from(argc, argv);
    rmq_producer_t *producer = producer_for(&work);
    rmq_message_t message = message_for(&work);
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    uint64_t *latencies = room(work.count, sizeof *latencies);
    uint64_t succeeded = 0, failed = 0;

    for (uint64_t i = 0; i < work.warm_up; i++)
        check(rmq_send(producer, &message, -1, &receipt), "rmq_send");

    stopwatch_t from = stopwatch();
    for (uint64_t i = 0; i < work.count; i++) {
        uint64_t start = now_ns();
        rmq_error_t *error = rmq_send(producer, &message, -1, &receipt);
        latencies[i] = now_ns() - start;
        if (error == NULL) {
            succeeded++;
        } else {
            if (failed++ == 0)
                fprintf(stderr, "rmq_send: %s\n", rmq_error_message(error));
            rmq_error_destroy(error);
        }
    }
    stopwatch_t to = stopwatch();

    check(rmq_producer_close(producer, TIMEOUT_MS), "rmq_producer_close");
    rmq_producer_destroy(producer);
    print_outcome(&work, succeeded, failed, 0, from, to, latencies, work.count);
    free(latencies);
    free((void *)message.body);
    return 0;
}
