//! What every request carries, and who sees it.

use super::reader::Reader;
use crate::config::Config;
use crate::error::Error;
use crate::hooks::RpcHooks;

/// The environment variables of the zone, for programs that set no key.
pub(super) const ZONE_NAME: &str = "ROCKETMQ_ZONE";
const ZONE_MODE: &str = "ROCKETMQ_ZONE_MODE";

/// The hooks of the program, and the fields that every request carries.
pub(super) fn rpc(
    config: &Config,
    reader: &Reader<'_>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<RpcHooks, Error> {
    let zone = |key, variable| Ok(reader.optional_text(key)?.or_else(|| environment(variable)));
    let mut fields = Vec::new();
    if let Some(namespace) = reader.optional_text("namespace.v2")? {
        fields.extend([("nsd", "true".to_owned()), ("ns", namespace)]);
    }
    if reader.parsed("stream.request.type")? {
        fields.push(("ReqT", "0".to_owned()));
    }
    fields.extend(zone("zone.name", ZONE_NAME)?.map(|name| ("__ZONE_NAME", name)));
    fields.extend(zone("zone.mode", ZONE_MODE)?.map(|mode| ("__ZONE_MODE", mode)));
    Ok(RpcHooks { hooks: config.rpc_hooks.clone(), fields })
}
