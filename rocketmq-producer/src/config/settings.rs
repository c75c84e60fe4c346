//! The typed snapshot of a configuration that a producer is made from.
//!
//! A key becomes a field here; a group of keys that belong together is a type of its own in a file below. What values may
//! be stands in the table of keys, and was checked when they were set: what is checked here is what they are together.

mod batching;
mod cluster;
mod compressing;
mod credentials;
mod fault_tolerance;
mod in_flight;
mod reader;
mod requests;
mod sockets;

pub(crate) use batching::Batching;
pub(crate) use fault_tolerance::FaultTolerance;
pub(crate) use in_flight::InFlightFull;
pub(crate) use sockets::SocketOptions;

use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::language::Language;

use super::addresses::implied_namespace;
use super::key::parse_numbers;
use super::{AddressMap, Compression, Config, parse_address_map};
use crate::auth::{Credentials, CredentialsProvider};
use crate::error::Error;
use crate::hooks::{RpcHooks, SendHooks};
use crate::log::Log;
use cluster::ENVIRONMENT;
use reader::Reader;

/// How long sends pause before they try a broker again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// After the first refusal; it doubles with each.
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Backoff {
    fn read(reader: &Reader<'_>) -> Result<Self, Error> {
        let (first, most) = (reader.duration("retry.backoff.ms")?, reader.duration("retry.backoff.max.ms")?);
        Ok(Self { first, most })
    }
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
    pub(crate) credentials: Option<Credentials>,
    pub(crate) credentials_provider: Option<Arc<dyn CredentialsProvider>>,
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
        Ok(Self {
            wire_group: cluster::wire_group(namespace.as_deref(), &group),
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
            topics: cluster::topics(&reader)?,
            route_refresh: reader.duration("route.refresh.interval.ms")?,
            topic_expiry: Some(reader.duration("topic.expiry.ms")?).filter(|expiry| !expiry.is_zero()),
            heartbeat_interval: reader.duration("heartbeat.interval.ms")?,
            api_timeout: reader.duration("api.timeout.ms")?,
            connect_timeout: reader.duration("connect.timeout.ms")?,
            send_timeout: reader.duration("send.timeout.ms")?,
            retry_times: reader.parsed("retry.times")?,
            retry_times_async: reader.parsed("retry.times.async")?,
            backoff: Backoff::read(&reader)?,
            retry_another_broker_when_not_store_ok: reader
                .parsed("retry.another.broker.when.not.store.ok")?,
            fault_tolerance: fault_tolerance::fault_tolerance(&reader)?,
            retry_response_codes: reader.choice("retry.response.codes", parse_numbers)?,
            attempt_timeout: reader.optional_duration("send.max.timeout.per.request.ms")?,
            compression: compressing::compression(&reader)?,
            batching: batching::batching(&reader)?,
            split_batches: reader.parsed("batch.split")?,
            smart_headers: reader.parsed("send.smart.msg")?,
            create_topic_key: reader.parsed("create.topic.key")?,
            default_topic_queue_nums: reader.parsed("default.topic.queue.nums")?,
            max_message_size: reader.parsed("max.message.size")?,
            in_flight_max_messages: reader.parsed("in.flight.max.messages")?,
            in_flight_max_bytes: reader.parsed("in.flight.max.bytes")?,
            in_flight_full: in_flight::in_flight_full(&reader)?,
            renew_after_fork: cluster::renews_after_fork(&reader)?,
            header_encoding: reader.parsed("header.encoding")?,
            language: reader.choice("client.language", Language::from_name)?,
            socket: SocketOptions::read(&reader)?,
            send_hooks: config.send_hooks.clone(),
            rpc: requests::rpc(config, &reader, environment)?,
            credentials: credentials::credentials(&reader, config.credentials_provider.as_ref())?,
            credentials_provider: config.credentials_provider.clone(),
            log: Log::new(reader.parsed("log.level")?, config.log.clone()),
        })
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
