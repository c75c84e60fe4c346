/* Sends that nobody answers; the last one is answered, and shows that those before it arrived. */
#include "driver.h"

tally_t oneway(rmq_producer_t *producer, const work_t *work, uint64_t count)
{
    rmq_message_t message = message_for(work);
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    tally_t tally = {0};
    for (uint64_t i = 1; i <= count; i++) {
        rmq_error_t *error =
            i < count ? rmq_send_oneway(producer, &message, -1) : rmq_send(producer, &message, -1, &receipt);
        tell(&tally, error);
        rmq_error_destroy(error);
    }
    free((void *)message.body);
    return tally;
}
