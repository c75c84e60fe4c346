//! The producer of a check.

use std::time::Duration;

use rocketmq_producer::{Config, Error, Producer};

use crate::workload::GROUP;

/// Longer than any pause of a busy machine.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// A started producer with the library's own settings, but for these.
pub(super) fn start(name_server: &str, settings: &[(&str, &str)]) -> Result<Producer, Error> {
    let mut config = Config::new();
    config.set("producer.group", GROUP)?;
    config.set("name.server", name_server)?;
    for (key, value) in settings {
        config.set(key, value)?;
    }
    Producer::new(&config)
}
