use std::sync::atomic::{AtomicUsize, Ordering};

use super::requests::ZONE_NAME;
use super::*;
use crate::error::ErrorCode;
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
            crate::config::Kind::Text(_) => continue,
            crate::config::Kind::Integer { min, max } => vec![min.to_string(), max.to_string()],
            crate::config::Kind::Boolean => vec!["true".to_owned(), "false".to_owned()],
            crate::config::Kind::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
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
    let values = [("name.server", "a:1"), ("namespace", "NS"), ("namespace.v2", "N2"), ("zone.mode", "true")];
    let zone = |name: &str| (name == ZONE_NAME).then(|| "z1".to_owned());
    let settings = Settings::read_with(&config(&values), zone).unwrap();
    assert_eq!((settings.group.as_str(), settings.wire_group.as_str()), ("orders", "NS%orders"));
    let fields: Vec<_> = settings.rpc.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
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
