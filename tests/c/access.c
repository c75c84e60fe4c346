/* Credentials: keys, at run time, and from a provider; refusals; secrets that are not shown. */
#include "check.h"

typedef struct vault_t {
    const char *secret_key, *reason;
    int asked, ended;
} vault_t;

static int32_t give(rmq_credentials_t *out, char *reason, size_t reason_len, void *opaque)
{
    vault_t *vault = opaque;
    __atomic_fetch_add(&vault->asked, 1, __ATOMIC_SEQ_CST);
    CHECK(reason_len >= 100 && reason[0] == 0);
    if (vault->reason != NULL) {
        strcpy(reason, vault->reason);
        return 1;
    }
    if (vault->secret_key == NULL)
        return 0;
    CHECK_FAILS(rmq_credentials_set(out, "", "x", NULL, 0), RMQ_ERR_INVALID_ARGUMENT, "access key");
    CHECK_FAILS(rmq_credentials_set(out, "orders", NULL, NULL, 0), RMQ_ERR_INVALID_ARGUMENT, "secret_key is NULL");
    CHECK_OK(rmq_credentials_set(out, "orders", vault->secret_key, "a-token", UINT64_MAX));
    return 0;
}

static void end(void *opaque)
{
    ((vault_t *)opaque)->ended++;
}

static void keys(rmq_mock_cluster_t *cluster)
{
    rmq_message_t message = message_to("guarded", "body");
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    rmq_error_t *error;
    char shown[16];
    size_t len;

    CHECK_OK(rmq_config_set(config, "access.key", "orders"));
    CHECK_FAILS(rmq_producer_new(config, &producer), RMQ_ERR_INVALID_VALUE, "secret.key");
    CHECK_OK(rmq_config_set(config, "secret.key", "wrong"));
    CHECK_OK(rmq_config_get(config, "secret.key", shown, sizeof shown, &len));
    CHECK(len == 3 && strcmp(shown, "***") == 0);
    CHECK_OK(rmq_producer_new(config, &producer));
    error = rmq_send(producer, &message, PATIENCE_MS, NULL);
    CHECK(rmq_error_code(error) == RMQ_ERR_ACCESS_DENIED && rmq_error_broker_code(error) == 16);
    CHECK(strcmp(rmq_error_name(error), "ACCESS_DENIED") == 0 && rmq_error_attempts(error) == 1);
    CHECK(!rmq_error_is_retriable(error) && rmq_error_persistence(error) == RMQ_NOT_PERSISTED);
    CHECK(strstr(rmq_error_remark(error), "signature failed") != NULL && strstr(rmq_error_message(error), "wrong") == NULL);
    rmq_error_destroy(error);

    CHECK_FAILS(rmq_producer_set_credentials(producer, "orders", "", NULL), RMQ_ERR_INVALID_ARGUMENT, "secret key");
    CHECK_FAILS(rmq_producer_set_credentials(producer, NULL, "x", NULL), RMQ_ERR_INVALID_ARGUMENT, "access_key");
    CHECK_OK(rmq_producer_set_credentials(producer, "orders", "hunter2", "a-token"));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    CHECK_OK(rmq_mock_set_account(cluster, "orders", "hunter2", "other;another"));
    CHECK_FAILS(rmq_send(producer, &message, PATIENCE_MS, NULL), RMQ_ERR_ACCESS_DENIED, "does not permit");
    CHECK_OK(rmq_mock_set_account(cluster, "orders", "hunter2", "other;guarded"));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    CHECK_OK(rmq_mock_set_account(cluster, "orders", "hunter2", NULL));
    CHECK_OK(rmq_producer_close(producer, PATIENCE_MS));
    CHECK_FAILS(rmq_producer_set_credentials(producer, "orders", "hunter2", NULL), RMQ_ERR_CLOSED, NULL);
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
}

static void provider(rmq_mock_cluster_t *cluster)
{
    vault_t vault = { "hunter2", NULL, 0, 0 }, sealed = { NULL, "the vault is sealed", 0, 0 }, empty = { 0 };
    vault_t *failing[2] = { &sealed, &empty };
    const char *texts[2] = { "the vault is sealed", "it gave none" };
    rmq_message_t message = message_to("guarded", "body");
    rmq_config_t *config = mock_config(cluster);
    rmq_producer_t *producer = NULL;
    int i;

    for (i = 0; i < 2; i++) {
        CHECK_OK(rmq_config_set_credentials_provider(config, give, failing[i], end));
        CHECK_OK(rmq_producer_new(config, &producer));
        CHECK_FAILS(rmq_send(producer, &message, PATIENCE_MS, NULL), RMQ_ERR_ACCESS_DENIED, texts[i]);
        rmq_producer_destroy(producer);
    }
    CHECK_OK(rmq_config_set_credentials_provider(config, give, &vault, end));
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    CHECK_FAILS(rmq_producer_set_credentials(producer, "orders", "x", NULL), RMQ_ERR_INVALID_ARGUMENT, "provider");
    CHECK(vault.asked == 1);
    /* Another secret counts: the refused message is sent again with what the provider gives then. */
    vault.secret_key = "hunter3";
    CHECK_OK(rmq_mock_set_account(cluster, "orders", "hunter3", NULL));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    CHECK(vault.asked == 2);
    CHECK_OK(rmq_config_set(config, "access.key", "orders"));
    CHECK_OK(rmq_config_set(config, "secret.key", "hunter3"));
    rmq_producer_destroy(producer);
    CHECK_FAILS(rmq_producer_new(config, &producer), RMQ_ERR_INVALID_VALUE, "provider");
    CHECK_OK(rmq_config_set_credentials_provider(config, NULL, NULL, NULL));
    CHECK_OK(rmq_producer_new(config, &producer));
    CHECK_OK(rmq_send(producer, &message, PATIENCE_MS, NULL));
    rmq_producer_destroy(producer);
    rmq_config_destroy(config);
}

int main(void)
{
    rmq_mock_cluster_t *cluster = mock_cluster(1);
    CHECK_OK(rmq_mock_set_account(cluster, "orders", "hunter2", NULL));
    keys(cluster);
    provider(cluster);
    CHECK_OK(rmq_mock_remove_account(cluster, "orders"));
    CHECK_FAILS(rmq_mock_set_account(cluster, NULL, "x", NULL), RMQ_ERR_INVALID_ARGUMENT, "access_key");
    rmq_mock_cluster_destroy(cluster);
    return 0;
}
