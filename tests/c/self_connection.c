/* A socket that connects to a port at which nothing listens, and that the system has given to the socket itself, is
   connected to itself. A producer takes that for a refusal, and leaves the port to the server. This program's connect comes
   before the system's: what the system does once in some hundred times it does each time. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static in_port_t port;
static int to_itself;

int connect(int descriptor, __CONST_SOCKADDR_ARG any, socklen_t len)
{
    const struct sockaddr *address = any.__sockaddr__;
    struct sockaddr_in place;
    memcpy(&place, address, len < sizeof place ? len : sizeof place);
    if (place.sin_family == AF_INET && place.sin_port == port && bind(descriptor, address, len) == 0)
        __atomic_add_fetch(&to_itself, 1, __ATOMIC_SEQ_CST);
    return (int)syscall(SYS_connect, descriptor, address, len);
}

static int bound(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    CHECK(descriptor >= 0 && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(bind(descriptor, (struct sockaddr *)address, sizeof *address) == 0);
    CHECK(getsockname(descriptor, (struct sockaddr *)address, &len) == 0);
    return descriptor;
}

int main(void)
{
    struct sockaddr_in address = { 0 };
    rmq_config_t *config = NULL;
    rmq_producer_t *producer = NULL;
    rmq_message_t message = message_to("orders", "body");
    char name_server[32];
    int server;

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(close(bound(&address)) == 0);
    port = address.sin_port;
    snprintf(name_server, sizeof name_server, "127.0.0.1:%d", (int)ntohs(port));
    CHECK_OK(rmq_config_new(&config));
    CHECK_OK(rmq_config_set(config, "producer.group", "test"));
    CHECK_OK(rmq_config_set(config, "name.server", name_server));
    CHECK_OK(rmq_producer_new(config, &producer));
    rmq_config_destroy(config);

    CHECK_FAILS(rmq_send(producer, &message, 2000, NULL), RMQ_ERR_NAME_SERVER, "came back to itself");
    CHECK(__atomic_load_n(&to_itself, __ATOMIC_SEQ_CST) > 0);
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    /* While the producer lives: nothing of it holds the port. */
    server = bound(&address);
    CHECK(listen(server, 1) == 0 && close(server) == 0);
    rmq_producer_destroy(producer);
    return 0;
}
