/* Callbacks of their own for messages that are timed: the library's callbacks carry nothing to tell messages apart. */
#ifndef PEER_TIMED_H
#define PEER_TIMED_H

#include <stdatomic.h>

#include "rocketmq.h"

/* X(number) for every slot: one message in flight has it at a time. */
#define TIMED_16(X, digit)                                                                                             \
    X(digit##0) X(digit##1) X(digit##2) X(digit##3) X(digit##4) X(digit##5) X(digit##6) X(digit##7)                    \
    X(digit##8) X(digit##9) X(digit##a) X(digit##b) X(digit##c) X(digit##d) X(digit##e) X(digit##f)
#define TIMED_ALL(X)                                                                                                   \
    TIMED_16(X, 0x0) TIMED_16(X, 0x1) TIMED_16(X, 0x2) TIMED_16(X, 0x3)                                                \
    TIMED_16(X, 0x4) TIMED_16(X, 0x5) TIMED_16(X, 0x6) TIMED_16(X, 0x7)                                                \
    TIMED_16(X, 0x8) TIMED_16(X, 0x9) TIMED_16(X, 0xa) TIMED_16(X, 0xb)                                                \
    TIMED_16(X, 0xc) TIMED_16(X, 0xd) TIMED_16(X, 0xe) TIMED_16(X, 0xf)
#define TIMED_SLOTS 256

/* What the driver does at the end of a message in a slot, and of any message. */
static void end_timed(unsigned slot);
static void on_success(CSendResult result);
static void on_exception(CMQException exception);

#define TIMED_FUNCTIONS(slot)                                                                                          \
    static void on_success_##slot(CSendResult result)                                                                  \
    {                                                                                                                  \
        end_timed(slot);                                                                                               \
        on_success(result);                                                                                            \
    }                                                                                                                  \
    static void on_exception_##slot(CMQException exception)                                                            \
    {                                                                                                                  \
        end_timed(slot);                                                                                               \
        on_exception(exception);                                                                                       \
    }
TIMED_ALL(TIMED_FUNCTIONS)

#define TIMED_ROW(slot) {.on_success = on_success_##slot, .on_exception = on_exception_##slot},
static struct {
    CSendSuccessCallback on_success;
    CSendExceptionCallback on_exception;
    atomic_int taken;
    uint64_t from;
} timed[TIMED_SLOTS] = {TIMED_ALL(TIMED_ROW)};

#endif
