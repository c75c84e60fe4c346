/** `rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;` */
#define RMQ_MOCK_FAULT_INIT { (uint32_t)sizeof(rmq_mock_fault_t), 0, NULL, NULL, -1, -1, 0, 0, NULL, 0 }
