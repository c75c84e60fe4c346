/* All addresses of a name server's host name are its servers, and the DNS may change while the producer runs. The
 * resolver is this program's own. */
#include "check.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *addresses[2];
static int looked_up;

static int times_looked_up(void)
{
    int count;
    pthread_mutex_lock(&lock);
    count = looked_up;
    pthread_mutex_unlock(&lock);
    return count;
}

/* From now on the name has these addresses. */
static void set_addresses(const char *first, const char *second)
{
    pthread_mutex_lock(&lock);
    addresses[0] = first;
    addresses[1] = second;
    pthread_mutex_unlock(&lock);
}

/* Waits until the producer has asked for the name again, and again, so that it has taken over the first answer. */
static void wait_for_look_ups(void)
{
    const int64_t deadline = now_ms() + PATIENCE_MS;
    const int before = times_looked_up();
    while (times_looked_up() < before + 3) {
        CHECK(now_ms() < deadline);
        sched_yield();
    }
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    struct addrinfo **end = found;
    size_t i;

    (void)service;
    (void)hints;
    *found = NULL;
    while (strcmp(host, "slow.test") == 0)
        pause();
    if (strcmp(host, "names.test") != 0)
        return EAI_NONAME;
    pthread_mutex_lock(&lock);
    looked_up++;
    for (i = 0; i < 2 && addresses[i] != NULL; i++) {
        struct addrinfo *one = calloc(1, sizeof *one + sizeof(struct sockaddr_in));
        struct sockaddr_in *address = (struct sockaddr_in *)(one + 1);
        address->sin_family = AF_INET;
        inet_pton(AF_INET, addresses[i], &address->sin_addr);
        one->ai_family = AF_INET;
        one->ai_socktype = SOCK_STREAM;
        one->ai_addr = (struct sockaddr *)address;
        one->ai_addrlen = sizeof *address;
        *end = one;
        end = &one->ai_next;
    }
    pthread_mutex_unlock(&lock);
    return *found == NULL ? EAI_NONAME : 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

/* A server at another address of this machine, with the same port; it says nothing. */
static int silent_server(const char *host, const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    int server = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, host, &address.sin_addr);
    CHECK(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && listen(server, 8) == 0);
    return server;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("known", "body");
    rmq_message_t other = message_to("other", "body"), third = message_to("third", "body");
    char address[64], name[80];
    const char *port;
    struct pollfd caller = { .events = POLLIN };

    CHECK_OK(rmq_mock_name_server(cluster, address, sizeof address));
    port = strchr(address, ':') + 1;
    /* The look-up of the first one never ends, which is nobody else's concern. */
    snprintf(name, sizeof name, "slow.test:9876;names.test:%s", port);
    caller.fd = silent_server("127.0.0.2", port);

    CHECK_OK(rmq_config_set(config, "name.server", name));
    CHECK_OK(rmq_config_set(config, "name.server.refresh.interval.ms", "20"));
    CHECK_OK(rmq_config_set(config, "route.refresh.interval.ms", "20"));
    CHECK_OK(rmq_config_set(config, "api.timeout.ms", "1000"));
    set_addresses("127.0.0.1", NULL);
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));

    /* The DNS names another one: it is asked, though the first is well. */
    set_addresses("127.0.0.2", NULL);
    CHECK(poll(&caller, 1, PATIENCE_MS) == 1);

    /* Both: what the silent one does not say the other does. */
    set_addresses("127.0.0.2", "127.0.0.1");
    wait_for_look_ups();
    CHECK_OK(rmq_send(producer, &other, PATIENCE_MS, NULL));

    /* A name that cannot be looked up takes nothing away. */
    set_addresses(NULL, NULL);
    wait_for_look_ups();
    CHECK_OK(rmq_send(producer, &third, PATIENCE_MS, NULL));

    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
    rmq_mock_cluster_destroy(cluster);
    close(caller.fd);
    return 0;
}
