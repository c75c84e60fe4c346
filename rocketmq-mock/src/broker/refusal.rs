//! What a broker says to a send or a topic that breaks one of its rules.

use std::borrow::Cow;

use crate::answer::{Answer, AnswerFields, SendFields};

/// Why a send is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// By a check: the answer names region and trace switch.
    Checked { code: i32, remark: Cow<'static, str> },
    /// By an exception: code 1 and its text, no ext fields.
    Exception(Cow<'static, str>),
}

impl Refusal {
    pub(crate) fn new(code: i32, remark: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::Checked { code, remark: remark.into() }
    }

    pub(crate) fn exception(text: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::Exception(text.into())
    }

    /// The answer to anything but a send.
    pub(super) fn answer_without_region(self) -> Answer {
        match self {
            Refusal::Checked { code, remark } => Answer::refusal(code, remark),
            Refusal::Exception(text) => Answer::exception(text),
        }
    }

    pub(super) fn answer(self) -> Answer {
        match self {
            Refusal::Checked { code, remark } => Answer {
                code,
                remark: Some(remark),
                ..Answer::with_fields(AnswerFields::Send(SendFields::default()))
            },
            Refusal::Exception(text) => Answer::exception(text),
        }
    }
}
