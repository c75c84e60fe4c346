//! Send hooks add properties to the message of an attempt.

use std::sync::Arc;

use rocketmq_mock::Fault;
use rocketmq_producer::hooks::{SendAttempt, SendMessageHook, SendOutcome};
use rocketmq_producer::{Message, Producer};

use crate::common::{self, Lines, config, on_batches, on_sends, send, with_topic};

/// A function as a send hook that adds properties.
struct Adds<F>(F);

impl<F: Fn(&SendAttempt<'_>, &mut Vec<(String, String)>) + Send + Sync> SendMessageHook for Adds<F> {
    fn before(&self, attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>) {
        self.0(attempt, added);
    }

    fn after(&self, _: &SendAttempt<'_>, _: SendOutcome<'_>) {}
}

#[test]
fn added_properties_arrive_with_the_attempt_they_were_added_to() {
    let cluster = with_topic(2, 1);
    let mut config = config(&cluster.name_server(), &[]);
    config.add_send_message_hook(Arc::new(Adds(
        |attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
            added.push(("attempt".to_owned(), attempt.number.to_string()));
            added.push(("of".to_owned(), attempt.message_id.to_owned()));
            if attempt.number == 1 {
                added.push(("only-first".to_owned(), "1".to_owned()));
            }
        },
    )));
    config.add_send_message_hook(Arc::new(Adds(|_: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
        assert_eq!(added[0].0, "attempt", "what earlier hooks added is shown");
        added.push(("second-hook".to_owned(), "grün".to_owned()));
    })));
    let producer = Producer::new(&config).expect("a producer");
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 14, remark: None }));
    let tagged = Message { tags: Some("TagA"), ..Message::new("T", b"body") };
    let receipt = producer.send(&tagged, None).expect("stored");
    let stored = cluster.stored("T").remove(0);
    assert_eq!((stored.property("attempt"), stored.property("of")), (Some("2"), Some(receipt.message_id())));
    assert_eq!((stored.property("only-first"), stored.property("second-hook")), (None, Some("grün")));
    assert_eq!(
        (stored.property("TAGS"), stored.property("UNIQ_KEY")),
        (Some("TagA"), Some(receipt.message_id()))
    );

    cluster.create_topic("First", 1, 1, 6, None);
    let mut only_first = common::config(&cluster.name_server(), &[]);
    only_first.add_send_message_hook(Arc::new(Adds(
        |attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
            if attempt.number == 1 {
                added.push(("only-first".to_owned(), "1".to_owned()));
            }
        },
    )));
    let only_first = Producer::new(&only_first).expect("a producer");
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 14, remark: None }));
    assert_eq!(send(&only_first, "First").expect("stored").attempts(), 2);
    assert_eq!(cluster.stored("First")[0].property("only-first"), None);

    cluster.create_topic("B", 1, 1, 6, None);
    let messages = [Message::new("B", b"a"), Message::new("B", b"b"), Message::new("B", b"c")];
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 14, remark: None }));
    let receipts = producer.send_batch(&messages, None).expect("stored");
    let stored = cluster.stored("B");
    assert_eq!(stored.len(), 3);
    for (receipt, stored) in receipts.iter().zip(&stored) {
        assert_eq!(
            (stored.property("attempt"), stored.property("of")),
            (Some("2"), Some(receipt.message_id()))
        );
    }
}

#[test]
fn properties_that_would_break_the_others_are_left_out_and_logged() {
    let cluster = with_topic(1, 1);
    let mut config = config(&cluster.name_server(), &[]);
    let lines = Lines::of(&mut config);
    config.add_send_message_hook(Arc::new(Adds(|_: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
        let bad = [("a\u{1}b", "x"), ("named", "x\u{2}KEYS\u{1}y"), ("", "x"), ("blank", "  ")];
        added.push(("first".to_owned(), "1".to_owned()));
        added.extend(bad.map(|(name, value)| (name.to_owned(), value.to_owned())));
        added.push(("last".to_owned(), "2".to_owned()));
    })));
    send(&Producer::new(&config).expect("a producer"), "T").expect("stored");
    let stored = cluster.stored("T").remove(0);
    assert_eq!((stored.property("first"), stored.property("last")), (Some("1"), Some("2")));
    for left_out in ["a", "named", "", "blank", "KEYS"] {
        assert_eq!(stored.property(left_out), None, "{left_out:?}");
    }
    assert_eq!(lines.count("a send hook's property is left out"), 4);
    assert_eq!(lines.count("named contains U+0001 or U+0002"), 1);
}
