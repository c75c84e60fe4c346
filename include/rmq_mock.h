/*
 * rmq_mock.h: a RocketMQ cluster in memory, for tests.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One name server and some brokers on loopback ports, served by one thread of this process. It answers as real
 * servers of RocketMQ 5.5 do, keeps what it stored open to inspection, and makes faults on demand. A program that
 * needs none of this sets the configuration key `test.mock.brokers` and sends.
 *
 *     rmq_mock_cluster_t *cluster;
 *     char address[32];
 *     if (rmq_mock_cluster_new(3, &cluster) == NULL && rmq_mock_name_server(cluster, address, sizeof address) == NULL)
 *         ...                                                 rmq_config_set(config, "name.server", address)
 *
 * Ownership, errors, threads and forks are as in rmq.h. This part is for tests and outside the promise that the ABI
 * only grows: it may change with any version.
 */


#ifndef RMQ_MOCK_H
#define RMQ_MOCK_H

#include "rmq.h"
/** `rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;` */
#define RMQ_MOCK_FAULT_INIT { (uint32_t)sizeof(rmq_mock_fault_t), 0, NULL, NULL, -1, -1, 0, 0, NULL, 0 }


/**
 * The request is answered with `code` and `remark`; nothing is stored.
 */
#define RMQ_MOCK_CODE 1

/**
 * The message is stored, and answered with `code` where the answer would be 0 (10, 11 and 12 of a real broker).
 */
#define RMQ_MOCK_STORED_BUT_CODE 2

/**
 * The request is executed and answered after `number` milliseconds.
 */
#define RMQ_MOCK_DELAY 3

/**
 * The request is executed and never answered.
 */
#define RMQ_MOCK_STORE_THEN_NO_ANSWER 4

/**
 * The request is neither executed nor answered.
 */
#define RMQ_MOCK_NO_ANSWER 5

/**
 * The request is not executed and the connection is reset.
 */
#define RMQ_MOCK_RESET 6

/**
 * The request is executed and the connection is reset instead of an answer.
 */
#define RMQ_MOCK_STORE_THEN_RESET 7

/**
 * The request is executed, `number` bytes of its answer are written, and the connection is reset.
 */
#define RMQ_MOCK_PARTIAL_FRAME 8

/**
 * The request is executed and answered in the header encoding the server would not have used.
 */
#define RMQ_MOCK_OTHER_ENCODING 9

/**
 * The request is executed; the header of its answer cannot be decoded.
 */
#define RMQ_MOCK_GARBAGE 10

/**
 * The request is executed; its answer carries an opaque nobody waits for.
 */
#define RMQ_MOCK_WRONG_OPAQUE 11

/**
 * The request is executed, and answered once `rmq_mock_clear_faults` takes the fault back.
 */
#define RMQ_MOCK_HOLD 12

/**
 * A name server and brokers on loopback ports in this process. May be used from any number of threads.
 */
typedef struct rmq_mock_cluster_t rmq_mock_cluster_t;

/**
 * A fault, and which requests meet it. Of several that fit a request the oldest acts.
 *
 * Start with `rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;`: no fault, every request to any broker, for ever.
 */
typedef struct rmq_mock_fault_t {
  /**
   * Set by `RMQ_MOCK_FAULT_INIT`: the size of the struct in your header.
   */
  uint32_t struct_size;
  /**
   * What happens: one of `RMQ_MOCK_*`.
   */
  int32_t kind;
  /**
   * The broker, `"broker-0"` and so on; `"namesrv"` is the name server; NULL is any broker.
   */
  const char *broker;
  /**
   * The topic of the request; NULL is any.
   */
  const char *topic;
  /**
   * The request code, 310 for sends; -1 is any.
   */
  int32_t request_code;
  /**
   * How many requests meet it; -1 is all.
   */
  int32_t times;
  /**
   * The response code of `RMQ_MOCK_CODE` and `RMQ_MOCK_STORED_BUT_CODE`.
   */
  int32_t code;
  /**
   * Zero.
   */
  int32_t reserved;
  /**
   * The remark of `RMQ_MOCK_CODE`; NULL for none.
   */
  const char *remark;
  /**
   * The milliseconds of `RMQ_MOCK_DELAY`, the bytes of `RMQ_MOCK_PARTIAL_FRAME`.
   */
  uint64_t number;
} rmq_mock_fault_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Starts a cluster of one name server and `brokers` brokers (1 to 100), called `broker-0`, `broker-1` and so on; all
 * ports are open when it returns. Topics are made when the first message comes.
 *
 * End it with `rmq_mock_cluster_destroy`. Errors: `SYSTEM`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_cluster_new(size_t brokers,
                                  struct rmq_mock_cluster_t **out);

/**
 * Stops and ends a cluster; the pointer must not be used again, but for calls that wait already: they return
 * with `CLOSED`. Does nothing with NULL.
 */
void rmq_mock_cluster_destroy(struct rmq_mock_cluster_t *cluster);

/**
 * Copies the address of the name server, `127.0.0.1:PORT`, into `buffer` with a NUL; 22 bytes are enough.
 *
 * Errors: `INVALID_ARGUMENT`, also when `buffer_len` is too small; `FORKED`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_name_server(struct rmq_mock_cluster_t *cluster,
                                  char *buffer,
                                  size_t buffer_len);

/**
 * Makes a topic on all brokers, or changes it. `perm`: 4 may be read, 2 may be written, 6 both.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_create_topic(struct rmq_mock_cluster_t *cluster,
                                   const char *topic,
                                   int32_t read_queues,
                                   int32_t write_queues,
                                   int32_t perm);

/**
 * Says whether a send to an unknown topic makes it (`enabled` is not 0, as it is at the start).
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE rmq_error_t *rmq_mock_set_auto_create(struct rmq_mock_cluster_t *cluster, int32_t enabled);

/**
 * Makes an account, or changes it. `topics` are the topics it may publish to, with `;` between; NULL is all. From the first
 * account on brokers serve only signed requests of accounts they know; name servers serve everybody.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_set_account(struct rmq_mock_cluster_t *cluster,
                                  const char *access_key,
                                  const char *secret_key,
                                  const char *topics);

/**
 * Takes an account away. Without any, nobody is served.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE rmq_error_t *rmq_mock_remove_account(struct rmq_mock_cluster_t *cluster, const char *access_key);

/**
 * Adds a fault; its texts are copied.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_inject(struct rmq_mock_cluster_t *cluster,
                             const struct rmq_mock_fault_t *fault);

/**
 * Takes all faults back. Answers that `RMQ_MOCK_HOLD` holds are sent; those of `RMQ_MOCK_DELAY` come at their time.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_clear_faults(struct rmq_mock_cluster_t *cluster);

/**
 * Stops a broker: it leaves the routes, its port refuses, its connections are reset. It keeps what it stored.
 *
 * Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`, also for a broker there is not.
 */
RMQ_MUST_USE rmq_error_t *rmq_mock_stop_broker(struct rmq_mock_cluster_t *cluster, const char *broker);

/**
 * Starts a stopped broker on its old port; it is in the routes when this returns.
 *
 * Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`, also for a broker there is not.
 */
RMQ_MUST_USE rmq_error_t *rmq_mock_start_broker(struct rmq_mock_cluster_t *cluster, const char *broker);

/**
 * Stops the name server: its port refuses, its connections are reset.
 *
 * Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE rmq_error_t *rmq_mock_stop_name_server(struct rmq_mock_cluster_t *cluster);

/**
 * Starts the stopped name server on its old port.
 *
 * Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE rmq_error_t *rmq_mock_start_name_server(struct rmq_mock_cluster_t *cluster);

/**
 * How many messages of a topic are stored, on all brokers.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_stored_count(struct rmq_mock_cluster_t *cluster,
                                   const char *topic,
                                   uint64_t *out);

/**
 * How many requests of a code came to any server of the cluster since its start (310: sends, 105: route
 * look-ups, 34: heartbeats, 35: unregistrations).
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_request_count(struct rmq_mock_cluster_t *cluster,
                                    int32_t request_code,
                                    uint64_t *out);

/**
 * Waits until at least `count` messages of a topic are stored; at most `timeout_ms` (negative: without bound).
 *
 * Errors: `TIMEOUT`, `CLOSED` when the cluster is destroyed meanwhile, `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_wait_stored(struct rmq_mock_cluster_t *cluster,
                                  const char *topic,
                                  uint64_t count,
                                  int64_t timeout_ms);

/**
 * Waits until at least `count` requests of a code came to any server of the cluster; at most `timeout_ms`
 * (negative: without bound).
 *
 * Errors: `TIMEOUT`, `CLOSED` when the cluster is destroyed meanwhile, `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_wait_requests(struct rmq_mock_cluster_t *cluster,
                                    int32_t request_code,
                                    uint64_t count,
                                    int64_t timeout_ms);

/**
 * Copies the body of a stored message into `buffer` and its length into `out_len`: the body as consumers get
 * it, decompressed if it came and is stored compressed. Messages of a topic are numbered from 0: broker by
 * broker, each in the order it stored them. With a `buffer` of NULL and a `buffer_len` of 0 it only tells the
 * length.
 *
 * Errors: `INVALID_ARGUMENT`, also when there is no such message or `buffer_len` is too small; `PROTOCOL` when
 * the body cannot be decompressed; `FORKED`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_stored_body(struct rmq_mock_cluster_t *cluster,
                                  const char *topic,
                                  size_t index,
                                  void *buffer,
                                  size_t buffer_len,
                                  size_t *out_len);

/**
 * Copies the value of a property of a stored message into `buffer`, with a NUL at the end; empty if it has no
 * such property. Tags are the property `TAGS`, keys `KEYS`, the unique id `UNIQ_KEY`.
 *
 * Errors: `INVALID_ARGUMENT`, also when there is no such message or `buffer_len` is too small; `FORKED`.
 */
RMQ_MUST_USE
rmq_error_t *rmq_mock_stored_property(struct rmq_mock_cluster_t *cluster,
                                      const char *topic,
                                      size_t index,
                                      const char *name,
                                      char *buffer,
                                      size_t buffer_len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RMQ_MOCK_H */
