//! Which cluster, and who the producer is there: name servers, group and topics.

use rocketmq_protocol::namespace;

use super::reader::Reader;
use crate::config::key::parse_topics;
use crate::config::parse_addresses;
use crate::error::{Error, ErrorCode};

/// The environment variable the Java client reads as well (protocol 3.5).
pub(super) const ENVIRONMENT: &str = "NAMESRV_ADDR";

pub(super) fn group(reader: &Reader<'_>) -> Result<String, Error> {
    let name = "producer.group";
    let group = reader.optional_text(name)?;
    group.ok_or_else(|| Error::new(ErrorCode::InvalidValue, format!("{name} is not set: it is required")))
}

/// The group as brokers know it.
pub(super) fn wire_group(namespace: Option<&str>, group: &str) -> String {
    namespace.map_or_else(|| group.to_owned(), |namespace| namespace::wrap(namespace, group).into_owned())
}

/// Whether a forked child gets a producer of its own.
pub(super) fn renews_after_fork(reader: &Reader<'_>) -> Result<bool, Error> {
    reader.choice("after.fork", |word| match word {
        "fail" => Some(false),
        "renew" => Some(true),
        _ => None,
    })
}

/// The addresses that are set, else those of the environment; empty only if there is a URL to ask.
pub(super) fn name_servers(
    reader: &Reader<'_>,
    environment: Option<&str>,
    has_url: bool,
) -> Result<Vec<String>, Error> {
    let name = "name.server";
    if reader.optional_text(name)?.is_some() {
        return reader.choice(name, |list| parse_addresses(list).ok());
    }
    let addresses = parse_addresses(environment.unwrap_or_default()).map_err(|why| {
        Error::new(ErrorCode::InvalidValue, format!("the environment variable {ENVIRONMENT}: {why}"))
    })?;
    if addresses.is_empty() && !has_url {
        return Err(Error::new(
            ErrorCode::NoNameServer,
            format!(
                "no name server is configured: set {name} (host:port), or the environment variable {ENVIRONMENT}, \
                 or name.server.url"
            ),
        ));
    }
    Ok(addresses)
}

/// The whole URL of the look-up; the unit is a part of it (protocol 3.5).
pub(super) fn look_up_url(reader: &Reader<'_>) -> Result<Option<String>, Error> {
    let unit = reader.optional_text("unit.name")?;
    let url = reader.optional_text("name.server.url")?;
    Ok(url.map(|url| match unit {
        Some(unit) => format!("{url}-{unit}?nofix=1"),
        None => url,
    }))
}

/// Only libraries above this one start mock clusters.
pub(super) fn refuse_unstarted_mock(reader: &Reader<'_>) -> Result<(), Error> {
    let name = "test.mock.brokers";
    let brokers: u32 = reader.parsed(name)?;
    if brokers == 0 || reader.optional_text("name.server")?.is_some() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InvalidValue,
        format!(
            "{name} = {brokers}: only the C and Python libraries start a mock cluster; here, start one with the \
             crate rocketmq-mock and set name.server to it"
        ),
    ))
}

/// Topics that are looked up at the start.
pub(super) fn topics(reader: &Reader<'_>) -> Result<Vec<String>, Error> {
    parse_topics(&reader.optional_text("topics")?.unwrap_or_default())
        .map_err(|why| Error::new(ErrorCode::InvalidValue, format!("topics: {why}")))
}
