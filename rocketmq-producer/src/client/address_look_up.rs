//! Name-server addresses by HTTP (protocol 3.5), for clusters that publish them so.

use std::fs::File;
use std::io::Read;
use std::sync::Weak;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::instance::ClientInstance;
use crate::config::parse_addresses;
use crate::log::LogTarget;
use crate::routing::{MAX_LOOK_UP_BYTES, MAX_NAME_SERVERS};
use crate::task::{self, Stopped};

/// A look-up may be sent elsewhere this often.
const MAX_REDIRECTS: usize = 5;

/// After a look-up that gave nothing it is made again so soon.
const RETRY: Duration = Duration::from_secs(1);

/// Asks again and again, until the instance is gone. A look-up that hangs delays only the next one.
pub(super) async fn run(instance: Weak<ClientInstance>, url: String, interval: Duration, timeout: Duration) {
    loop {
        let answer = on_a_thread(url.clone(), timeout.as_secs().max(1)).await;
        let Some(instance) = instance.upgrade() else { return };
        let next = match answer {
            Ok(addresses) => {
                instance.name_servers.set(&addresses);
                interval
            }
            Err(why) => {
                // What is known stays.
                let text = format!("name-server look-up at {url}: {why}");
                instance.log.warn(LogTarget::Client, || text.clone());
                instance.name_servers.remain_unknown(text);
                RETRY
            }
        };
        drop(instance);
        sleep(next).await;
    }
}

async fn on_a_thread(url: String, seconds: u64) -> Result<Vec<String>, String> {
    let (sender, answer) = oneshot::channel();
    // Nobody listens any more when the instance is gone.
    let end = |outcome: Result<_, Stopped>| {
        drop(sender.send(outcome.unwrap_or_else(|stopped| Err(stopped.to_string()))));
    };
    task::thread("rmq-look-up", move || ask(&url, seconds), end)
        .map_err(|error| format!("no thread for it: {error}"))?;
    answer.await.unwrap_or_else(|_| Err(Stopped::Dropped.to_string()))
}

/// Blocks until the answer is there, or for the time that is given. Some addresses, or why there are none.
fn ask(url: &str, seconds: u64) -> Result<Vec<String>, String> {
    let request = minreq::get(url).with_timeout(seconds).with_max_redirects(MAX_REDIRECTS);
    let mut answer = request.send_lazy().map_err(|error| {
        // Out of descriptors, the system says that the name is not known.
        File::open("/dev/null").err().map_or_else(|| error.to_string(), |refused| refused.to_string())
    })?;
    if answer.status_code != 200 {
        return Err(format!("HTTP {}", answer.status_code));
    }
    let mut text = Vec::new();
    let mut bounded = answer.by_ref().take(MAX_LOOK_UP_BYTES as u64 + 1);
    bounded.read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() > MAX_LOOK_UP_BYTES {
        return Err(format!("an answer of more than {MAX_LOOK_UP_BYTES} bytes"));
    }
    let length = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if let Some((_, length)) = length.filter(|(_, length)| *length != text.len().to_string()) {
        return Err(format!("an answer that ends after {} of {length} bytes", text.len()));
    }
    let text = str::from_utf8(&text).map_err(|error| error.to_string())?;
    let addresses = parse_addresses(text.trim().lines().next().unwrap_or_default())?;
    match addresses.len() {
        0 => Err("an empty answer".to_owned()),
        1..=MAX_NAME_SERVERS => Ok(addresses),
        count => Err(format!("{count} name servers, more than {MAX_NAME_SERVERS}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// What a server comes to that answers so.
    fn answered(head: &str, body: &str) -> Result<Vec<String>, String> {
        let page = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/nsaddr", page.local_addr().expect("an address"));
        let answer = format!("HTTP/1.1 {head}\r\n\r\n{body}");
        let server = std::thread::spawn(move || {
            let (mut socket, _) = page.accept().expect("a caller");
            let mut request = [0; 1024];
            let _ = socket.read(&mut request).expect("a request");
            // The client may have gone when it has read enough.
            let _ = socket.write_all(answer.as_bytes());
        });
        let outcome = ask(&url, 30);
        server.join().expect("served");
        outcome
    }

    #[test]
    fn an_answer_is_bounded_whatever_it_announces() {
        let longest = format!("{}a:1", " ".repeat(MAX_LOOK_UP_BYTES - 3));
        assert_eq!(answered("200 OK", &longest).expect("addresses"), ["a:1"]);
        for head in ["200 OK", "200 OK\r\nContent-Length: 99999999999"] {
            let error = answered(head, &"a:1;".repeat(1 << 20)).expect_err("too long");
            assert!(error.contains("65536"), "{error}");
        }
        let error = answered("200 OK\r\nContent-Length: 7", "a:1;b:").expect_err("cut");
        assert!(error.contains("6 of 7"), "{error}");
    }

    #[test]
    fn the_number_of_name_servers_is_bounded() {
        let list = |count: usize| (0..count).map(|n| format!("h{n}:1")).collect::<Vec<_>>().join(";");
        assert_eq!(answered("200 OK", &list(MAX_NAME_SERVERS)).expect("addresses").len(), MAX_NAME_SERVERS);
        let error = answered("200 OK", &list(MAX_NAME_SERVERS + 1)).expect_err("too many");
        assert!(error.contains("65 name servers") && error.contains("64"), "{error}");
    }

    #[test]
    fn what_is_no_list_of_addresses_says_why() {
        for (head, body, part) in
            [("404 Not Found", "", "HTTP 404"), ("200 OK", " \n", "empty"), ("200 OK", "<html>", "<html>")]
        {
            let error = answered(head, body).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
