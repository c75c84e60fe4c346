/* A host name with two addresses of which the first is silent works within one time limit, and a name whose look-up hangs
   holds up only those who need it. The look-ups are this program's own: its getaddrinfo comes before the system's. */
#include "check.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { SICK = 8 };

static gate_t sick_names = GATE_INIT;
static char silent_address[64] = "127.0.0.2";

static struct addrinfo *found(const char *address, struct addrinfo *next)
{
    struct addrinfo *one = calloc(1, sizeof *one + sizeof(struct sockaddr_in));
    struct sockaddr_in *place = (struct sockaddr_in *)(one + 1);
    CHECK(one != NULL);
    place->sin_family = AF_INET;
    CHECK(inet_pton(AF_INET, address, &place->sin_addr) == 1);
    one->ai_family = AF_INET;
    one->ai_socktype = SOCK_STREAM;
    one->ai_addr = (struct sockaddr *)place;
    one->ai_addrlen = sizeof *place;
    one->ai_next = next;
    return one;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **all)
{
    (void)service;
    (void)hints;
    if (strncmp(name, "sick-", 5) == 0) {
        gate_pass(&sick_names);
        return EAI_NONAME;
    }
    if (strcmp(name, "two.example") == 0) {
        *all = found(silent_address, found("127.0.0.1", NULL));
        return 0;
    }
    return EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *all)
{
    while (all != NULL) {
        struct addrinfo *next = all->ai_next;
        free(all);
        all = next;
    }
}

/* A listener at this port of another local address, whose queue is full: who connects there hears nothing. */
static void be_silent_at(const char *port)
{
    struct sockaddr_in address = { 0 };
    int listener = socket(AF_INET, SOCK_STREAM, 0), filling;
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(port));
    CHECK(inet_pton(AF_INET, silent_address, &address.sin_addr) == 1);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 0) == 0);
    for (filling = 0; filling < 2; filling++) {
        int one = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK(connect(one, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
    }
}

static rmq_producer_t *producer_at(const char *group, const char *name_server)
{
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    CHECK_OK(rmq_config_new(&config));
    CHECK_OK(rmq_config_set(config, "producer.group", group));
    CHECK_OK(rmq_config_set(config, "name.server", name_server));
    CHECK_OK(rmq_config_set(config, "connect.timeout.ms", "20000"));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);
    return producer;
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    rmq_message_t message = message_to("orders", "body");
    outcomes_t outcomes = OUTCOMES_INIT;
    rmq_producer_t *sick[SICK], *healthy;
    char address[64], name[80];
    int64_t started;
    int i;

    CHECK_OK(rmq_mock_name_server(cluster, address, sizeof address));
    be_silent_at(strrchr(address, ':') + 1);
    for (i = 0; i < SICK; i++) {
        snprintf(name, sizeof name, "sick-%d.example:9876", i);
        sick[i] = producer_at("sick", name);
        CHECK_OK(rmq_send_async(sick[i], &message, 2 * PATIENCE_MS, count_outcome, &outcomes));
    }
    /* All of them are looked up at the same time. */
    gate_wait_reached(&sick_names, SICK);

    snprintf(name, sizeof name, "two.example%s", strrchr(address, ':'));
    healthy = producer_at("healthy", name);
    started = now_ms();
    CHECK_OK(rmq_send(healthy, &message, 2 * PATIENCE_MS, NULL));
    /* The silent address alone would keep the limit of a connect, 20 s, whole. */
    CHECK(now_ms() - started < LATE_MS);

    gate_open(&sick_names);
    for (i = 0; i < SICK; i++) {
        CHECK_OK(rmq_producer_close(sick[i], PATIENCE_MS));
        rmq_producer_destroy(sick[i]);
    }
    wait_for_outcomes(&outcomes, SICK);
    CHECK(outcomes.failed == SICK);
    CHECK_OK(rmq_producer_close(healthy, PATIENCE_MS));
    rmq_producer_destroy(healthy);
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
