//! Which cluster, and who the producer is there: name servers, group, and the fields that every request carries.

use super::reader::Reader;
use crate::config::parse_addresses;
use crate::error::{Error, ErrorCode};

/// The environment variable the Java client reads as well (protocol 3.5).
pub(super) const ENVIRONMENT: &str = "NAMESRV_ADDR";

pub(super) fn group(reader: &Reader<'_>) -> Result<String, Error> {
    let name = "producer.group";
    let group = reader.optional_text(name)?;
    group.ok_or_else(|| Error::new(ErrorCode::InvalidValue, format!("{name} is not set: it is required")))
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

/// The ext fields that every request carries (protocol 3.6).
pub(super) fn common_fields(
    namespace: Option<String>,
    stream: bool,
    zone_name: Option<String>,
    zone_mode: Option<String>,
) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if let Some(namespace) = namespace {
        fields.extend([("nsd", "true".to_owned()), ("ns", namespace)]);
    }
    if stream {
        fields.push(("ReqT", "0".to_owned()));
    }
    fields.extend(zone_name.map(|name| ("__ZONE_NAME", name)));
    fields.extend(zone_mode.map(|mode| ("__ZONE_MODE", mode)));
    fields
}
