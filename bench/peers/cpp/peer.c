/* Sends with rocketmq-client-cpp through its C interface and prints the outcome as its last line. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "rocketmq.h"
#include "section.h"
#include "timed.h"

#define GROUP "rmq-bench"
#define TIMEOUT_MS 30000
/* What the other clients allow; this one would refuse bodies above 128 KiB. */
#define MAX_BODY 4194304

static work_t work;
static CProducer *producer;
static const char *body;

static void check(int code, const char *what)
{
    if (code == 0)
        return;
    fprintf(stderr, "%s: %d: %s\n", what, code, GetLatestErrorMessage());
    exit(1);
}

static void start(void)
{
    char *bytes = room(work.body, 1);
    memset(bytes, 'x', work.body);
    body = bytes;
    producer = CreateProducer(GROUP);
    check(SetProducerNameServerAddress(producer, work.name_server), "name server");
    check(SetProducerLogLevel(producer, LOG_ERRORS_ONLY), "log level");
    check(SetProducerSendMsgTimeout(producer, TIMEOUT_MS), "timeout");
    check(SetProducerCompressMsgBodyOverHowmuch(producer, INT32_MAX), "compression");
    check(SetProducerMaxMessageSize(producer, MAX_BODY), "maximum size");
    check(StartProducer(producer), "StartProducer");
}

/* Sends leave a message as it was, so that one is enough for each thread. */
static CMessage *message(void)
{
    CMessage *message = CreateMessage(work.topic);
    check(SetByteMessageBody(message, body, (int)work.body), "SetByteMessageBody");
    return message;
}

/* Counts one outcome of `messages` messages. */
static void count(section_t *section, int code, size_t messages)
{
    if (code == 0)
        section->succeeded += messages;
    else {
        if (section->failed == 0)
            fprintf(stderr, "send: %d: %s\n", code, GetLatestErrorMessage());
        section->failed += messages;
    }
}

static section_t lone(size_t sends)
{
    CMessage *sent = message();
    CSendResult result;
    section_t section = section_start(sends);
    for (size_t i = 0; i < sends; i++) {
        uint64_t from = now_ns();
        int code = SendMessageSync(producer, sent, &result);
        section.latencies[section.samples++] = now_ns() - from;
        count(&section, code, 1);
    }
    section_stop(&section);
    return section;
}

/* What one of several threads has done of the common work. */
typedef struct {
    pthread_t thread;
    atomic_size_t *next;
    size_t sends;
    section_t *common;
    section_t own;
} share_t;

static void *send_share(void *argument)
{
    share_t *share = argument;
    CMessage *sent = message();
    CSendResult result;
    for (size_t i = atomic_fetch_add(share->next, 1); i < share->sends; i = atomic_fetch_add(share->next, 1)) {
        uint64_t from = now_ns();
        int code = SendMessageSync(producer, sent, &result);
        share->common->latencies[i] = now_ns() - from;
        count(&share->own, code, 1);
    }
    return NULL;
}

static section_t threads(size_t sends)
{
    share_t *shares = room(work.threads, sizeof *shares);
    atomic_size_t next = 0;
    section_t section = section_start(sends);
    for (size_t t = 0; t < work.threads; t++) {
        shares[t] = (share_t){.next = &next, .sends = sends, .common = &section};
        if (pthread_create(&shares[t].thread, NULL, send_share, &shares[t]) != 0)
            fail("pthread_create");
    }
    uint64_t least = sends;
    for (size_t t = 0; t < work.threads; t++) {
        pthread_join(shares[t].thread, NULL);
        section_t *own = &shares[t].own;
        section.succeeded += own->succeeded;
        section.failed += own->failed;
        if (own->succeeded + own->failed < least)
            least = own->succeeded + own->failed;
    }
    section_stop(&section);
    section.samples = sends;
    section.slowest = sends ? (double)(least * work.threads) / (double)sends : 0;
    return section;
}

/* Messages in flight. Completions come on threads of the library. */
static struct {
    sem_t room;
    atomic_uint_fast64_t succeeded, failed;
    atomic_size_t samples;
    uint64_t *latencies;
} flight;

static void on_success(CSendResult result)
{
    (void)result;
    flight.succeeded++;
    sem_post(&flight.room);
}

static void on_exception(CMQException exception)
{
    if (flight.failed++ == 0)
        fprintf(stderr, "send: %d: %s\n", exception.error, exception.text);
    sem_post(&flight.room);
}

static void end_timed(unsigned slot)
{
    flight.latencies[atomic_fetch_add(&flight.samples, 1)] = now_ns() - timed[slot].from;
    timed[slot].taken = 0;
}

static void wait_for_room(void)
{
    while (sem_wait(&flight.room) != 0)
        ;
}

static section_t asynchronous(size_t sends)
{
    CMessage *sent = message();
    section_t section = section_start(sends);
    /* One message in so many is timed, so that half of the slots are enough for a full window. */
    size_t every = work.window / (TIMED_SLOTS / 2) + 1;
    flight.succeeded = flight.failed = flight.samples = 0;
    flight.latencies = section.latencies;
    sem_init(&flight.room, 0, (unsigned)work.window);
    for (size_t i = 0; i < sends; i++) {
        wait_for_room();
        size_t slot = i / every % TIMED_SLOTS;
        int code;
        if (i % every == 0 && atomic_exchange(&timed[slot].taken, 1) == 0) {
            timed[slot].from = now_ns();
            code = SendMessageAsync(producer, sent, timed[slot].on_success, timed[slot].on_exception);
        } else
            code = SendMessageAsync(producer, sent, on_success, on_exception);
        check(code, "SendMessageAsync");
    }
    for (size_t i = 0; i < work.window; i++)
        wait_for_room();
    section_stop(&section);
    section.succeeded = flight.succeeded;
    section.failed = flight.failed;
    section.samples = flight.samples;
    uint64_t completed = section.succeeded + section.failed;
    section.doubled = completed > sends ? completed - sends : 0;
    return section;
}

/* The last message is a blocking one: its answer says that the connection has carried all before it. */
static section_t oneway(size_t sends)
{
    CMessage *sent = message();
    CSendResult result;
    section_t section = section_start(0);
    for (size_t i = 0; i < sends; i++)
        count(&section,
              i + 1 < sends ? SendMessageOneway(producer, sent) : SendMessageSync(producer, sent, &result), 1);
    section_stop(&section);
    return section;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        section_t (*run)(size_t messages);
    } modes[] = {{"lone", lone}, {"threads", threads}, {"async", asynchronous}, {"oneway", oneway}};

    work = work_from(argc, argv);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
        if (strcmp(work.mode, modes[m].name) == 0) {
            start();
            if (work.warm_up > 0) {
                /* Threads that look up the route at the same time fail. */
                lone(1);
                modes[m].run(work.warm_up - 1);
            }
            section_t section = modes[m].run(work.count);
            section_print(&section, &work);
            fflush(stdout);
            /* Its own end takes seconds, or never comes. */
            _exit(0);
        }
    fail("no such mode");
}
