/* What the C tests share: checks that say what failed and end the program, and waiting without sleeping. */
#ifndef RMQ_TEST_CHECK_H
#define RMQ_TEST_CHECK_H

#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rmq.h"
#include "rmq_mock.h"

/* Longer than any wait of a test that works. */
#define PATIENCE_MS 20000

/* What a machine with much else to do may come late: no test needs a fast one. */
#define LATE_MS 10000

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);     \
            _exit(1);                                                                     \
        }                                                                                 \
    } while (0)

#define CHECK_OK(call) check_ok((call), #call, __FILE__, __LINE__)

/* The call must fail with this code; its message must contain the text (NULL: any). */
#define CHECK_FAILS(call, code, text) check_fails((call), (code), (text), #call, __FILE__, __LINE__)

__attribute__((unused)) static void check_ok(rmq_error_t *error, const char *call, const char *file, int line)
{
    if (error != NULL) {
        fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, call, rmq_error_name(error), rmq_error_message(error));
        _exit(1);
    }
}

__attribute__((unused)) static void
check_fails(rmq_error_t *error, int32_t code, const char *text, const char *call, const char *file, int line)
{
    if (rmq_error_code(error) != code || (text != NULL && strstr(rmq_error_message(error), text) == NULL)) {
        fprintf(stderr, "%s:%d: %s: wanted %s with \"%s\", got %s: %s\n", file, line, call,
                rmq_error_code_name(code), text == NULL ? "" : text, rmq_error_name(error), rmq_error_message(error));
        _exit(1);
    }
    rmq_error_destroy(error);
}

__attribute__((unused)) static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((unused)) static rmq_mock_cluster_t *mock_cluster(size_t brokers)
{
    rmq_mock_cluster_t *cluster = NULL;
    CHECK_OK(rmq_mock_cluster_new(brokers, &cluster));
    return cluster;
}

/* A configuration with a group and the name server of the cluster. */
__attribute__((unused)) static rmq_config_t *mock_config(rmq_mock_cluster_t *cluster)
{
    rmq_config_t *config = NULL;
    char address[64];
    CHECK_OK(rmq_config_new(&config));
    CHECK_OK(rmq_config_set(config, "producer.group", "test"));
    CHECK_OK(rmq_mock_name_server(cluster, address, sizeof address));
    CHECK_OK(rmq_config_set(config, "name.server", address));
    /* The default is short enough for a busy machine to pass it. */
    CHECK_OK(rmq_config_set(config, "send.timeout.ms", "20000"));
    return config;
}

__attribute__((unused)) static rmq_producer_t *mock_producer(rmq_mock_cluster_t *cluster)
{
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    return producer;
}

__attribute__((unused)) static rmq_message_t message_to(const char *topic, const char *body)
{
    rmq_message_t message = RMQ_MESSAGE_INIT;
    message.topic = topic;
    message.body = body;
    message.body_len = strlen(body);
    return message;
}

/* Every send request and every batch to every broker meets this fault. */
__attribute__((unused)) static void send_fault(rmq_mock_cluster_t *cluster, int32_t kind)
{
    rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;
    fault.kind = kind;
    fault.request_code = 310;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
    fault.request_code = 320;
    CHECK_OK(rmq_mock_inject(cluster, &fault));
}

/* Outcomes as a callback counts them, with a condition to wait for. */
typedef struct outcomes_t {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    long succeeded;
    long failed;
    int32_t last_code;
} outcomes_t;

#define OUTCOMES_INIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0 }

__attribute__((unused)) static void
count_outcome(const rmq_error_t *error, const rmq_receipt_t *receipt, void *opaque)
{
    outcomes_t *outcomes = opaque;
    CHECK((error == NULL) != (receipt == NULL));
    pthread_mutex_lock(&outcomes->lock);
    if (error == NULL)
        outcomes->succeeded++;
    else
        outcomes->failed++;
    outcomes->last_code = rmq_error_code(error);
    pthread_cond_broadcast(&outcomes->changed);
    pthread_mutex_unlock(&outcomes->lock);
}

__attribute__((unused)) static void wait_for_outcomes(outcomes_t *outcomes, long count)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&outcomes->lock);
    while (outcomes->succeeded + outcomes->failed < count)
        CHECK(pthread_cond_timedwait(&outcomes->changed, &outcomes->lock, &deadline) == 0);
    pthread_mutex_unlock(&outcomes->lock);
}

/* A gate that a callback waits at until the test opens it. */
typedef struct gate_t {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int reached;
    int open;
} gate_t;

#define GATE_INIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 }

__attribute__((unused)) static void gate_pass(gate_t *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->reached++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

__attribute__((unused)) static void gate_wait_reached(gate_t *gate, int count)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&gate->lock);
    while (gate->reached < count)
        CHECK(pthread_cond_timedwait(&gate->changed, &gate->lock, &deadline) == 0);
    pthread_mutex_unlock(&gate->lock);
}

__attribute__((unused)) static void gate_open(gate_t *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = 1;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

#endif
