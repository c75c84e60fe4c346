//! The properties of a message on its way through a broker.

use rocketmq_protocol::properties;
use rocketmq_protocol::properties::name;

use super::refusal::Refusal;

/// What the send processor needs of a message's properties, found in one pass. The last of several equal names counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'a> {
    pub(super) unique_id: Option<&'a str>,
    pub(super) keys: Option<&'a str>,
    pub(super) delay_level: Option<&'a str>,
    pub(super) timer_seconds: Option<&'a str>,
    pub(super) timer_milliseconds: Option<&'a str>,
    pub(super) timer_deliver: Option<&'a str>,
    pub(super) half: bool,
    pub(super) inner_batch: bool,
    pub(super) waits: bool,
    /// Whether the text has no pair that readers drop and, WAIT aside, none that brokers replace.
    pub(super) plain: bool,
}

impl<'a> Known<'a> {
    pub(super) fn read(text: &'a str) -> Known<'a> {
        let mut known = Known::default();
        let mut replaced = false;
        let mut pairs_length = 0;
        for (key, value) in properties::iter(text) {
            pairs_length += key.len() + value.len() + 2;
            match key {
                name::UNIQ_KEY => known.unique_id = Some(value),
                name::KEYS => known.keys = Some(value),
                name::DELAY => known.delay_level = Some(value),
                name::TIMER_DELAY_SEC => known.timer_seconds = Some(value),
                name::TIMER_DELAY_MS => known.timer_milliseconds = Some(value),
                name::TIMER_DELIVER_MS => known.timer_deliver = Some(value),
                name::TRAN_MSG => known.half = value.eq_ignore_ascii_case("true"),
                name::INNER_NUM => {
                    known.inner_batch = true;
                    replaced = true;
                }
                name::WAIT => known.waits = true,
                name::POP_CK | name::MSG_REGION | name::TRACE_ON | name::CLUSTER => replaced = true,
                _ => {}
            }
        }
        known.plain = !replaced && pairs_length == text.len();
        known
    }

    /// The delay level, 0 if there is none. Java's number parser throws at anything else.
    pub(super) fn checked_level(&self) -> Result<i32, Refusal> {
        let Some(text) = self.delay_level else {
            return Ok(0);
        };
        text.parse().map_err(|_| {
            Refusal::exception(format!("java.lang.NumberFormatException: For input string: {text:?}"))
        })
    }

    /// Whether it asks for a delivery time.
    pub(super) fn has_timer(&self) -> bool {
        [self.timer_seconds, self.timer_milliseconds, self.timer_deliver].iter().any(Option::is_some)
    }
}

/// Appends all properties of `source` but those whose names `leave_out` says.
pub(super) fn copy(text: &mut String, source: &str, leave_out: impl Fn(&str) -> bool) {
    for (key, value) in properties::iter(source) {
        if !leave_out(key) {
            properties::push(text, key, value);
        }
    }
}
