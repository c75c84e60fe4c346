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
