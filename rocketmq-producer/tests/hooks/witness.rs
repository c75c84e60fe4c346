//! A hook that keeps what it is told of attempts.

use std::sync::{Arc, Mutex};

use rocketmq_producer::Config;
use rocketmq_producer::hooks::{CheckForbiddenHook, SendAttempt, SendMessageHook, SendMode, SendOutcome};

/// What a hook was shown of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) group: String,
    pub(crate) topic: String,
    pub(crate) message_id: String,
    pub(crate) broker: String,
    pub(crate) address: String,
    pub(crate) queue_id: i32,
    pub(crate) mode: SendMode,
    pub(crate) number: u32,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    fn of(attempt: &SendAttempt<'_>) -> Self {
        let unique_id = format!("UNIQ_KEY\u{1}{}", attempt.message_id);
        assert!(attempt.properties.contains(&unique_id), "{:?}", attempt.properties);
        Self {
            group: attempt.group.to_owned(),
            topic: attempt.topic.to_owned(),
            message_id: attempt.message_id.to_owned(),
            broker: attempt.broker_name.to_owned(),
            address: attempt.broker_address.to_owned(),
            queue_id: attempt.queue_id,
            mode: attempt.mode,
            number: attempt.number,
            body: attempt.body.to_vec(),
        }
    }
}

/// What a witness heard of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Checked(Seen),
    Before(Seen),
    /// With a stored message's broker and queue, or a failure's name.
    After(Seen, String),
}

/// Keeps all that hooks of all three kinds of calls are told.
#[derive(Default)]
pub(crate) struct Witness(Mutex<Vec<Heard>>);

impl Witness {
    pub(crate) fn of(config: &mut Config) -> Arc<Self> {
        let witness = Arc::<Self>::default();
        config.add_check_forbidden_hook(Arc::clone(&witness) as Arc<dyn CheckForbiddenHook>);
        config.add_send_message_hook(Arc::clone(&witness) as Arc<dyn SendMessageHook>);
        witness
    }

    fn hear(&self, heard: Heard) {
        self.0.lock().expect("no panic").push(heard);
    }

    /// What was heard since the last call.
    pub(crate) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }

    /// The outcomes since the last call. Each attempt was checked, then begun, then ended, nothing between.
    pub(crate) fn outcomes(&self) -> Vec<(Seen, String)> {
        let heard = self.take();
        let outcome = |attempt: &[Heard]| match attempt {
            [Heard::Checked(checked), Heard::Before(before), Heard::After(after, outcome)]
                if checked == before && before == after =>
            {
                (after.clone(), outcome.clone())
            }
            other => panic!("not one attempt: {other:?}"),
        };
        heard.chunks(3).map(outcome).collect()
    }
}

impl CheckForbiddenHook for Witness {
    fn check(&self, attempt: &SendAttempt<'_>) -> Result<(), String> {
        self.hear(Heard::Checked(Seen::of(attempt)));
        Ok(())
    }
}

impl SendMessageHook for Witness {
    fn before(&self, attempt: &SendAttempt<'_>, _: &mut Vec<(String, String)>) {
        self.hear(Heard::Before(Seen::of(attempt)));
    }

    fn after(&self, attempt: &SendAttempt<'_>, outcome: SendOutcome<'_>) {
        let outcome = match outcome {
            SendOutcome::Stored(receipt) => {
                assert_eq!(receipt.message_id(), attempt.message_id);
                format!("stored by {} in {}", receipt.broker_name(), receipt.queue_id())
            }
            SendOutcome::Failed(error) => {
                let code = error.broker_code().map_or(String::new(), |code| format!(" {code}"));
                format!("{}{code}", error.name())
            }
            SendOutcome::Written => "written".to_owned(),
        };
        self.hear(Heard::After(Seen::of(attempt), outcome));
    }
}
