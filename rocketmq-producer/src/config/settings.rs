//! The typed snapshot of a configuration that a producer is made from.
//!
//! A key becomes a field here; a group of keys that belong together is a type of its own in a file below. What values may
//! be stands in the table of keys, and was checked when they were set: what is checked here is what they are together.

mod batching;
mod cluster;
mod fault_tolerance;
mod reader;

pub(crate) use batching::Batching;
pub(crate) use fault_tolerance::FaultTolerance;

use std::time::Duration;

use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::language::Language;
use rocketmq_protocol::namespace;
use rocketmq_protocol::sys_flag::CompressionType;

use super::addresses::implied_namespace;
use super::key::{parse_numbers, parse_topics};
use super::{AddressMap, Compression, Config, parse_address_map};
use crate::error::{Error, ErrorCode};
use crate::hooks::{RpcHooks, SendHooks};
use crate::log::Log;
use cluster::ENVIRONMENT;
use reader::Reader;

const ZONE_NAME: &str = "ROCKETMQ_ZONE";
const ZONE_MODE: &str = "ROCKETMQ_ZONE_MODE";

/// What a send does that finds too much in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InFlightFull {
    /// The send fails at once.
    Fail,
    /// The send waits for room until its deadline.
    Wait,
}

/// How sockets are set up; `None` leaves the choice to the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SocketOptions {
    pub(crate) send_buffer: Option<usize>,
    pub(crate) receive_buffer: Option<usize>,
    /// The system asks the peer's whether it is still there after this time without traffic.
    pub(crate) keepalive: Option<Duration>,
    /// How long the peer's system may leave what was written without acknowledgement.
    pub(crate) user_timeout: Option<Duration>,
}

/// How long sends pause before they try a broker again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// After the first refusal; it doubles with each.
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

/// All settings of one producer, checked together. What each means stands in the table of keys.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The group as the program names it.
    pub(crate) group: String,
    /// The group as brokers know it, with the namespace.
    pub(crate) wire_group: String,
    pub(crate) namespace: Option<String>,
    /// Addresses of name servers; not empty, or `name_server_url` is there.
    pub(crate) name_servers: Vec<String>,
    /// Asked for addresses, only if `name_servers` is empty.
    pub(crate) name_server_url: Option<String>,
    pub(crate) name_server_refresh: Duration,
    pub(crate) client_ip: Option<String>,
    pub(crate) instance_name: Option<String>,
    pub(crate) unit_name: Option<String>,
    pub(crate) unit_mode: bool,
    pub(crate) vip_channel: bool,
    pub(crate) broker_addresses: AddressMap,
    pub(crate) stream: bool,
    /// Topics that are looked up at the start.
    pub(crate) topics: Vec<String>,
    pub(crate) route_refresh: Duration,
    /// `None`: topics are never forgotten.
    pub(crate) topic_expiry: Option<Duration>,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) api_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) send_timeout: Duration,
    pub(crate) retry_times: u32,
    pub(crate) retry_times_async: u32,
    pub(crate) backoff: Backoff,
    pub(crate) retry_another_broker_when_not_store_ok: bool,
    /// `None`: every broker is taken in turn, whatever it did.
    pub(crate) fault_tolerance: Option<FaultTolerance>,
    pub(crate) retry_response_codes: Vec<u32>,
    /// `None`: an attempt may last as long as the send.
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) compression: Compression,
    pub(crate) batching: Option<Batching>,
    pub(crate) split_batches: bool,
    /// Headers of version 2.
    pub(crate) smart_headers: bool,
    pub(crate) create_topic_key: String,
    pub(crate) default_topic_queue_nums: i32,
    pub(crate) max_message_size: usize,
    pub(crate) in_flight_max_messages: usize,
    pub(crate) in_flight_max_bytes: usize,
    pub(crate) in_flight_full: InFlightFull,
    /// Whether a forked child gets a producer of its own.
    pub(crate) renew_after_fork: bool,
    pub(crate) header_encoding: HeaderEncoding,
    pub(crate) language: Language,
    pub(crate) socket: SocketOptions,
    pub(crate) send_hooks: SendHooks,
    pub(crate) rpc: RpcHooks,
    pub(crate) log: Log,
}

impl Settings {
    /// Reads a configuration, and the environment where it leaves the name servers open.
    ///
    /// # Errors
    ///
    /// `NO_NAME_SERVER` if nothing says where the name servers are. `INVALID_VALUE` if the group is missing, the
    /// environment variable holds no addresses, or a mock cluster is asked for that nobody has started.
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let text = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        Self::read_with(config, text)
    }

    fn read_with(config: &Config, environment: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let reader = Reader(config);
        cluster::refuse_unstarted_mock(&reader)?;
        let group = cluster::group(&reader)?;
        let name_server_url = cluster::look_up_url(&reader)?;
        let name_servers =
            cluster::name_servers(&reader, environment(ENVIRONMENT).as_deref(), name_server_url.is_some())?;
        let namespace = reader.optional_text("namespace")?.or_else(|| implied_namespace(&name_servers));
        let zone = |key, variable| Ok(reader.optional_text(key)?.or_else(|| environment(variable)));
        Ok(Self {
            wire_group: match &namespace {
                Some(namespace) => namespace::wrap(namespace, &group).into_owned(),
                None => group.clone(),
            },
            group,
            namespace,
            name_servers,
            name_server_url,
            name_server_refresh: reader.duration("name.server.refresh.interval.ms")?,
            client_ip: reader.optional_text("client.ip")?,
            instance_name: reader.optional_text("instance.name")?,
            unit_name: reader.optional_text("unit.name")?,
            unit_mode: reader.parsed("unit.mode")?,
            vip_channel: reader.parsed("vip.channel.enabled")?,
            broker_addresses: reader.choice("broker.address.map", |list| parse_address_map(list).ok())?,
            stream: reader.parsed("stream.request.type")?,
            topics: parse_topics(&reader.optional_text("topics")?.unwrap_or_default())
                .map_err(|why| Error::new(ErrorCode::InvalidValue, format!("topics: {why}")))?,
            route_refresh: reader.duration("route.refresh.interval.ms")?,
            topic_expiry: Some(reader.duration("topic.expiry.ms")?).filter(|expiry| !expiry.is_zero()),
            heartbeat_interval: reader.duration("heartbeat.interval.ms")?,
            api_timeout: reader.duration("api.timeout.ms")?,
            connect_timeout: reader.duration("connect.timeout.ms")?,
            send_timeout: reader.duration("send.timeout.ms")?,
            retry_times: reader.parsed("retry.times")?,
            retry_times_async: reader.parsed("retry.times.async")?,
            backoff: Backoff {
                first: reader.duration("retry.backoff.ms")?,
                most: reader.duration("retry.backoff.max.ms")?,
            },
            retry_another_broker_when_not_store_ok: reader
                .parsed("retry.another.broker.when.not.store.ok")?,
            fault_tolerance: fault_tolerance::fault_tolerance(&reader)?,
            retry_response_codes: reader.choice("retry.response.codes", parse_numbers)?,
            attempt_timeout: reader.optional_duration("send.max.timeout.per.request.ms")?,
            compression: Compression {
                kind: reader.choice("compress.type", |word| match word {
                    "zlib" => Some(CompressionType::Zlib),
                    "lz4" => Some(CompressionType::Lz4),
                    "zstd" => Some(CompressionType::Zstd),
                    _ => None,
                })?,
                level: reader.parsed("compress.level")?,
                threshold: reader.optional_size("compress.threshold.bytes")?,
            },
            batching: batching::batching(&reader)?,
            split_batches: reader.parsed("batch.split")?,
            smart_headers: reader.parsed("send.smart.msg")?,
            create_topic_key: reader.parsed("create.topic.key")?,
            default_topic_queue_nums: reader.parsed("default.topic.queue.nums")?,
            max_message_size: reader.parsed("max.message.size")?,
            in_flight_max_messages: reader.parsed("in.flight.max.messages")?,
            in_flight_max_bytes: reader.parsed("in.flight.max.bytes")?,
            in_flight_full: reader.choice("in.flight.full", |word| match word {
                "fail" => Some(InFlightFull::Fail),
                "wait" => Some(InFlightFull::Wait),
                _ => None,
            })?,
            renew_after_fork: reader.choice("after.fork", |word| match word {
                "fail" => Some(false),
                "renew" => Some(true),
                _ => None,
            })?,
            header_encoding: reader.parsed("header.encoding")?,
            language: reader.choice("client.language", Language::from_name)?,
            socket: SocketOptions {
                send_buffer: reader.optional_size("socket.send.buffer.bytes")?,
                receive_buffer: reader.optional_size("socket.receive.buffer.bytes")?,
                keepalive: reader.optional_duration("socket.keepalive.ms")?,
                user_timeout: reader.optional_duration("socket.user.timeout.ms")?,
            },
            send_hooks: config.send_hooks.clone(),
            rpc: RpcHooks {
                hooks: config.rpc_hooks.clone(),
                fields: cluster::common_fields(
                    reader.optional_text("namespace.v2")?,
                    reader.parsed("stream.request.type")?,
                    zone("zone.name", ZONE_NAME)?,
                    zone("zone.mode", ZONE_MODE)?,
                ),
            },
            log: Log::new(reader.parsed("log.level")?, config.log.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::log::{LogLevel, LogSink, LogTarget};

    fn config(values: &[(&str, &str)]) -> Config {
        let mut config = Config::new();
        config.set("producer.group", "orders").unwrap();
        for (key, value) in values {
            config.set(key, value).unwrap();
        }
        config
    }

    /// An environment with this `NAMESRV_ADDR` and nothing else.
    fn variable(addresses: Option<&str>) -> impl Fn(&str) -> Option<String> {
        move |name| addresses.filter(|_| name == ENVIRONMENT).map(str::to_owned)
    }

    #[track_caller]
    fn refused(values: &[(&str, &str)], environment: Option<&str>) -> Error {
        Settings::read_with(&config(values), variable(environment)).err().expect("was accepted")
    }

    #[test]
    fn defaults_are_those_of_the_table() {
        let settings = Settings::read_with(&config(&[("name.server", "a:1")]), variable(None)).unwrap();
        assert_eq!(settings.group, "orders");
        assert_eq!(settings.name_servers, ["a:1"]);
        assert_eq!(settings.name_server_url, None);
        assert_eq!(settings.name_server_refresh, Duration::from_secs(120));
        assert_eq!((settings.client_ip, settings.instance_name, settings.unit_name), (None, None, None));
        assert_eq!(settings.route_refresh, Duration::from_secs(30));
        assert_eq!(settings.topic_expiry, Some(Duration::from_secs(600)));
        assert_eq!(settings.heartbeat_interval, Duration::from_secs(30));
        assert_eq!(settings.api_timeout, Duration::from_secs(3));
        assert_eq!(settings.connect_timeout, Duration::from_secs(3));
        assert_eq!(settings.send_timeout, Duration::from_secs(3));
        assert_eq!((settings.retry_times, settings.retry_times_async), (2, 2));
        let Backoff { first, most } = settings.backoff;
        assert_eq!((first, most), (Duration::from_millis(100), Duration::from_secs(1)));
        assert!(!settings.retry_another_broker_when_not_store_ok);
        assert_eq!(settings.create_topic_key, "TBW102");
        assert_eq!(settings.default_topic_queue_nums, 4);
        assert_eq!(settings.max_message_size, 4 << 20);
        assert_eq!((settings.in_flight_max_messages, settings.in_flight_max_bytes), (100_000, 256 << 20));
        assert_eq!(settings.in_flight_full, InFlightFull::Fail);
        assert!(!settings.renew_after_fork);
        assert_eq!(settings.header_encoding, HeaderEncoding::Rocketmq);
        assert_eq!(settings.language, Language::Other);
        assert_eq!(settings.socket, SocketOptions::default());
    }

    #[test]
    fn what_is_set_arrives() {
        let settings = config(&[
            ("name.server", "a:1, b:2"),
            ("send.timeout.ms", "5"),
            ("in.flight.full", "wait"),
            ("after.fork", "renew"),
            ("header.encoding", "json"),
            ("retry.another.broker.when.not.store.ok", "true"),
            ("socket.send.buffer.bytes", "65536"),
            ("socket.keepalive.ms", "20000"),
            ("client.ip", "10.1.2.3"),
        ]);
        let settings = Settings::read_with(&settings, variable(Some("environment:1"))).unwrap();
        assert_eq!(settings.name_servers, ["a:1", "b:2"]);
        assert_eq!(settings.send_timeout, Duration::from_millis(5));
        assert_eq!(settings.in_flight_full, InFlightFull::Wait);
        assert!(settings.renew_after_fork);
        assert_eq!(settings.header_encoding, HeaderEncoding::Json);
        assert!(settings.retry_another_broker_when_not_store_ok);
        assert_eq!(settings.socket.send_buffer, Some(65_536));
        assert_eq!(settings.socket.keepalive, Some(Duration::from_secs(20)));
        assert_eq!(settings.client_ip.as_deref(), Some("10.1.2.3"));
    }

    #[test]
    fn the_log_has_the_sink_and_the_level() {
        struct Counts(AtomicUsize);
        impl LogSink for Counts {
            fn log(&self, level: LogLevel, _: &str, _: &str) {
                assert_eq!(level, LogLevel::Error);
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let counts = Arc::new(Counts(AtomicUsize::new(0)));
        let mut config = config(&[("name.server", "a:1"), ("log.level", "error")]);
        config.set_log(Some(counts.clone()));
        let log = Settings::read_with(&config, variable(None)).unwrap().log;
        log.warn(LogTarget::Client, || unreachable!("below the level"));
        log.error(LogTarget::Client, String::new);
        assert_eq!(counts.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn both_ends_of_every_range_and_every_choice_can_be_read() {
        for key in Config::keys() {
            let values: Vec<String> = match key.kind {
                super::super::Kind::Text(_) => continue,
                super::super::Kind::Integer { min, max } => vec![min.to_string(), max.to_string()],
                super::super::Kind::Boolean => vec!["true".to_owned(), "false".to_owned()],
                super::super::Kind::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            };
            for value in values {
                let config = config(&[("name.server", "a:1"), (key.name, &value)]);
                let result = Settings::read_with(&config, variable(None));
                assert!(result.is_ok(), "{} = {value}: {:?}", key.name, result.err());
            }
        }
    }

    #[test]
    fn the_environment_stands_in_for_name_servers_and_comes_before_the_url() {
        let url = [("name.server.url", "http://names:8080/rocketmq/nsaddr")];
        let settings = Settings::read_with(&config(&url), variable(Some(" e:1;f:2 "))).unwrap();
        assert_eq!(settings.name_servers, ["e:1", "f:2"]);
        let settings = Settings::read_with(&config(&url), variable(Some(" "))).unwrap();
        assert!(settings.name_servers.is_empty() && settings.name_server_url.is_some());
    }

    #[test]
    fn no_name_server_says_what_to_set() {
        let error = refused(&[], None);
        assert_eq!(error.code(), ErrorCode::NoNameServer);
        for part in ["name.server ", "name.server.url", "NAMESRV_ADDR"] {
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn a_wrong_environment_is_named() {
        let error = refused(&[], Some("nonsense"));
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        assert!(error.message().contains("NAMESRV_ADDR") && error.message().contains("nonsense"), "{error}");
    }

    #[test]
    fn a_producer_without_group_is_refused() {
        let mut config = Config::new();
        config.set("name.server", "a:1").unwrap();
        let error = Settings::read_with(&config, variable(None)).err().unwrap();
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        assert!(error.message().contains("producer.group"), "{error}");
    }

    #[test]
    fn a_mock_cluster_nobody_started_is_refused_whatever_the_environment_says() {
        let error = refused(&[("test.mock.brokers", "3")], Some("e:1"));
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        assert!(error.message().contains("test.mock.brokers"), "{error}");
        let started = config(&[("test.mock.brokers", "3"), ("name.server", "127.0.0.1:1")]);
        assert!(Settings::read_with(&started, variable(None)).is_ok());
    }

    #[test]
    fn names_are_wrapped_and_every_request_carries_what_was_set() {
        let values =
            [("name.server", "a:1"), ("namespace", "NS"), ("namespace.v2", "N2"), ("zone.mode", "true")];
        let zone = |name: &str| (name == ZONE_NAME).then(|| "z1".to_owned());
        let settings = Settings::read_with(&config(&values), zone).unwrap();
        assert_eq!((settings.group.as_str(), settings.wire_group.as_str()), ("orders", "NS%orders"));
        let fields: Vec<_> =
            settings.rpc.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(fields, [("nsd", "true"), ("ns", "N2"), ("__ZONE_NAME", "z1"), ("__ZONE_MODE", "true")]);
        let implied = config(&[("name.server", "http://MQ_INST_1_a.example:80")]);
        assert_eq!(Settings::read_with(&implied, variable(None)).unwrap().wire_group, "MQ_INST_1_a%orders");
    }

    #[test]
    fn the_unit_is_a_part_of_the_look_up() {
        let values = [("name.server.url", "http://names:8080/rocketmq/nsaddr"), ("unit.name", "u1")];
        let settings = Settings::read_with(&config(&values), variable(None)).unwrap();
        let url = settings.name_server_url.unwrap();
        assert_eq!(url, "http://names:8080/rocketmq/nsaddr-u1?nofix=1");
    }
}
