"""The configuration keys as keywords, for type checkers. A test compares them with the table of the core."""

from collections.abc import Sequence
from typing import Literal, TypedDict


class ProducerOptions(TypedDict, total=False):
    """Keys of the configuration with `_` for `.`; the manual's page "Configuration" describes each."""

    name_server_url: str
    name_server_refresh_interval_ms: int
    client_ip: str
    instance_name: str
    unit_name: str
    unit_mode: bool
    namespace: str
    namespace_v2: str
    vip_channel_enabled: bool
    broker_address_map: str
    zone_name: str
    zone_mode: str
    access_key: str
    secret_key: str
    security_token: str
    stream_request_type: bool
    topics: str | Sequence[str]
    route_refresh_interval_ms: int
    topic_expiry_ms: int
    heartbeat_interval_ms: int
    api_timeout_ms: int
    connect_timeout_ms: int
    send_timeout_ms: int
    retry_times: int
    retry_times_async: int
    retry_another_broker_when_not_store_ok: bool
    retry_response_codes: str
    retry_backoff_ms: int
    retry_backoff_max_ms: int
    send_max_timeout_per_request_ms: int
    compress_threshold_bytes: int
    compress_type: Literal["zlib", "lz4", "zstd"]
    compress_level: int
    send_latency_enable: bool
    latency_max_ms: str
    not_available_duration_ms: str
    start_detector_enable: bool
    detect_interval_ms: int
    detect_timeout_ms: int
    batch_auto: Literal["off", "pressure", "linger"]
    batch_max_bytes: int
    batch_max_messages: int
    batch_linger_ms: int
    batch_split: bool
    send_smart_msg: bool
    create_topic_key: str
    default_topic_queue_nums: int
    max_message_size: int
    in_flight_max_messages: int
    in_flight_max_bytes: int
    in_flight_full: Literal["fail", "wait"]
    after_fork: Literal["fail", "renew"]
    header_encoding: Literal["rocketmq", "json"]
    client_language: str
    socket_send_buffer_bytes: int
    socket_receive_buffer_bytes: int
    socket_keepalive_ms: int
    socket_user_timeout_ms: int
    log_level: Literal["off", "error", "warn", "info", "debug"]
    test_mock_brokers: int
