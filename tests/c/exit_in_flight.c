/* exit() with sends in flight and nothing closed: the process ends at once, with its own status. */
#include "check.h"
#include <sys/wait.h>

static int exit_handler_ran_in = -1;

static void exit_handler(void)
{
    CHECK(write(exit_handler_ran_in, "x", 1) == 1);
}

static void send_and_exit(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("exit", "body");
    static outcomes_t outcomes = OUTCOMES_INIT;
    int i;

    CHECK_OK(rmq_send(producer, &message, -1, NULL));
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    for (i = 0; i < 1000; i++)
        CHECK_OK(rmq_send_async(producer, &message, 60000, count_outcome, &outcomes));
    exit(7);
}

int main(void)
{
    int64_t started = now_ms();
    int handler[2], status;
    char byte;
    pid_t pid;

    CHECK(pipe(handler) == 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        exit_handler_ran_in = handler[1];
        CHECK(atexit(exit_handler) == 0);
        alarm(50); /* a hang ends by a signal, which is not status 7 */
        send_and_exit();
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK(read(handler[0], &byte, 1) == 1);
    CHECK(now_ms() - started < 60000); /* that long the sends have */
    return 0;
}
