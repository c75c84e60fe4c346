/* A queue that ends closes its descriptor and gives back what lies in it, with sends still in flight. */
#include "check.h"
#include <fcntl.h>

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_producer_t *producer = mock_producer(cluster);
    rmq_message_t message = message_to("ends", "body");
    rmq_queue_t *queue = NULL;
    size_t in_flight;
    int fd, i;

    CHECK_OK(rmq_queue_new(&queue));
    CHECK_OK(rmq_queue_fd(queue, &fd));
    for (i = 0; i < 3; i++)
        CHECK_OK(rmq_send_queued(producer, &message, -1, queue, NULL));
    CHECK_OK(rmq_flush(producer, PATIENCE_MS));
    send_fault(cluster, RMQ_MOCK_NO_ANSWER);
    CHECK_OK(rmq_send_queued(producer, &message, 60000, queue, NULL));
    CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
    CHECK(in_flight == 4);

    CHECK(fcntl(fd, F_GETFD) >= 0);
    rmq_queue_destroy(queue);
    CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
    CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
    CHECK(in_flight == 1);

    /* The outcome of the last has nowhere to go. */
    CHECK_FAILS(rmq_producer_close(producer, 0), RMQ_ERR_TIMEOUT, NULL);
    CHECK_OK(rmq_producer_in_flight(producer, &in_flight));
    CHECK(in_flight == 0);
    rmq_producer_destroy(producer);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
