/*
 * rmq_mock.h: a RocketMQ cluster in memory, for tests.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One name server and some brokers on loopback ports, served by one thread of this process. It answers as real
 * servers of RocketMQ 5.5 do, keeps what it stored open to inspection, and makes faults on demand. A program that
 * needs none of this sets the configuration key `test.mock.brokers` and sends.
 *
 *     rmq_mock_cluster_t *cluster;
 *     char address[32];
 *     if (rmq_mock_cluster_new(3, &cluster) == NULL && rmq_mock_name_server(cluster, address, sizeof address) == NULL)
 *         ...                                                 rmq_config_set(config, "name.server", address)
 *
 * Ownership, errors, threads and forks are as in rmq.h. This part is for tests and outside the promise that the ABI
 * only grows: it may change with any version.
 */
