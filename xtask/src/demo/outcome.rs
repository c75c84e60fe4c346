//! The line `RESULT {json}` of a sending program.

use std::fmt;

use serde_json::Value;

use crate::Failure;

/// What became of the messages of one program.
#[derive(Debug)]
pub(crate) struct Outcome {
    accepted: u64,
    succeeded: u64,
    failed: u64,
    messages_per_second: u64,
}

impl Outcome {
    pub(crate) fn read(json: &str) -> Result<Outcome, Failure> {
        let result: Value =
            serde_json::from_str(json).map_err(|cause| format!("its result {json:?}: {cause}"))?;
        let number = |name: &str| {
            let number = result[name].as_f64().filter(|number| *number >= 0.0);
            number.ok_or_else(|| Failure::from(format!("its result has no number {name:?}: {json}")))
        };
        // Counts of messages are far below the numbers that a float cannot hold.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, checked above")]
        let count = |name: &str| number(name).map(|number| number as u64);
        Ok(Outcome {
            accepted: count("accepted")?,
            succeeded: count("succeeded")?,
            failed: count("failed")?,
            messages_per_second: count("messages_per_second")?,
        })
    }

    /// Every message asked for was accepted, completed once, and stored.
    pub(crate) fn check(&self, messages: u64) -> Result<(), Failure> {
        let complete = self.succeeded + self.failed == self.accepted;
        if complete && self.failed == 0 && self.accepted == messages {
            Ok(())
        } else {
            Err(format!("of {messages} messages: {self}").into())
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { accepted, succeeded, failed, messages_per_second } = self;
        write!(
            f,
            "accepted {accepted}, succeeded {succeeded}, failed {failed}, {messages_per_second} messages/s"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accepted: u64, succeeded: u64, failed: u64) -> bool {
        let json = format!(
            r#"{{"accepted":{accepted},"succeeded":{succeeded},"failed":{failed},"messages_per_second":1.5}}"#
        );
        Outcome::read(&json).unwrap().check(10).is_ok()
    }

    #[test]
    fn every_message_must_be_accepted_and_stored_once() {
        assert!(check(10, 10, 0));
        assert!(!check(10, 9, 0), "one without completion");
        assert!(!check(10, 11, 0), "one completed twice");
        assert!(!check(10, 9, 1), "one failed");
        assert!(!check(9, 9, 0), "one not accepted");
    }

    #[test]
    fn a_result_without_its_numbers_is_refused() {
        assert!(Outcome::read("{}").is_err());
        assert!(
            Outcome::read(r#"{"accepted":-1,"succeeded":0,"failed":0,"messages_per_second":0}"#).is_err()
        );
        assert!(Outcome::read("five").is_err());
    }
}
