//! Accepted = succeeded + failed, once each, whatever the brokers do; and messages of one queue stay in order.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{PATIENCE, cluster, config, ms, on_batches, on_sends};
use proptest::prelude::*;
use rocketmq_mock::{Account, Fault, MockCluster};
use rocketmq_producer::{
    Burst, CompletionQueue, Credentials, CredentialsProvider, Destination, ErrorCode, Event, Message,
    Persistence, Producer, Tag,
};

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::NoAnswer),
        Just(Fault::Reset),
        Just(Fault::StoreThenReset),
        Just(Fault::StoreThenNoAnswer),
        Just(Fault::Garbage),
        Just(Fault::OtherEncoding),
        Just(Fault::WrongOpaque),
        (1_u64..200).prop_map(|delay| Fault::Delay(ms(delay))),
        (0_usize..40).prop_map(|bytes| Fault::PartialFrame { bytes }),
        prop_oneof![Just(1), Just(2), Just(13), Just(14)].prop_map(|code| Fault::Code { code, remark: None }),
        Just(Fault::Code { code: 16, remark: Some("check signature failed.".to_owned()) }),
        prop_oneof![Just(10), Just(11), Just(12)].prop_map(|code| Fault::StoredButCode { code }),
    ]
}

/// How requests are signed.
#[derive(Clone, Copy, Debug)]
enum Signing {
    Off,
    Keys,
    Provider,
}

impl Signing {
    fn producer(self, cluster: &MockCluster, settings: &[(&str, &str)]) -> Producer {
        let mut config = config(&cluster.name_server(), settings);
        match self {
            Self::Off => {}
            Self::Keys => {
                cluster.set_account(&Account::new("user", "secret"));
                config.set("access.key", "user").expect("a key");
                config.set("secret.key", "secret").expect("a secret");
            }
            Self::Provider => {
                cluster.set_account(&Account::new("user", "secret"));
                config.set_credentials_provider(Some(Arc::new(SometimesWrong(AtomicUsize::new(0)))));
            }
        }
        Producer::new(&config).expect("a producer")
    }
}

/// Fails, and gives a wrong secret, now and then.
struct SometimesWrong(AtomicUsize);

impl CredentialsProvider for SometimesWrong {
    fn credentials(&self) -> Result<Credentials, Box<dyn Error + Send + Sync>> {
        match self.0.fetch_add(1, Ordering::Relaxed) % 4 {
            0 => Ok(Credentials::new("user", "wrong")?),
            2 => Err("none now".into()),
            _ => Ok(Credentials::new("user", "secret")?),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_accepted_send_completes_exactly_once(
        faults in proptest::collection::vec((fault(), 1_u32..20, 0_usize..2), 1..6),
        batching in prop_oneof![Just("off"), Just("pressure"), Just("linger")],
        attempt_limit in prop_oneof![Just(None), Just(Some("40"))],
        close_after in prop_oneof![Just(None), (0_u64..150).prop_map(Some)],
        burst_len in prop_oneof![Just(None), (1_usize..50).prop_map(Some), Just(Some(usize::MAX))],
        bound in prop_oneof![Just(None), Just(Some("60"))],
        signing in prop_oneof![Just(Signing::Off), Just(Signing::Keys), Just(Signing::Provider)],
    ) {
        let cluster = cluster(2);
        cluster.create_topic("T", 2, 2, 6, None);
        for (fault, times, broker) in faults {
            let broker = format!("broker-{broker}");
            cluster.inject(on_sends(Some(&broker), Some(times), fault.clone()));
            cluster.inject(on_batches(Some(&broker), Some(times), fault));
        }
        let mut settings = vec![("batch.auto", batching), ("batch.max.messages", "16")];
        settings.extend(attempt_limit.map(|limit| ("send.max.timeout.per.request.ms", limit)));
        settings.extend(bound.map(|bound| ("in.flight.max.messages", bound)));
        let producer = signing.producer(&cluster, &settings);
        let queue = CompletionQueue::new();
        // The last one stays open.
        let mut burst = Burst::default();
        let (mut accepted, mut refused, mut looked_up) = (0, false, 0);
        for index in 0..200_usize {
            if index.is_multiple_of(40) {
                let begun = producer.look_up("T", ms(100), &queue, Tag(index, 1));
                looked_up += usize::from(begun.is_ok());
            }
            let body = index.to_string();
            let destination = match index % 5 {
                0 => Destination::ShardingNumber(index as i64),
                _ => Destination::Any,
            };
            let message = Message { destination, ..Message::new("T", body.as_bytes()) };
            let timeout = ms(if index % 7 == 0 { 60 } else { 250 });
            let sent = match burst_len {
                Some(_) => producer.send_in_burst(&message, Some(timeout), &queue, Tag(index, 0), &mut burst),
                None => producer.send_queued(&message, Some(timeout), &queue, Tag(index, 0)),
            };
            accepted += usize::from(sent.is_ok());
            refused |= sent.is_err_and(|error| error.code() == ErrorCode::QueueFull);
            if burst_len.is_some_and(|len| index.is_multiple_of(len)) {
                burst.send_now();
            }
        }
        if let Some(after) = close_after {
            // Whether all were answered in time is chance here; that all completed is not.
            let _ = producer.close(ms(after));
        }
        producer.flush(PATIENCE).expect("all have an outcome");
        let (mut reports, mut routed) = (Vec::new(), Vec::new());
        while reports.len() + routed.len() < accepted + looked_up {
            let mut events = Vec::new();
            prop_assert!(queue.poll(&mut events, usize::MAX, PATIENCE) > 0, "{} of {accepted}", reports.len());
            for event in events {
                match event {
                    Event::Outcome(report) => reports.push(report),
                    Event::Routed(ended) => routed.push(ended.tag.0),
                    other => prop_assert!(false, "no outcome was let go: {other:?}"),
                }
            }
        }
        prop_assert!(queue.is_empty());
        prop_assert_eq!(reports.len(), accepted);
        routed.sort_unstable();
        prop_assert_eq!(routed, (0..looked_up).map(|call| call * 40).collect::<Vec<_>>());
        let mut stored: HashMap<String, usize> = HashMap::new();
        let mut last: HashMap<(String, i32), usize> = HashMap::new();
        for message in cluster.stored("T") {
            let body = String::from_utf8_lossy(&message.body).into_owned();
            let index: usize = body.parse().expect("a number");
            let copies = stored.entry(body).or_default();
            *copies += 1;
            if batching != "off" && index.is_multiple_of(5) && *copies == 1 {
                let before = last.insert((message.broker, message.queue_id), index);
                prop_assert!(before.is_none_or(|before| before < index), "{:?} before {}", before, index);
            }
        }
        let mut seen = [false; 200];
        for report in &reports {
            let index = report.tag.0;
            prop_assert!(!std::mem::replace(&mut seen[index], true), "completed twice");
            let copies = stored.get(&index.to_string()).copied().unwrap_or(0);
            match &report.result {
                Ok(_) => prop_assert!(copies >= 1, "a receipt for what is not stored"),
                Err(error) if error.persistence() == Persistence::NotPersisted => {
                    prop_assert_eq!(copies, 0, "{} but stored", error);
                }
                Err(_) => {}
            }
        }
        // Each outcome that is let go makes room; who was refused hears of it once.
        drop(reports);
        let mut events = Vec::new();
        prop_assert_eq!(queue.poll(&mut events, usize::MAX, ms(0)), usize::from(refused));
        let are_of_room = events.iter().all(|event| matches!(event, Event::Writable { .. }));
        prop_assert!(are_of_room);
    }
}
