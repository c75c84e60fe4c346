#if defined(__GNUC__) || defined(__clang__)
/** A result that must not be thrown away: an error that nobody destroys is lost memory. */
#define RMQ_MUST_USE __attribute__((warn_unused_result))
#else
#define RMQ_MUST_USE
#endif

/** `rmq_message_t message = RMQ_MESSAGE_INIT;` */
#define RMQ_MESSAGE_INIT \
    { (uint32_t)sizeof(rmq_message_t), 0, NULL, NULL, 0, NULL, NULL, 0, NULL, 0, 1, 0, 0, 0, 0, NULL, NULL, 0, \
      RMQ_QUEUE_ROUND_ROBIN, 0, NULL, NULL, NULL, NULL }

/** `rmq_message_queue_t queues[16] = { RMQ_MESSAGE_QUEUE_INIT };` */
#define RMQ_MESSAGE_QUEUE_INIT { (uint32_t)sizeof(rmq_message_queue_t), 0, { 0 } }

/** `rmq_receipt_t receipt = RMQ_RECEIPT_INIT;` */
#define RMQ_RECEIPT_INIT { (uint32_t)sizeof(rmq_receipt_t), 0, 0, 0, 0, 0, { 0 }, { 0 }, { 0 }, { 0 }, { 0 } }

/** `rmq_failed_attempt_t attempt = RMQ_FAILED_ATTEMPT_INIT;` */
#define RMQ_FAILED_ATTEMPT_INIT { (uint32_t)sizeof(rmq_failed_attempt_t), 0, -1, 0, 0, NULL, NULL, NULL }

/** `rmq_event_t events[64] = { RMQ_EVENT_INIT };` */
#define RMQ_EVENT_INIT \
    { (uint32_t)sizeof(rmq_event_t), 0, 0, 0, NULL, NULL, NULL, { 0, 0 }, RMQ_RECEIPT_INIT }

/** `rmq_config_key_t key = RMQ_CONFIG_KEY_INIT;` */
#define RMQ_CONFIG_KEY_INIT { (uint32_t)sizeof(rmq_config_key_t), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL }
