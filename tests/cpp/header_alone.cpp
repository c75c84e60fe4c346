/* Nothing but a header, in any C or C++ standard, with every initializer used. */
#include HEADER

int main(void)
{
#ifdef RMQ_MOCK_FAULT_INIT
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    int unset = fault.kind != 0 || fault.times != -1;
#else
    int unset = 0;
#endif
    rmq_message_t message = RMQ_MESSAGE_INIT;
    rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
    rmq_event_t events[2] = { RMQ_EVENT_INIT, RMQ_EVENT_INIT };
    rmq_config_key_t key = RMQ_CONFIG_KEY_INIT;
    rmq_failed_attempt_t attempt = RMQ_FAILED_ATTEMPT_INIT;
    rmq_message_queue_t queues[2] = { RMQ_MESSAGE_QUEUE_INIT, RMQ_MESSAGE_QUEUE_INIT };
    rmq_send_fn function = NULL;
    return unset + (message.struct_size != sizeof message) + (receipt.struct_size != sizeof receipt)
           + (events[1].struct_size != sizeof events[1]) + (key.struct_size != sizeof key)
           + (attempt.struct_size != sizeof attempt) + (attempt.broker_code != -1)
           + (queues[1].struct_size != sizeof queues[1]) + (message.selector != NULL) + (function != NULL) + (message.wait_store_ok != 1) + RMQ_OK;
}
