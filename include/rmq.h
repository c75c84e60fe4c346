/*
 * rmq.h: a producer for Apache RocketMQ 4.9 and 5.x.
 * SPDX-License-Identifier: Apache-2.0
 *
 * This header is the reference manual of librmq. It is printed from the sources of the library; do not edit it.
 *
 *     rmq_config_t *config = NULL;
 *     rmq_producer_t *producer = NULL;
 *     rmq_receipt_t receipt = RMQ_RECEIPT_INIT;
 *     rmq_message_t message = RMQ_MESSAGE_INIT;
 *     rmq_error_t *error;
 *
 *     message.topic = "orders";
 *     message.body = "hello";
 *     message.body_len = 5;
 *     if ((error = rmq_config_new(&config)) == NULL
 *         && (error = rmq_config_set(config, "producer.group", "shop")) == NULL
 *         && (error = rmq_config_set(config, "name.server", "127.0.0.1:9876")) == NULL
 *         && (error = rmq_producer_new(config, &producer)) == NULL
 *         && (error = rmq_send(producer, &message, -1, &receipt)) == NULL)
 *         printf("%s in queue %d of %s\n", receipt.message_id, receipt.queue_id, receipt.broker_name);
 *     else
 *         fprintf(stderr, "%s: %s\n", rmq_error_name(error), rmq_error_message(error));
 *     rmq_error_destroy(error);
 *     rmq_producer_destroy(producer);
 *     rmq_config_destroy(config);
 *
 * Link with -lrmq.
 *
 *
 * FIVE PROMISES
 *
 * 1. Every accepted send has exactly one outcome, whatever fails and however the producer is closed.
 * 2. The timeout of a send bounds all of it: look-ups, connects, every attempt. No call outlives it by more than 50 ms.
 * 3. An error says why, and whether the message may be stored.
 * 4. What a caller passes does not crash the program: NULL, bad UTF-8, a wrong length, a closed producer, a handle of
 *    another kind, a handle from before a fork are errors.
 * 5. The ABI only grows. (From version 1.0 on; until then it may still change.)
 *
 *
 * OBJECTS AND OWNERSHIP
 *
 * Types ending in _t of which you only see the name are objects: a _new function makes one and writes the pointer to
 * its last argument, the _destroy function of the type ends it. A _destroy function does nothing with NULL. After it
 * the pointer must not be used; the library notices many uses of ended objects, but cannot notice all.
 * Objects do not depend on the order of their end: a configuration may end before its producers.
 *
 * Structs are plain data of yours. Start each with its initializer (RMQ_MESSAGE_INIT, ...): it writes the size your
 * compiler knows into `struct_size`, by which libraries newer and older than this header can serve you. Two have none,
 * rmq_property_t and rmq_queue_ref_t: they stand in arrays that one side makes and the other indexes, so they keep their
 * size for ever.
 *
 * What you pass is read during the call and copied if it is needed longer: texts, bodies, arrays and structs are yours
 * again when the call returns. The exceptions are the `opaque` pointers: the library hands them back and never looks
 * at them.
 *
 * Results are written to out parameters, the last ones, and only at success.
 *
 * Texts are UTF-8 and end with NUL. `const char *` results live as long as the object they were read from, or as long
 * as the process, as each function says; do not free them.
 *
 *
 * ERRORS
 *
 * Functions that can fail return `rmq_error_t *`: NULL is success, anything else is an error object of yours that you
 * end with rmq_error_destroy. Frequent errors (QUEUE_FULL, CLOSED, FORKED, WOULD_DEADLOCK at a call) are objects that
 * live for ever and cost no allocation; rmq_error_destroy does nothing with them, so do not treat them differently.
 *
 * The code of an error (rmq_error_code) tells the kind; its text tells what failed and where; the broker's own code and
 * remark, the address, the number of attempts and the time are there too. Two questions decide what to do next:
 * rmq_error_is_retriable: may the same call succeed later? rmq_error_persistence: may the message be stored already,
 * so that sending it again makes a double?
 *
 * When there is no memory for what is as large as a body (the copy of a body, its compression, a batch, the frames that
 * wait for a connection, the lists of a call with many messages), the send fails with SYSTEM and nothing is lost: smaller
 * sends go on. A body that cannot be compressed for want of memory travels as it is. What is small (a handle, an error, the
 * place of a send among those in flight) is not covered: without memory for it the process is aborted.
 *
 * A status like FLUSH_DISK_TIMEOUT is not an error: the message is stored, and the receipt says how safely.
 *
 *
 * OUTCOMES AND OTHER EVENTS: THREE DOORS
 *
 * A send function either returns an error, and then there is no outcome, or accepts the message, and then there is
 * exactly one, even when the producer is closed or destroyed. It comes through the door you chose:
 *
 * - Callbacks: rmq_send_async calls a function on the delivery thread of the producer, which is made at the first such
 *   send. Callbacks of one producer run one at a time. A slow one delays those after it, never the network.
 * - Poll: rmq_send_queued and rmq_send_many put the outcome into a queue (rmq_queue_new); rmq_queue_poll takes many at
 *   once.
 * - Descriptor: rmq_queue_fd gives a file descriptor that is readable exactly while something lies in the queue, for an
 *   event loop of yours, which then calls rmq_queue_poll without waiting.
 *
 * rmq_send waits itself and rmq_send_oneway has no outcome.
 *
 * What lies in a queue are events (rmq_event_t). Their kind says what has happened: RMQ_EVENT_OUTCOME is the outcome of a
 * send; RMQ_EVENT_WRITABLE says that there is room again after a send to this queue failed with QUEUE_FULL;
 * RMQ_EVENT_ROUTED is the end of what rmq_producer_look_up began, and RMQ_EVENT_DONE that of another call that did not wait
 * (rmq_flush_queued, rmq_producer_wait_ready_queued). Later versions have more kinds: pass over those that you do not know.
 *
 *     rmq_event_t events[64] = { RMQ_EVENT_INIT };
 *     size_t count = 0, i;
 *
 *     if ((error = rmq_queue_poll(queue, events, 64, -1, &count)) == NULL)
 *         for (i = 0; i < count; i++) {
 *             switch (events[i].kind) {
 *             case RMQ_EVENT_OUTCOME: finished(events[i].opaque, events[i].error, &events[i].receipt); break;
 *             case RMQ_EVENT_WRITABLE: send_on(events[i].producer); break;
 *             }
 *             rmq_error_destroy(events[i].error);
 *         }
 *
 * rmq_send_batch and rmq_send_batch_queued put several messages into one request; each has an outcome of its own. With
 * the key batch.auto the library does so by itself with messages sent by callback or queue.
 *
 * What is in flight is bounded by the keys in.flight.max.messages and in.flight.max.bytes. Over them sends fail with
 * QUEUE_FULL at once or wait for room, as the key in.flight.full says. A message counts until its callback has
 * returned or its outcome was polled. rmq_send always waits for room. From a callback that is in vain if only the
 * return of callbacks can make room: the send waits its whole timeout and fails with QUEUE_FULL. There are three
 * ways to hear of room again after QUEUE_FULL: RMQ_EVENT_WRITABLE comes to the queue of the refused send;
 * rmq_config_set_writable has a function called, whatever the way of sending; rmq_producer_wait_writable waits.
 *
 *
 * WHEN AND WHERE A MESSAGE ARRIVES
 *
 * Consumers see a message as soon as it is stored, or later if one of delay_level, delay_seconds, delay_ms and
 * deliver_at_ms is set. Levels work with every broker; the three timers need brokers 5.x, older ones deliver at once.
 *
 * Messages go to the queues of their topic in turn. sharding_key keeps messages with the same text in one queue, the
 * queue in which the Java client's SelectMessageQueueByHash puts them too, and sharding_number does so by a number;
 * broker_name and queue_id name the queue; a selector is a function of yours that chooses it; and it may be left to
 * chance. All of these keep to their queue in every attempt, so that a broker that fails fails the send: order needs
 * it. The messages of a queue are stored in the order of the sends if each waits for the outcome of the one before.
 * rmq_producer_queues lists the queues of a topic.
 *
 * Bodies of compress.threshold.bytes and more (4096 if not set, 0 is never) travel and are stored compressed; consumers
 * get them as they were. Your bytes are never changed.
 *
 *
 * HOOKS
 *
 * rmq_config_add_send_hook has functions of yours called before and after each attempt of a send: the place for tracing
 * and metrics. rmq_config_add_check_forbidden_hook asks one whether an attempt may be made. They and selectors run on
 * the sending thread or on the I/O thread, so they must be quick and must not wait: there, functions that send or wait
 * answer WOULD_DEADLOCK, for any producer. What a hook does never takes away the outcome of a message.
 *
 *
 * TIMEOUTS
 *
 * Timeouts are int64_t in milliseconds. 0 does not wait. Negative is the configured send.timeout.ms for sends, and
 * without bound for everything else.
 *
 *
 * THREADS
 *
 * Every function may be called from any thread at any time, on the same objects too; only the end of an object must be
 * the last call with it: every other one has returned or sleeps in the call (those are woken), and none begins any more.
 *
 * The library has one I/O thread per process, one delivery thread per producer that uses callbacks, one thread per mock
 * cluster, and one for a short while where a host name is resolved or a hook destroys a producer, all named rmq-*. It
 * has no other global state that you can see: producers are independent, also on different clusters.
 *
 * Signals are blocked in these threads. The library installs no signal handler, changes none (SIGPIPE is left as it
 * is and never raised), and writes no file. Threads of the library do not keep the process: exit() with sends in
 * flight ends it at once, and what is in flight is lost. Close producers before.
 *
 * A thread that is cancelled (pthread_cancel, of the deferred kind: the asynchronous kind must not be set in a call) ends
 * after the call it is in, as no call has a cancellation point, but for these: rmq_queue_poll, rmq_producer_queues, rmq_flush,
 * rmq_producer_wait_writable and rmq_producer_close end within 200 ms while they wait (a close not in the last 1.2 s of its
 * time), rmq_producer_wait_ready within 3 s; nothing is lost with them. A producer whose close was cancelled refuses sends;
 * the next close, or its end, goes on with it. Functions of yours that the library calls run with cancellation disabled: leave it so. They must return:
 * pthread_exit, longjmp and C++ exceptions must not leave them, or the process is aborted. The library's own threads are
 * not cancelled.
 *
 *
 * FORK
 *
 * In a forked child the producers, queues and mock clusters of the parent answer RMQ_ERR_FORKED at once, and their
 * _destroy functions only forget them. New ones work. The parent does not notice. Configurations, errors and snapshots
 * of statistics may be used on both sides; a configuration that another thread was using at the moment of the fork
 * answers FORKED in the child.
 *
 * With the key after.fork = renew, or after rmq_producer_renew_after_fork, a producer works in the child: at its first
 * use there a fresh one with the same settings, hooks and callbacks stands behind the handle. What the parent has in
 * flight has its outcomes in the parent only.
 *
 *
 * LOGS
 *
 * Without a log function warnings and errors go to the standard error stream, at most ten lines in ten seconds.
 * rmq_config_set_log takes the lines instead. Lines hold no bodies and no secrets.
 *
 *
 * VERSIONS
 *
 * From version 1.0 on (until then the ABI may still change) functions, struct members and codes are added, never changed
 * or taken away, within one soname. A program runs with any library whose rmq_abi_version() is at least the
 * RMQ_ABI_VERSION it was compiled with. New error codes may appear: treat one you do not know by
 * rmq_error_is_retriable and rmq_error_persistence.
 */


#ifndef RMQ_H
#define RMQ_H

#include <stddef.h>
#include <stdint.h>
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

/** The version of the library this header came with. */
#define RMQ_VERSION "0.1.0"
#define RMQ_VERSION_MAJOR 0
#define RMQ_VERSION_MINOR 1
#define RMQ_VERSION_PATCH 0


/**
 * The version of the ABI this header describes; it grows by one whenever functions or members are added.
 */
#define RMQ_ABI_VERSION 1

/**
 * Success; no error object has this code.
 */
#define RMQ_OK 0

/**
 * An argument is NULL, is not UTF-8, or is outside its range; the message names it.
 */
#define RMQ_ERR_INVALID_ARGUMENT 1

/**
 * The configuration has no key of this name, and the message names the nearest one; or the statistics have no such
 * number.
 */
#define RMQ_ERR_UNKNOWN_KEY 2

/**
 * The value does not fit its configuration key; the message names the range.
 */
#define RMQ_ERR_INVALID_VALUE 3

/**
 * The message breaks a rule of topics, bodies or properties; nothing was sent.
 */
#define RMQ_ERR_MESSAGE_ILLEGAL 4

/**
 * Another producer of the same client id (`client.ip`, `instance.name`) has this group.
 */
#define RMQ_ERR_GROUP_CONFLICT 5

/**
 * The producer is closed, or was closed before the send had its outcome.
 */
#define RMQ_ERR_CLOSED 6

/**
 * The handle was made before `fork` and is used in the child.
 */
#define RMQ_ERR_FORKED 7

/**
 * The call would wait for the very callback it was made from, or comes from a hook, where nothing may send or wait.
 */
#define RMQ_ERR_WOULD_DEADLOCK 8

/**
 * `in.flight.max.messages` or `in.flight.max.bytes` is reached.
 */
#define RMQ_ERR_QUEUE_FULL 9

/**
 * The deadline of the call passed.
 */
#define RMQ_ERR_TIMEOUT 10

/**
 * No name server address is configured, or the look-up has given none yet.
 */
#define RMQ_ERR_NO_NAME_SERVER 11

/**
 * No name server could be asked: unreachable, silent or failing.
 */
#define RMQ_ERR_NAME_SERVER 12

/**
 * The topic has no route, or no queue that may be written.
 */
#define RMQ_ERR_NO_ROUTE 13

/**
 * No connection to the broker could be made.
 */
#define RMQ_ERR_CONNECT 14

/**
 * The connection broke while the request was under way.
 */
#define RMQ_ERR_CONNECTION_LOST 15

/**
 * The broker answered with an error code: `rmq_error_broker_code` and `rmq_error_remark` have its words.
 */
#define RMQ_ERR_BROKER 16

/**
 * The peer sent something that is not the remoting protocol.
 */
#define RMQ_ERR_PROTOCOL 17

/**
 * The operating system refused a thread, a descriptor or memory.
 */
#define RMQ_ERR_SYSTEM 18

/**
 * A defect of the library; please report it.
 */
#define RMQ_ERR_INTERNAL 19

/**
 * A hook or a selector of the program refused the message.
 */
#define RMQ_ERR_FORBIDDEN 20

/**
 * The cluster does not accept the credentials, or they do not permit this; or there are no credentials.
 */
#define RMQ_ERR_ACCESS_DENIED 21

/**
 * No broker can have stored the message: nothing was written, or every broker refused it.
 */
#define RMQ_NOT_PERSISTED 0

/**
 * A request was written and its answer never came: the message may be stored.
 */
#define RMQ_POSSIBLY_PERSISTED 1

/**
 * A broker said that it holds the message.
 */
#define RMQ_PERSISTED 2

/**
 * Something failed that a program's owner must know of.
 */
#define RMQ_LOG_ERROR 1

/**
 * Something failed and will be tried again, or works worse than it should.
 */
#define RMQ_LOG_WARN 2

/**
 * Connections, routes and producers that come and go.
 */
#define RMQ_LOG_INFO 3

/**
 * What is needed to follow one message.
 */
#define RMQ_LOG_DEBUG 4

/**
 * The next queue in turn; after a failure one of another broker.
 */
#define RMQ_QUEUE_ROUND_ROBIN 0

/**
 * A queue by chance, kept in every attempt.
 */
#define RMQ_QUEUE_RANDOM 1

/**
 * The queue that the Java client's `SelectMessageQueueByHash` takes for `sharding_number`, kept in every attempt.
 */
#define RMQ_QUEUE_BY_NUMBER 2

/**
 * Stored as the broker is configured to.
 */
#define RMQ_SEND_OK 0

/**
 * Stored; the disk flush took longer than the broker waits.
 */
#define RMQ_SEND_FLUSH_DISK_TIMEOUT 1

/**
 * Stored; the replica took longer than the broker waits.
 */
#define RMQ_SEND_FLUSH_SLAVE_TIMEOUT 2

/**
 * Stored; there is no usable replica.
 */
#define RMQ_SEND_SLAVE_NOT_AVAILABLE 3

/**
 * The outcome of a send: `code`, and `receipt` or `error`. One for every accepted message.
 */
#define RMQ_EVENT_OUTCOME 1

/**
 * What was to have its outcomes in this queue was refused as `QUEUE_FULL`, and there is room for it now: a message of
 * `rmq_send_queued`, the batch of `rmq_send_batch_queued`, or some messages of `rmq_send_many`. Comes once, however many were
 * refused meanwhile, and never unless one was.
 */
#define RMQ_EVENT_WRITABLE 2

/**
 * The end of a look-up that `rmq_producer_look_up` began: `code`, and `queue_count` or `error`.
 */
#define RMQ_EVENT_ROUTED 3

/**
 * The end of a call that did not wait, `rmq_flush_queued` or `rmq_producer_wait_ready_queued`: `code`, and `error`.
 */
#define RMQ_EVENT_DONE 4

/**
 * The program waits for the outcome.
 */
#define RMQ_MODE_SYNC 0

/**
 * The outcome is told later.
 */
#define RMQ_MODE_ASYNC 1

/**
 * There is no outcome.
 */
#define RMQ_MODE_ONEWAY 2

/**
 * The properties that `rmq_before_send_fn` adds to one attempt. Lives until the hook returns.
 */
typedef struct rmq_added_properties_t rmq_added_properties_t;

/**
 * A configuration: a value for every key, each checked when it is set.
 *
 * A producer copies it when it is made; afterwards it may be changed for the next one or be destroyed. May be
 * used from several threads.
 */
typedef struct rmq_config_t rmq_config_t;

/**
 * Where `rmq_credentials_fn` puts its answer. Lives until the function returns.
 */
typedef struct rmq_credentials_t rmq_credentials_t;

/**
 * An error with all that is known about it. NULL stands for success.
 *
 * An error object never changes and may be read by any number of threads. Those that functions return and that
 * stand in an `rmq_event_t` are yours: end them with `rmq_error_destroy`. Those that callbacks get are
 * borrowed: they live until the callback returns; `rmq_error_clone` makes one that stays.
 */
typedef struct rmq_error_t rmq_error_t;

/**
 * A producer: connections, routes and all sends in flight. May be used from any number of threads.
 */
typedef struct rmq_producer_t rmq_producer_t;

/**
 * A completion queue: the outcomes of sends lie here until they are polled, and other events too. Any number of
 * producers may send with it and any number of threads may poll it.
 */
typedef struct rmq_queue_t rmq_queue_t;

/**
 * A snapshot of the statistics of a producer. It never changes and may be read by any number of threads. What it
 * holds is listed in the manual, page "Statistics".
 */
typedef struct rmq_stats_t rmq_stats_t;

/**
 * An attempt of a send that failed.
 *
 * Start with `rmq_failed_attempt_t attempt = RMQ_FAILED_ATTEMPT_INIT;`. The texts live as long as the error object.
 */
typedef struct rmq_failed_attempt_t {
  /**
   * Set by `RMQ_FAILED_ATTEMPT_INIT`: the size of the struct in your header.
   */
  uint32_t struct_size;
  /**
   * The kind of the failure: one of `RMQ_ERR_*`. `RMQ_ERR_BROKER` too where the message was stored, but not as
   * safely as the key `retry.another.broker.when.not.store.ok` asks.
   */
  int32_t code;
  /**
   * The response code of the broker; -1 if it did not answer.
   */
  int32_t broker_code;
  /**
   * Zero.
   */
  int32_t reserved;
  /**
   * How long the attempt took, in microseconds.
   */
  int64_t elapsed_us;
  /**
   * The broker that was chosen.
   */
  const char *broker_name;
  /**
   * Its address, `host:port`; empty if no route named a master.
   */
  const char *broker_address;
  /**
   * Why it failed.
   */
  const char *message;
} rmq_failed_attempt_t;

/**
 * What a broker said about a stored message. Plain data without pointers; copy it as you like.
 *
 * Start with `rmq_receipt_t receipt = RMQ_RECEIPT_INIT;`. Texts end with NUL; one that has no room (no broker
 * makes one) is cut at a character.
 */
typedef struct rmq_receipt_t {
  /**
   * Set by `RMQ_RECEIPT_INIT`: the size of the struct in your header.
   */
  uint32_t struct_size;
  /**
   * How safely it is stored: one of `RMQ_SEND_*`.
   */
  int32_t status;
  /**
   * The queue it went to.
   */
  int32_t queue_id;
  /**
   * How many attempts were made, those that a hook refused among them.
   */
  uint32_t attempts;
  /**
   * Its offset in that queue; -1 if the broker sent none.
   */
  int64_t queue_offset;
  /**
   * Microseconds from the call to the answer.
   */
  int64_t elapsed_us;
  /**
   * The unique id made by the producer, equal over all attempts; consumers see it as the message id.
   */
  char message_id[64];
  /**
   * The broker's id, made of its address and commit-log offset; empty if the broker sent none.
   */
  char offset_message_id[64];
  /**
   * The broker that stored it.
   */
  char broker_name[256];
  /**
   * Its address, `host:port`.
   */
  char broker_address[272];
  /**
   * The topic of the message.
   */
  char topic[256];
} rmq_receipt_t;

/**
 * Takes a line of the log: its level (`RMQ_LOG_*`), the part of the library it comes from (`client`, `hooks`,
 * `producer`, `remoting` or `routing`), and its text without a line end. Both texts live until the function returns.
 *
 * Called from any thread, from library threads above all, and from several at once. It must be quick, must not
 * block, and must not call a function of a producer. No C++ exception may leave it.
 */
typedef void (*rmq_log_fn)(int32_t level, const char *target, const char *text, void *opaque);

/**
 * Says that the library will not use `opaque` again. Called once, from any thread. It must be quick and must not
 * call a function of a producer. No C++ exception may leave it.
 */
typedef void (*rmq_finalizer_fn)(void *opaque);

/**
 * A configuration key. The texts live as long as the process.
 *
 * Start with `rmq_config_key_t key = RMQ_CONFIG_KEY_INIT;`.
 */
typedef struct rmq_config_key_t {
  /**
   * Set by `RMQ_CONFIG_KEY_INIT`: the size of the struct in your header.
   */
  uint32_t struct_size;
  /**
   * 1 if the value must not be shown (passwords), else 0.
   */
  int32_t secret;
  /**
   * The name, for example `"send.timeout.ms"`.
   */
  const char *name;
  /**
   * What a value looks like: `"text"`, `"integer"`, `"boolean"` or `"choice"`.
   */
  const char *kind;
  /**
   * The value of a key that is not set; empty if there is none.
   */
  const char *default_value;
  /**
   * The values allowed, for people: `"0 to 100"`, `"fail, wait"`, or the rule of a text.
   */
  const char *range;
  /**
   * The unit of an integer: `"ms"`, `"bytes"` and so on; empty for other kinds.
   */
  const char *unit;
  /**
   * What the Java client calls it; empty if it has nothing like it.
   */
  const char *java_name;
  /**
   * What the key does, in plain sentences.
   */
  const char *text;
} rmq_config_key_t;

/**
 * Says that there is room within the in-flight bounds again. Called on the delivery thread of the producer, among
 * its other callbacks, and bound by the same rules as `rmq_send_fn`.
 */
typedef void (*rmq_writable_fn)(void *opaque);

/**
 * Gives credentials: calls `rmq_credentials_set` with `out`, and returns 0. Anything else means that there are none, for what
 * it wrote to `reason`: room for `reason_len` bytes, at first empty, for a UTF-8 text that ends with NUL. Sends that need
 * them fail as `ACCESS_DENIED` with this text, and it is asked again a second later at the earliest.
 *
 * It is asked before the first request, again when a fifth of their time is left, and when a broker has refused them; by one
 * thread at a time, which is made for it and may wait. It must return; no C++ exception may leave it.
 */
typedef int32_t (*rmq_credentials_fn)(struct rmq_credentials_t *out,
                                      char *reason,
                                      size_t reason_len,
                                      void *opaque);

/**
 * A queue of a topic. Plain data without pointers.
 *
 * Start an array with `rmq_message_queue_t queues[16] = { RMQ_MESSAGE_QUEUE_INIT };`.
 */
typedef struct rmq_message_queue_t {
  /**
   * Set by `RMQ_MESSAGE_QUEUE_INIT`: the size of the struct in your header.
   */
  uint32_t struct_size;
  /**
   * Its number at its broker, from 0.
   */
  int32_t queue_id;
  /**
   * The name of its broker, as `broker_name` of a message takes it.
   */
  char broker_name[256];
} rmq_message_queue_t;

/**
 * Something that a producer has to tell, as `rmq_queue_poll` gives it.
 *
 * Start an array with `rmq_event_t events[64] = { RMQ_EVENT_INIT };`.
 *
 * Later versions have more kinds. Pass over a kind that you do not know; all that an event owns, whatever its kind, is
 * `error`. Kinds that own more come only to programs that asked for them.
 */
typedef struct rmq_event_t {
  /**
   * Set by `RMQ_EVENT_INIT`: the size of the struct in your header.
   */
  uint32_t struct_size;
  /**
   * What has happened: one of `RMQ_EVENT_*`.
   */
  int32_t kind;
  /**
   * `RMQ_OK`, or the code of `error`.
   */
  int32_t code;
  /**
   * Of `RMQ_EVENT_ROUTED`: how many queues of the topic may be written. Else 0.
   */
  int32_t queue_count;
  /**
   * The pointer given with the send or the call. NULL for `RMQ_EVENT_WRITABLE`.
   */
  void *opaque;
  /**
   * NULL at success. Otherwise yours: end it with `rmq_error_destroy`.
   */
  struct rmq_error_t *error;
  /**
   * The producer that this comes from, to tell apart those that share the queue. It may have been destroyed meanwhile:
   * compare it before you use it.
   */
  struct rmq_producer_t *producer;
  /**
   * Zero; room for growth.
   */
  uint64_t reserved[2];
  /**
   * The receipt. Holds nothing but in an `RMQ_EVENT_OUTCOME` without `error`. Always the last member.
   */
  struct rmq_receipt_t receipt;
} rmq_event_t;

/**
 * A user property: a name and a value, both UTF-8. Neither may be NULL. The library indexes an array of these, so this
 * struct keeps its size for ever; what a later version has to add comes as another member of `rmq_message_t`.
 */
typedef struct rmq_property_t {
  /**
   * The name; not one of RocketMQ's reserved names, not blank.
   */
  const char *name;
  /**
   * The value; not blank.
   */
  const char *value;
} rmq_property_t;

/**
 * A queue of a topic that a selector may choose. Functions of yours index an array of these, so this struct keeps its size
 * for ever; what a later version has to add comes by another type of function.
 */
typedef struct rmq_queue_ref_t {
  /**
   * The name of its broker. Lives until the selector returns.
   */
  const char *broker_name;
  /**
   * Its number at that broker.
   */
  int32_t queue_id;
  /**
   * Zero.
   */
  int32_t reserved;
} rmq_queue_ref_t;

/**
 * Chooses the queue of a message: gives the index of one of the `count` queues, which stand in the Java client's
 * order (broker by broker, each by number). -1, or whatever is no index, fails the send as `FORBIDDEN`.
 *
 * Called at most once for a message, whatever is tried after it, and once for a whole batch: in the send call if
 * the route of the topic is known, else on the I/O thread. For several messages it is called from several threads at
 * once, also with one `opaque`. So it must be quick and must not wait. It may call the
 * functions of errors; those of producers that send or wait answer `WOULD_DEADLOCK`. It must return; no C++ exception
 * may leave it.
 */
typedef int32_t (*rmq_selector_fn)(const struct rmq_queue_ref_t *queues, size_t count, void *opaque);

/**
 * A message to send. Plain data, yours: a send function reads it and all it points to, never changes it, and
 * needs none of it after it has returned.
 *
 * Start with `rmq_message_t message = RMQ_MESSAGE_INIT;`, then set at least `topic`, `body` and `body_len`.
 */
typedef struct rmq_message_t {
  /**
   * Set by `RMQ_MESSAGE_INIT`: the size of the struct in your header.
   */
  uint32_t struct_size;
  /**
   * A number for the application; brokers keep it.
   */
  int32_t flag;
  /**
   * Topic: 1 to 127 of the characters `A-Z a-z 0-9 _ - % |`. Not NULL.
   */
  const char *topic;
  /**
   * The body: any bytes. May be NULL if `body_len` is 0.
   */
  const void *body;
  /**
   * Its length in bytes: 1 to the configured `max.message.size`.
   */
  size_t body_len;
  /**
   * One tag that consumers filter by, without `||` and without blanks around it; NULL for none.
   */
  const char *tags;
  /**
   * `key_count` business keys that the broker indexes; none may contain a space. May be NULL if there are
   * none.
   */
  const char *const *keys;
  /**
   * Number of `keys`.
   */
  size_t key_count;
  /**
   * `property_count` user properties. May be NULL if there are none.
   */
  const struct rmq_property_t *properties;
  /**
   * Number of `properties`.
   */
  size_t property_count;
  /**
   * 1 (set by `RMQ_MESSAGE_INIT`): the broker answers when flush and replication are done as it is
   * configured. 0: it does not wait for them.
   */
  int32_t wait_store_ok;
  /**
   * 1 to 18: consumers see the message after the broker's delay of this level (1 s, 5 s, 10 s, 30 s, 1 min,
   * ... 2 h as brokers are set up). Of this and the next three at most one may be set; with all of them 0
   * the message is delivered at once.
   */
  int32_t delay_level;
  /**
   * Consumers see the message after so many seconds; 0 = not set. The three timers need brokers 5.x: older
   * ones deliver at once.
   */
  int64_t delay_seconds;
  /**
   * Consumers see the message after so many milliseconds; 0 = not set. Brokers cut the time to their timer's
   * step, 1 s as they are set up.
   */
  int64_t delay_ms;
  /**
   * Consumers see the message at this time, in ms since 1970-01-01 00:00 UTC, or at once if that has passed;
   * 0 = not set.
   */
  int64_t deliver_at_ms;
  /**
   * Messages with the same key go to the same queue as long as the topic keeps its queues: the one that the
   * Java client's `SelectMessageQueueByHash` takes for this text. Consumers see it as property
   * `__SHARDINGKEY`. NULL = none.
   */
  const char *sharding_key;
  /**
   * The broker of the one queue the message may go to, as routes and receipts spell it; NULL = any queue.
   */
  const char *broker_name;
  /**
   * The number of that queue at the broker, from 0; 0 without `broker_name`.
   */
  int32_t queue_id;
  /**
   * One of `RMQ_QUEUE_*`: how the queue is chosen. Of `sharding_key`, `broker_name`, `selector` and a choice that
   * is not `RMQ_QUEUE_ROUND_ROBIN` at most one may be set.
   */
  int32_t queue_choice;
  /**
   * With `RMQ_QUEUE_BY_NUMBER`: messages with the same number go to the same queue as long as the topic keeps its
   * queues. A number that is a Java `Integer` is taken as one, a larger one as a `Long`. 0 without that choice.
   */
  int64_t sharding_number;
  /**
   * Property `BUYER_ID` of the Java client; NULL for none.
   */
  const char *buyer_id;
  /**
   * Property `INSTANCE_ID` of the Java client; NULL for none. The key `namespace`, if it is set, comes before it.
   */
  const char *instance_id;
  /**
   * Chooses the queue, which the message keeps to in every attempt; NULL = none.
   */
  rmq_selector_fn selector;
  /**
   * Handed to `selector`, and must be usable by it from any thread until the outcome of the message is told (one-way:
   * until `rmq_flush` has returned NULL).
   */
  void *selector_opaque;
} rmq_message_t;

/**
 * Takes the outcome of one send: `error` is NULL at success, `receipt` is NULL otherwise. Both live until the
 * function returns; `rmq_error_clone` and a copy of the struct make them stay.
 *
 * Called on the delivery thread of the producer, one call at a time, once for every accepted `rmq_send_async`.
 * A slow one delays the callbacks after it, never the network. It may call every function of the library but
 * `rmq_flush`, `rmq_producer_close` and `rmq_producer_wait_writable` of its own producer, which answer
 * `WOULD_DEADLOCK`. It must return; no C++ exception may leave it.
 */
typedef void (*rmq_send_fn)(const struct rmq_error_t *error, const struct rmq_receipt_t *receipt, void *opaque);

/**
 * An attempt of a send, as hooks see it. It and all it points to live until the hook returns.
 */
typedef struct rmq_send_attempt_t {
  /**
   * The size of the struct in the library that runs: members beyond it are not there.
   */
  uint32_t struct_size;
  /**
   * How the message is sent: one of `RMQ_MODE_*`.
   */
  int32_t mode;
  /**
   * 1 for the first attempt of the message.
   */
  uint32_t number;
  /**
   * The queue that was chosen.
   */
  int32_t queue_id;
  /**
   * The producer group.
   */
  const char *group;
  /**
   * The topic, as the message names it.
   */
  const char *topic;
  /**
   * The unique id of the message, equal over all attempts.
   */
  const char *message_id;
  /**
   * The broker that was chosen.
   */
  const char *broker_name;
  /**
   * Its address, `host:port`.
   */
  const char *broker_address;
  /**
   * All properties as they travel, but for those of hooks: name, U+0001, value, U+0002, and so on.
   */
  const char *properties;
  /**
   * The body as it travels, compressed if it is.
   */
  const void *body;
  /**
   * Its length in bytes.
   */
  size_t body_len;
} rmq_send_attempt_t;

/**
 * Sees an attempt before it is made; `rmq_add_property` with `added` gives it further properties.
 *
 * This and the next two are hooks. They are called in the send call or on the I/O thread, from several threads at
 * once: they must be quick and must not wait. They may call `rmq_add_property` and the functions of errors; those of
 * producers that send or wait answer `WOULD_DEADLOCK`. They must return; no C++ exception may leave them.
 */
typedef void (*rmq_before_send_fn)(const struct rmq_send_attempt_t *attempt,
                                   struct rmq_added_properties_t *added,
                                   void *opaque);

/**
 * Sees the outcome of an attempt, once for each that `rmq_before_send_fn` saw: `error` is NULL if the message is
 * stored, `receipt` is NULL if the attempt failed, which another one may follow. Both are NULL for a one-way message
 * that is written. They live until the hook returns.
 */
typedef void (*rmq_after_send_fn)(const struct rmq_send_attempt_t *attempt,
                                  const struct rmq_error_t *error,
                                  const struct rmq_receipt_t *receipt,
                                  void *opaque);

/**
 * Says whether an attempt may be made: 0 if it may. Otherwise it fails as `FORBIDDEN`, with what the hook wrote to
 * `reason`: room for `reason_len` bytes, at first empty, for a UTF-8 text that ends with NUL. Another attempt, perhaps
 * with another queue, may follow and is asked for again.
 */
typedef int32_t (*rmq_check_forbidden_fn)(const struct rmq_send_attempt_t *attempt,
                                          char *reason,
                                          size_t reason_len,
                                          void *opaque);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that runs, for example `"0.1.0"`.
 *
 * Compare it with `RMQ_VERSION`, the version this header came with. The text lives as long as the process.
 */
const char *rmq_version(void);

/**
 * The version of the ABI of the library that runs; at least `RMQ_ABI_VERSION` of the header you compiled with
 * is needed.
 */
uint32_t rmq_abi_version(void);

/**
 * Ends an error object.
 *
 * Does nothing with NULL, with the errors of a callback, and with the frequent errors that the library keeps
 * for ever: call it on every error that a function returned and do not care which it is.
 */
void rmq_error_destroy(struct rmq_error_t *error);

/**
 * Another object with the same content, for a callback that wants to keep its error. End it with
 * `rmq_error_destroy`. NULL for NULL.
 */
RMQ_MUST_USE struct rmq_error_t *rmq_error_clone(const struct rmq_error_t *error);

/**
 * The kind: one of `RMQ_ERR_*`; `RMQ_OK` for NULL.
 */
int32_t rmq_error_code(const struct rmq_error_t *error);

/**
 * The name of the kind, for example `"QUEUE_FULL"`; `"OK"` for NULL. Lives as long as the process.
 */
const char *rmq_error_name(const struct rmq_error_t *error);

/**
 * The name of a code, for example `"TIMEOUT"` for `RMQ_ERR_TIMEOUT`, `"OK"` for `RMQ_OK`; `"UNKNOWN"` for a
 * number that is no code. Lives as long as the process.
 */
const char *rmq_error_code_name(int32_t code);

/**
 * One sentence for people: what failed, where, why. Empty for NULL. Lives as long as the object.
 */
const char *rmq_error_message(const struct rmq_error_t *error);

/**
 * The response code of the broker or name server that refused; -1 if none answered.
 */
int32_t rmq_error_broker_code(const struct rmq_error_t *error);

/**
 * The text that came with the broker code; empty if there is none. Lives as long as the object.
 */
const char *rmq_error_remark(const struct rmq_error_t *error);

/**
 * `host:port` of the broker or name server that was spoken to last; empty if there was none. Lives as long as
 * the object.
 */
const char *rmq_error_broker_address(const struct rmq_error_t *error);

/**
 * How many attempts were made, those that a hook refused among them.
 */
uint32_t rmq_error_attempts(const struct rmq_error_t *error);

/**
 * Milliseconds from the call to the outcome; 0 where nothing was waited for.
 */
int64_t rmq_error_elapsed_ms(const struct rmq_error_t *error);

/**
 * 1 if the same call may succeed later without a change, else 0. Look at `rmq_error_persistence` before you
 * send again: the message may be stored already.
 */
int32_t rmq_error_is_retriable(const struct rmq_error_t *error);

/**
 * Whether the message may be stored in spite of the error: `RMQ_NOT_PERSISTED`, `RMQ_POSSIBLY_PERSISTED` or
 * `RMQ_PERSISTED`.
 */
int32_t rmq_error_persistence(const struct rmq_error_t *error);

/**
 * How many failed attempts of the send the error tells of, in order; 0 for NULL and where nothing was attempted.
 */
size_t rmq_error_history_count(const struct rmq_error_t *error);

/**
 * Describes the failed attempt number `index`, from 0 to `rmq_error_history_count()` - 1; the last one is that of
 * the error itself.
 *
 * Errors: `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_error_history(const struct rmq_error_t *error,
                                      size_t index,
                                      struct rmq_failed_attempt_t *out);

/**
 * How many messages are stored in spite of the error of an `rmq_send_batch`; 0 for other errors and for NULL.
 */
size_t rmq_error_stored_count(const struct rmq_error_t *error);

/**
 * The stored message number `index`, from 0 to `rmq_error_stored_count()` - 1, in the order of the batch: writes
 * its position in the batch to `out_position` and its receipt to `out`, which may be NULL.
 *
 * Errors: `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_error_stored(const struct rmq_error_t *error,
                                     size_t index,
                                     size_t *out_position,
                                     struct rmq_receipt_t *out);

/**
 * Makes a configuration in which every key has its default.
 *
 * End it with `rmq_config_destroy`. Errors: `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE struct rmq_error_t *rmq_config_new(struct rmq_config_t **out);

/**
 * Ends a configuration. Producers made from it are not touched. Does nothing with NULL.
 */
void rmq_config_destroy(struct rmq_config_t *config);

/**
 * Sets a key to a value, both UTF-8; both are copied. The keys are listed in the manual and by
 * `rmq_config_key`.
 *
 * An empty value puts a text key back to its default. After an error the configuration is unchanged.
 *
 * Errors: `UNKNOWN_KEY` names the nearest key there is; `INVALID_VALUE` names the key, the value and the range
 * or rule it breaks; `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_config_set(struct rmq_config_t *config,
                                   const char *key,
                                   const char *value);

/**
 * Copies the value of a key (as set, or its default; empty if it has neither) into `buffer`, with a NUL at the
 * end, and its length without the NUL into `out_len`.
 *
 * With a `buffer` of NULL and a `buffer_len` of 0 it only tells the length.
 *
 * Errors: `UNKNOWN_KEY` names the nearest key there is; `FORKED`; `INVALID_ARGUMENT`, also when `buffer_len`
 * is too small (the message names the room that is needed).
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_config_get(const struct rmq_config_t *config,
                                   const char *key,
                                   char *buffer,
                                   size_t buffer_len,
                                   size_t *out_len);

/**
 * Sends the log lines of producers made from this configuration to `function`, those at and above `log.level`.
 *
 * `opaque` is handed to every call and must be usable from any thread. When neither the configuration nor a
 * producer made from it needs it any more, `finalizer` (may be NULL) is called with it, once. A `function` of
 * NULL takes an earlier one away, and the `opaque` and `finalizer` given with it are ignored: then only warnings
 * and errors are written, to standard error, a few lines at a time. After an error the library has not taken `opaque`.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_config_set_log(struct rmq_config_t *config,
                                       rmq_log_fn function,
                                       void *opaque,
                                       rmq_finalizer_fn finalizer);

/**
 * How many configuration keys there are.
 */
size_t rmq_config_key_count(void);

/**
 * Describes the configuration key number `index`, from 0 to `rmq_config_key_count()` - 1, in the order of the
 * manual.
 *
 * Errors: `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE struct rmq_error_t *rmq_config_key(size_t index, struct rmq_config_key_t *out);

/**
 * Has `function` called when there is room within `in.flight.max.messages` and `in.flight.max.bytes` again, once after
 * sends failed with `QUEUE_FULL`, however many did and by whichever function. Each producer made from this configuration
 * calls it for itself, on its delivery thread, which is then made together with the producer.
 *
 * `opaque` is handed to every call; with several producers, from several threads. When neither the configuration nor
 * a producer made from it needs it any more, `finalizer` (may be NULL) is called with it, once. A `function` of NULL
 * takes an earlier one away, and the `opaque` and `finalizer` given with it are ignored. After an error the library
 * has not taken `opaque`.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_config_set_writable(struct rmq_config_t *config,
                                            rmq_writable_fn function,
                                            void *opaque,
                                            rmq_finalizer_fn finalizer);

/**
 * Makes a producer and starts it. The configuration is copied.
 *
 * Needs `producer.group`, and `name.server` (or `name.server.url`, or the environment variable `NAMESRV_ADDR`).
 * Never waits for the network: an unreachable name server does not matter yet; `rmq_producer_wait_ready` tells.
 *
 * End it with `rmq_producer_destroy`. Errors: `INVALID_VALUE`, `NO_NAME_SERVER`, `GROUP_CONFLICT`, `SYSTEM`,
 * `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_new(const struct rmq_config_t *config,
                                     struct rmq_producer_t **out);

/**
 * Ends a producer; the pointer must not be used again, by no thread, but for calls that wait already: they
 * return. Does nothing with NULL.
 *
 * Never hangs and may be called from a callback or a hook. A producer that was not closed is closed without waiting
 * for the network: sends in flight complete as `CLOSED`. The call then waits at most one second for their callbacks
 * (from a callback or a hook: not at all); later ones still come. `rmq_producer_close` before it gives sends the
 * time to succeed. In a forked child it only forgets the parent's producer, and ends the child's own if there is one
 * (key `after.fork`).
 */
void rmq_producer_destroy(struct rmq_producer_t *producer);

/**
 * Waits until a name server has answered; at most `timeout_ms` (negative: without bound).
 *
 * Errors: `TIMEOUT`, `NAME_SERVER`, `NO_NAME_SERVER`, with the reason of the last failure; `WOULD_DEADLOCK` from a
 * hook, a selector, or a log callback on the I/O thread; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_wait_ready(struct rmq_producer_t *producer,
                                            int64_t timeout_ms);

/**
 * Waits until no send is without its outcome, every callback of them has returned, and one-way messages are written; at
 * most `timeout_ms` (negative: without bound). The producer stays open: beside threads that go on sending that moment may
 * not come.
 *
 * Outcomes for a completion queue are in the queue then; whether they were polled does not matter.
 *
 * Errors: `TIMEOUT`; `WOULD_DEADLOCK` from a callback of this producer, from a hook, a selector, or a log callback on
 * the I/O thread; `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_flush(struct rmq_producer_t *producer,
                              int64_t timeout_ms);

/**
 * Closes a producer: refuses new sends, waits for the outcomes of accepted ones, at most `timeout_ms` (0: does
 * not wait; negative: without bound), completes the rest as `CLOSED`, waits for callbacks within the same time
 * (a quarter of it, at most 250 ms, is kept for them), and unregisters from the brokers. The handle stays valid
 * until `rmq_producer_destroy`.
 *
 * NULL: every callback that there will be has returned. May be called again, from any thread. Of several that close at
 * the same time, the one whose time is over first completes what is left, and all go on to their end.
 *
 * Errors: `TIMEOUT` when sends had to be completed as `CLOSED` meanwhile, or when a callback still runs (it and those
 * after it go on; call again to wait for them); `WOULD_DEADLOCK` from a callback of this producer, from a hook, a
 * selector, or a log callback on the I/O thread; `FORKED`, `INVALID_ARGUMENT`. After `TIMEOUT` the producer is
 * closed as well.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_close(struct rmq_producer_t *producer,
                                       int64_t timeout_ms);

/**
 * Waits until another message has room within the in-flight bounds; at most `timeout_ms` (negative: without bound).
 * Other threads may take the room before a send does.
 *
 * Errors: `QUEUE_FULL` when there was none in time; `WOULD_DEADLOCK` from a callback of this producer, from a hook, a
 * selector, or a log callback on the I/O thread; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_wait_writable(struct rmq_producer_t *producer,
                                               int64_t timeout_ms);

/**
 * The number of messages that count against `in.flight.max.messages`: accepted ones whose callback has not
 * returned, or whose outcome was not polled yet.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE struct rmq_error_t *rmq_producer_in_flight(struct rmq_producer_t *producer, size_t *out);

/**
 * Takes other name servers: `addresses` are one or more `host:port` with `;` or `,` between, and are copied. Requests
 * under way go on. Producers with the same client id (keys `client.ip`, `instance.name`, `unit.name`) take them too;
 * others are not touched.
 *
 * Errors: `INVALID_VALUE` names what is no address, and nothing is changed; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_set_name_servers(struct rmq_producer_t *producer,
                                                  const char *addresses);

/**
 * From now on the producer works in children made by `fork`, as with the key `after.fork` = `renew`: at the first use in
 * a child, a fresh producer with the same settings, hooks and callbacks stands behind this handle, with connections and
 * a delivery thread of its own. It hears nothing of what the parent has in flight, whose callbacks are the parent's;
 * completion queues are not renewed. One that was closed before the fork answers `CLOSED`.
 *
 * May be called before the fork, in a child handler of `pthread_atfork`, or in the child: it only notes the wish. What
 * the first use needs (a thread, descriptors, memory) is asked for then; a failure is the error of that call, and the
 * next call tries again.
 *
 * Errors: `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_renew_after_fork(struct rmq_producer_t *producer);

/**
 * Lets `function` give the credentials of producers made from this configuration, in place of the keys `access.key`,
 * `secret.key` and `security.token`. NULL takes an earlier one away, and the `opaque` and `finalizer` given with it are
 * ignored.
 *
 * `opaque` is handed to every call. When neither the configuration nor a producer made from it needs it any more,
 * `finalizer` (may be NULL) is called with it, once. After an error the library has not taken `opaque`.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_config_set_credentials_provider(struct rmq_config_t *config,
                                                        rmq_credentials_fn function,
                                                        void *opaque,
                                                        rmq_finalizer_fn finalizer);

/**
 * Gives the credentials that a `rmq_credentials_fn` is asked for; the texts are copied. `security_token` may be NULL.
 * `expires_at_ms` is the end of their time in milliseconds since 1970, 0 if there is none.
 *
 * Errors: `INVALID_ARGUMENT`, also for an empty key.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_credentials_set(struct rmq_credentials_t *out,
                                        const char *access_key,
                                        const char *secret_key,
                                        const char *security_token,
                                        uint64_t expires_at_ms);

/**
 * Signs requests with these credentials from now on, which are copied; requests on their way stay as they are.
 * `security_token` may be NULL. Producers with the same client id speak for the same user, and take them too.
 *
 * Errors: `CLOSED`, `FORKED`; `INVALID_ARGUMENT`, also for an empty key, and if a provider gives the credentials.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_set_credentials(struct rmq_producer_t *producer,
                                                 const char *access_key,
                                                 const char *secret_key,
                                                 const char *security_token);

/**
 * Writes the queues of a topic that may be written, in the Java client's order, to the array `out` of `capacity`
 * elements, and their number to `out_count`; 0 if the topic has queues that are only read. Asks the name server if the
 * topic is not known yet; waits at most `timeout_ms` for it (negative: without bound).
 *
 * `struct_size` of the first element must be set and is the distance between elements; the others need no value.
 * With an `out` of NULL and a `capacity` of 0 it only tells the number.
 *
 * Errors: `INVALID_ARGUMENT`, also when `capacity` is too small (the message names the room that is needed);
 * `MESSAGE_ILLEGAL` for a bad name of a topic; `NO_ROUTE`, `NAME_SERVER`, `NO_NAME_SERVER`, `TIMEOUT`;
 * `WOULD_DEADLOCK` from a hook, a selector or a log callback; `CLOSED`, `FORKED`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_queues(struct rmq_producer_t *producer,
                                        const char *topic,
                                        int64_t timeout_ms,
                                        struct rmq_message_queue_t *out,
                                        size_t capacity,
                                        size_t *out_count);

/**
 * Looks the queues of a topic up without waiting: the event `RMQ_EVENT_ROUTED` comes to `queue` with `opaque`, once, within
 * `timeout_ms` (negative: without bound); at once if the topic is known. After it, `rmq_producer_queues` with a timeout of
 * 0 gives the queues, and the first send to the topic waits for no name server.
 *
 * Errors, and then there is no event: `MESSAGE_ILLEGAL` for a bad name of a topic; `WOULD_DEADLOCK` from a hook or a
 * selector; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`. Errors of the event: those of `rmq_producer_queues`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_look_up(struct rmq_producer_t *producer,
                                         const char *topic,
                                         int64_t timeout_ms,
                                         struct rmq_queue_t *queue,
                                         void *opaque);

/**
 * Makes an empty queue.
 *
 * End it with `rmq_queue_destroy`. Errors: `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE struct rmq_error_t *rmq_queue_new(struct rmq_queue_t **out);

/**
 * Ends a queue; the pointer must not be used again, but for calls that wait already: polls return. Does nothing
 * with NULL.
 *
 * Events that lie in it or come later are lost, and outcomes among them count no longer as in flight, so end it after
 * its producers. Its descriptor is closed at once. In a forked child it only forgets the parent's queue.
 */
void rmq_queue_destroy(struct rmq_queue_t *queue);

/**
 * Moves up to `capacity` events from the queue to the array `out` and writes their number to `out_count`,
 * oldest first. Waits at most `timeout_ms` (0: does not wait; negative: without bound) for the first one; when
 * none came, the number is 0.
 *
 * `struct_size` of the first element must be set and is the distance between elements; the others need no
 * value. The caller owns the errors in the events.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_queue_poll(struct rmq_queue_t *queue,
                                   struct rmq_event_t *out,
                                   size_t capacity,
                                   int64_t timeout_ms,
                                   size_t *out_count);

/**
 * A descriptor that `poll`, `epoll` and `select` report as readable exactly while events lie in the queue.
 *
 * It belongs to the queue: do not read, write or close it; it is closed by `rmq_queue_destroy`. Every call
 * gives the same one.
 *
 * Errors: `SYSTEM` when the process is out of descriptors; `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE struct rmq_error_t *rmq_queue_fd(struct rmq_queue_t *queue, int *out);

/**
 * Flushes without waiting: the event `RMQ_EVENT_DONE` comes to `queue` with `opaque`, once, when no message
 * is without its outcome, or at the end of `timeout_ms` (negative: without bound); beside threads that go on sending that
 * moment may not come. Outcomes that go to the same
 * queue are there before it; callbacks may still run.
 *
 * Errors, and then there is no event: `WOULD_DEADLOCK` from a hook or a selector; `FORKED`, `INVALID_ARGUMENT`. Error of the
 * event: `TIMEOUT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_flush_queued(struct rmq_producer_t *producer,
                                     int64_t timeout_ms,
                                     struct rmq_queue_t *queue,
                                     void *opaque);

/**
 * Asks without waiting whether a name server answers this producer: the event `RMQ_EVENT_DONE` comes to `queue` with
 * `opaque`, once, as soon as one has, or at the end of `timeout_ms` (negative: without bound).
 *
 * Errors, and then there is no event: `WOULD_DEADLOCK` from a hook or a selector; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
 * Errors of the event: those of `rmq_producer_wait_ready`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_wait_ready_queued(struct rmq_producer_t *producer,
                                                   int64_t timeout_ms,
                                                   struct rmq_queue_t *queue,
                                                   void *opaque);

/**
 * Sends a message and waits for its outcome; at most `timeout_ms` (negative: `send.timeout.ms`), with look-ups,
 * connects and retries.
 *
 * `out` may be NULL; otherwise the receipt is written there at success. May be called from a callback, which
 * must leave it room: with in-flight bounds that the callback's own message fills, it waits its whole timeout and
 * fails with `QUEUE_FULL`.
 *
 * Errors: `MESSAGE_ILLEGAL`, `QUEUE_FULL`, `TIMEOUT`, `NO_NAME_SERVER`, `NAME_SERVER`, `NO_ROUTE`, `CONNECT`,
 * `CONNECTION_LOST`, `BROKER`, `ACCESS_DENIED`, `PROTOCOL`, `FORBIDDEN`, `SYSTEM`, `CLOSED`, `FORKED`, `INVALID_ARGUMENT`;
 * `WOULD_DEADLOCK` from a hook, a selector, or a log callback on the I/O thread.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_send(struct rmq_producer_t *producer,
                             const struct rmq_message_t *message,
                             int64_t timeout_ms,
                             struct rmq_receipt_t *out);

/**
 * Sends a message and calls `function` with the outcome, on the producer's delivery thread, once. Returns when
 * the message is copied; never waits for the network.
 *
 * `timeout_ms` (negative: `send.timeout.ms`) bounds the whole way to the outcome. A returned error means that
 * the message was not accepted: then there is no callback.
 *
 * Errors at the call: `MESSAGE_ILLEGAL`; `QUEUE_FULL`, at once or after waiting for room as the key
 * `in.flight.full` says; `WOULD_DEADLOCK` from a hook or a selector; `CLOSED`, `FORKED`, `SYSTEM`,
 * `INVALID_ARGUMENT`. Errors of the outcome: those of `rmq_send`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_send_async(struct rmq_producer_t *producer,
                                   const struct rmq_message_t *message,
                                   int64_t timeout_ms,
                                   rmq_send_fn function,
                                   void *opaque);

/**
 * Sends a message and puts the outcome into `queue`, together with `opaque`. Otherwise like `rmq_send_async`.
 *
 * Errors at the call: those of `rmq_send_async`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_send_queued(struct rmq_producer_t *producer,
                                    const struct rmq_message_t *message,
                                    int64_t timeout_ms,
                                    struct rmq_queue_t *queue,
                                    void *opaque);

/**
 * Sends a message without an answer: the broker never says whether it stored it. Returns when the message is
 * copied; it is written within `timeout_ms` (negative: `send.timeout.ms`) or given up. `rmq_flush` and
 * `rmq_producer_close` wait for the writing.
 *
 * Errors: those of `rmq_send_async` at the call.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_send_oneway(struct rmq_producer_t *producer,
                                    const struct rmq_message_t *message,
                                    int64_t timeout_ms);

/**
 * Sends `count` messages, each as by `rmq_send_queued`, with one call: outcomes go to `queue`, the `i`-th with
 * `opaques[i]` (`opaques` may be NULL: then with NULL).
 *
 * A message is accepted or rejected by itself: `codes[i]` is `RMQ_OK` or the code of its rejection (send it
 * alone to get the whole error), `out_accepted` the number of accepted ones. Only they have an outcome in the
 * queue. NULL is returned even if all were rejected.
 *
 * Errors, with no message accepted and nothing written to `codes` and `out_accepted`: `CLOSED`, `FORKED`,
 * `INVALID_ARGUMENT` (a `count` over 10,000,000 too); `SYSTEM` when there is no memory for so many;
 * `WOULD_DEADLOCK` from a hook or a selector.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_send_many(struct rmq_producer_t *producer,
                                  const struct rmq_message_t *const *messages,
                                  size_t count,
                                  int64_t timeout_ms,
                                  struct rmq_queue_t *queue,
                                  void *const *opaques,
                                  int32_t *codes,
                                  size_t *out_accepted);

/**
 * Sends `count` messages as one request and waits for their receipts; at most `timeout_ms` (negative:
 * `send.timeout.ms`), with look-ups, connects and retries. The broker stores all of them, in their order in one
 * queue, or none.
 *
 * They must have one topic, one way to choose the queue with the same values, one `wait_store_ok`, and no delay;
 * they travel uncompressed. Together they take at most `max.message.size`; with the key `batch.split` a larger
 * batch goes as several requests, one after the other, of which the first that fails is the last.
 *
 * `receipts` may be NULL; otherwise at success the receipt of the `i`-th message is written to its `i`-th element.
 * `struct_size` of the first element must be set and is the distance between elements; the others need no value.
 *
 * After an error nothing is written to `receipts`. Messages that are stored nevertheless (of a batch that was split,
 * or when a hook refused others) are told by the error: `rmq_error_stored_count`, `rmq_error_stored`. Its
 * kind, history and persistence are those of the first message that failed.
 *
 * Errors: those of `rmq_send`; `INVALID_ARGUMENT` also for a `count` over 10,000,000; `MESSAGE_ILLEGAL` also for what
 * cannot be in one batch; `WOULD_DEADLOCK` also from a
 * hook or a selector.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_send_batch(struct rmq_producer_t *producer,
                                   const struct rmq_message_t *const *messages,
                                   size_t count,
                                   int64_t timeout_ms,
                                   struct rmq_receipt_t *receipts);

/**
 * Sends `count` messages as one request, as `rmq_send_batch` does, and puts the outcome of each into `queue`, the
 * `i`-th with `opaques[i]` (`opaques` may be NULL: then with NULL). Returns when the messages are copied; never waits
 * for the network. They are accepted all together or not at all: after an error there is no outcome.
 *
 * A batch over `max.message.size` is refused, whatever `batch.split` says.
 *
 * Errors at the call: those of `rmq_send_async`, and `MESSAGE_ILLEGAL` for what cannot be in one batch.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_send_batch_queued(struct rmq_producer_t *producer,
                                          const struct rmq_message_t *const *messages,
                                          size_t count,
                                          int64_t timeout_ms,
                                          struct rmq_queue_t *queue,
                                          void *const *opaques);

/**
 * Adds hooks around each attempt of the sends of producers made from this configuration: `before` and `after`, of
 * which one may be NULL. Hooks are called in the order they were added.
 *
 * `opaque` is handed to both and must be usable from any thread. When neither the configuration nor a producer made
 * from it needs it any more, `finalizer` (may be NULL) is called with it, once. After an error the library has not
 * taken `opaque`.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_config_add_send_hook(struct rmq_config_t *config,
                                             rmq_before_send_fn before,
                                             rmq_after_send_fn after,
                                             void *opaque,
                                             rmq_finalizer_fn finalizer);

/**
 * Adds a hook that is asked before each attempt of the sends of producers made from this configuration, and before the
 * hooks of `rmq_config_add_send_hook`, whether it may be made. Several are asked in the order they were added,
 * until one refuses.
 *
 * `opaque` and `finalizer` are as with `rmq_config_add_send_hook`.
 *
 * Errors: `FORKED`, `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_config_add_check_forbidden_hook(struct rmq_config_t *config,
                                                        rmq_check_forbidden_fn function,
                                                        void *opaque,
                                                        rmq_finalizer_fn finalizer);

/**
 * Adds a property to the attempt whose `rmq_before_send_fn` got `added`; both texts are copied. Consumers see it.
 * A text that is blank or has U+0001 or U+0002 in it is left out, which the log tells.
 *
 * Errors: `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_add_property(struct rmq_added_properties_t *added,
                                     const char *name,
                                     const char *value);

/**
 * Takes a snapshot of what the producer has done since it was made, and how it stands: also after the close.
 *
 * End it with `rmq_stats_destroy`. Costs some microseconds; sends go on meanwhile. Errors: `FORKED`,
 * `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_producer_stats(struct rmq_producer_t *producer,
                                       struct rmq_stats_t **out);

/**
 * Ends a snapshot and the texts read from it. Does nothing with NULL.
 */
void rmq_stats_destroy(struct rmq_stats_t *stats);

/**
 * All of the snapshot as one JSON object. Empty for NULL. Lives as long as the snapshot.
 */
const char *rmq_stats_json(const struct rmq_stats_t *stats);

/**
 * All of the snapshot in the text format of Prometheus, 0.0.4. Empty for NULL. Lives as long as the snapshot.
 */
const char *rmq_stats_prometheus(const struct rmq_stats_t *stats);

/**
 * Writes one number of the snapshot to `out`, by its place in the JSON object with points between the keys, for
 * example `"succeeded"`, `"failed.TIMEOUT"` or `"latency_us.p99"`. Yes and no are 1 and 0.
 *
 * Errors: `UNKNOWN_KEY` if there is no number at this place; `INVALID_ARGUMENT`.
 */
RMQ_MUST_USE
struct rmq_error_t *rmq_stats_get(const struct rmq_stats_t *stats,
                                  const char *path,
                                  double *out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RMQ_H */
