//! Name-server addresses by HTTP (protocol 3.5), for clusters that publish them so.

use std::time::Duration;

use super::instance::ClientInstance;
use crate::config::parse_addresses;
use crate::log::LogTarget;

/// Asks once and takes over a usable answer; `false`: none came, what is known stays.
pub(super) async fn refresh(instance: &ClientInstance, url: &str, timeout: Duration) -> bool {
    let seconds = timeout.as_secs().max(1);
    let request = minreq::get(url).with_timeout(seconds);
    let answer = match tokio::task::spawn_blocking(move || request.send()).await {
        Ok(answer) => answer,
        Err(error) => {
            instance.log.error(LogTarget::Client, || format!("name-server look-up at {url}: {error}"));
            return false;
        }
    };
    let text = match &answer {
        Ok(response) if response.status_code == 200 => response.as_str(),
        Ok(response) => {
            instance.log.warn(LogTarget::Client, || {
                format!("name-server look-up at {url}: HTTP {}", response.status_code)
            });
            return false;
        }
        Err(error) => {
            instance.log.warn(LogTarget::Client, || format!("name-server look-up at {url}: {error}"));
            return false;
        }
    };
    let line = text.map(|text| text.trim().lines().next().unwrap_or_default().to_owned());
    match line
        .map_err(|error| error.to_string())
        .and_then(|line| parse_addresses(&line).map_err(|error| error.to_string()))
    {
        Ok(addresses) if !addresses.is_empty() => {
            instance.name_servers.set(&addresses);
            true
        }
        Ok(_) => {
            instance.log.warn(LogTarget::Client, || format!("name-server look-up at {url}: an empty answer"));
            false
        }
        Err(error) => {
            instance.log.warn(LogTarget::Client, || format!("name-server look-up at {url}: {error}"));
            false
        }
    }
}
