//! Credentials that a program's provider gives.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rocketmq_mock::MockCluster;
use rocketmq_producer::{CompletionQueue, Credentials, CredentialsProvider, ErrorCode, Message, Producer};

use crate::common::{Lines, PATIENCE, config, enqueue, in_order, ms, send};
use crate::support::{account, guarded_5};

type Answer = Result<Credentials, Box<dyn StdError + Send + Sync>>;

/// Gives what a test tells it to, and waits until it does.
struct Told {
    answers: Mutex<Receiver<Answer>>,
    asked: AtomicUsize,
}

impl CredentialsProvider for Told {
    fn credentials(&self) -> Answer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.lock().expect("no panic");
        answers.recv_timeout(PATIENCE).unwrap_or_else(|gone| Err(gone.into()))
    }
}

fn told() -> (Arc<Told>, Sender<Answer>) {
    let (sender, answers) = channel();
    (Arc::new(Told { answers: Mutex::new(answers), asked: AtomicUsize::new(0) }), sender)
}

fn with_provider(
    cluster: &MockCluster,
    provider: Arc<dyn CredentialsProvider>,
    settings: &[(&str, &str)],
) -> (Producer, Arc<Lines>) {
    let mut config = config(&cluster.name_server(), settings);
    config.set_credentials_provider(Some(provider));
    let lines = Lines::of(&mut config);
    (Producer::new(&config).expect("a producer"), lines)
}

fn credentials(secret: &str) -> Credentials {
    Credentials::new("orders", secret).expect("some")
}

#[test]
fn sends_wait_for_the_first_answer_and_ask_once() {
    let cluster = guarded_5();
    let (provider, answers) = told();
    let (producer, _) = with_provider(&cluster, provider.clone(), &[]);
    let queue = CompletionQueue::new();
    for index in 0..100 {
        enqueue(&producer, &Message::new("T", b"body"), &queue, index);
    }
    assert_eq!(producer.in_flight(), 100);
    answers.send(Ok(credentials("hunter2"))).expect("it waits");
    in_order(&queue, 100).into_iter().for_each(|outcome| drop(outcome.expect("stored")));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failure_is_in_the_error_and_the_log_and_it_is_asked_again_later() {
    let cluster = guarded_5();
    let (provider, answers) = told();
    let (producer, lines) = with_provider(&cluster, provider.clone(), &[]);
    answers.send(Err("the vault is sealed".into())).expect("it waits");
    let error = send(&producer, "T").expect_err("no credentials");
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert!(error.message().contains("the vault is sealed") && error.is_retriable(), "{error}");
    let mut source = StdError::source(&error);
    while source.is_some_and(|cause| cause.to_string() != "the vault is sealed") {
        source = source.and_then(StdError::source);
    }
    assert!(source.is_some(), "the cause is kept: {error:?}");
    assert_eq!(lines.count("the vault is sealed"), 1);
    answers.send(Ok(credentials("hunter2"))).expect("it waits");
    while send(&producer, "T").is_err() {
        std::thread::yield_now();
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn one_that_hangs_costs_a_send_its_own_time_and_no_more() {
    let cluster = guarded_5();
    let (provider, answers) = told();
    let (producer, _) = with_provider(&cluster, provider, &[]);
    let error = producer.send(&Message::new("T", b"x"), Some(ms(50))).expect_err("no credentials");
    assert!(error.message().contains("provider"), "{error}");
    answers.send(Ok(credentials("hunter2"))).expect("it waits");
    send(&producer, "T").expect("stored");
}

#[test]
fn a_panic_is_a_failure() {
    struct Panics;
    impl CredentialsProvider for Panics {
        fn credentials(&self) -> Answer {
            panic!("on purpose")
        }
    }
    let cluster = guarded_5();
    let (producer, _) = with_provider(&cluster, Arc::new(Panics), &[]);
    let error = send(&producer, "T").expect_err("no credentials");
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert!(error.message().contains("on purpose"), "{error}");
}

#[test]
fn after_a_refusal_new_ones_are_asked_for_and_nothing_is_lost() {
    let cluster = guarded_5();
    let (provider, answers) = told();
    let (producer, _) = with_provider(&cluster, provider.clone(), &[]);
    answers.send(Ok(credentials("hunter2"))).expect("it waits");
    send(&producer, "T").expect("stored");
    cluster.set_account(&account("hunter3"));
    let queue = CompletionQueue::new();
    for index in 0..100 {
        enqueue(&producer, &Message::new("T", b"body"), &queue, index);
    }
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.request_count(310) >= 2));
    std::thread::spawn(move || answers.send(Ok(credentials("hunter3"))).expect("it waits"));
    in_order(&queue, 100).into_iter().for_each(|outcome| drop(outcome.expect("stored")));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn the_same_again_after_a_refusal_is_the_end_of_the_message() {
    let cluster = guarded_5();
    let (provider, answers) = told();
    let (producer, _) = with_provider(&cluster, provider, &[]);
    answers.send(Ok(credentials("wrong"))).expect("it waits");
    answers.send(Ok(credentials("wrong"))).expect("it waits");
    let error = send(&producer, "T").expect_err("refused");
    assert_eq!(error.code(), ErrorCode::AccessDenied, "{error}");
    assert!(error.attempts() <= 2 && cluster.request_count(310) <= 2, "{error}");
}

#[test]
fn a_refused_permission_asks_nobody() {
    let cluster = guarded_5();
    let permitted = Some(vec!["Other".to_owned()]);
    cluster.set_account(&rocketmq_mock::Account { topics: permitted, ..account("hunter2") });
    let (provider, answers) = told();
    let (producer, _) = with_provider(&cluster, provider.clone(), &[]);
    answers.send(Ok(credentials("hunter2"))).expect("it waits");
    let error = send(&producer, "T").expect_err("refused");
    assert_eq!((error.code(), error.attempts()), (ErrorCode::AccessDenied, 1));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
}

/// Gives these, one after the other.
struct Row(Mutex<VecDeque<Credentials>>);

impl CredentialsProvider for Row {
    fn credentials(&self) -> Answer {
        self.0.lock().expect("no panic").pop_front().ok_or_else(|| "no more".into())
    }
}

#[test]
fn they_are_renewed_before_their_time_is_over() {
    let cluster = guarded_5();
    cluster.set_account(&rocketmq_mock::Account::new("next", "secret"));
    let soon = SystemTime::now() + Duration::from_millis(10);
    let row = [credentials("hunter2").expiring_at(soon), Credentials::new("next", "secret").expect("some")];
    let provider = Arc::new(Row(Mutex::new(row.into())));
    let (producer, _) = with_provider(&cluster, provider.clone(), &[]);
    send(&producer, "T").expect("stored");
    // Each send looks at the clock; none waits for the answer.
    while !provider.0.lock().expect("no panic").is_empty() {
        send(&producer, "T").expect("stored, with the former ones meanwhile");
    }
    cluster.set_recording(true);
    assert!(cluster.wait_until(PATIENCE, |cluster| {
        send(&producer, "T").expect("stored");
        cluster.requests().iter().any(|request| request.fields.iter().any(|(_, value)| value == "next"))
    }));
}

#[test]
fn a_provider_excludes_keys_and_settings() {
    let cluster = guarded_5();
    let (provider, _answers) = told();
    let (producer, _) = with_provider(&cluster, provider.clone(), &[]);
    let error = producer.set_credentials(credentials("x")).expect_err("a provider gives them");
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    let mut config = config("127.0.0.1:1", &crate::support::KEYS);
    config.set_credentials_provider(Some(provider));
    let error = Producer::new(&config).expect_err("two sources");
    assert_eq!(error.code(), ErrorCode::InvalidValue);
    assert!(error.message().contains("access.key") && error.message().contains("provider"), "{error}");
}
