//! No secret is shown anywhere.

use std::sync::{Arc, Mutex};

use rocketmq_producer::hooks::{RpcHook, RpcRequest, RpcResponse};
use rocketmq_producer::{Config, Credentials, LogLevel, LogSink, Producer};

use crate::common::{PATIENCE, config, send};
use crate::support::{account, guarded_5};

const SECRETS: [&str; 2] = ["hunter2-the-secret", "a-token-of-value"];

/// Everything that is written or shown.
#[derive(Default)]
struct Seen(Mutex<String>);

impl Seen {
    fn note(&self, text: impl std::fmt::Debug) {
        self.0.lock().expect("no panic").push_str(&format!("{text:?}\n"));
    }
}

impl LogSink for Seen {
    fn log(&self, level: LogLevel, target: &str, text: &str) {
        self.note((level, target, text));
    }
}

impl RpcHook for Seen {
    fn before_request(&self, request: &mut RpcRequest<'_>) -> Result<(), String> {
        self.note(request.fields().collect::<Vec<_>>());
        Ok(())
    }

    fn after_response(&self, response: &RpcResponse<'_, '_>) {
        self.note((response.remark(), response.fields().collect::<Vec<_>>()));
    }
}

#[test]
fn log_errors_statistics_debug_config_and_hooks_show_no_secret() {
    let cluster = guarded_5();
    cluster.set_account(&account(SECRETS[0]));
    let seen = Arc::new(Seen::default());
    let keys = [("access.key", "orders"), ("secret.key", SECRETS[0]), ("security.token", SECRETS[1])];
    let mut config: Config = config(&cluster.name_server(), &keys);
    config.set("log.level", "debug").expect("set");
    config.set_log(Some(seen.clone()));
    config.add_rpc_hook(seen.clone());
    for key in ["secret.key", "security.token"] {
        seen.note(config.get(key).expect("a key"));
    }
    seen.note(&config);
    let producer = Producer::new(&config).expect("a producer");
    seen.note(send(&producer, "T").expect("stored"));
    cluster.set_account(&account("another"));
    seen.note(send(&producer, "T").expect_err("refused"));
    let credentials = Credentials::new("orders", SECRETS[0]).expect("some").with_security_token(SECRETS[1]);
    seen.note(&credentials);
    producer.set_credentials(credentials).expect("set");
    let error = send(&producer, "T").expect_err("refused");
    seen.note((error.to_string(), error.history().to_vec()));
    let stats = producer.stats().expect("statistics");
    seen.note((stats.to_json(), stats.to_prometheus(), &producer));
    producer.close(PATIENCE).expect("closed");
    let seen = seen.0.lock().expect("no panic");
    for part in ["orders", "***", "check signature failed", "test-group"] {
        assert!(seen.contains(part), "{part} is not in\n{seen}");
    }
    for secret in SECRETS {
        assert!(!seen.contains(secret), "{secret} is in\n{seen}");
    }
}
