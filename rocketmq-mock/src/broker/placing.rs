//! Where a message is stored: under its own topic, or under the one it waits in (protocol 5.7, 14.6).

use std::borrow::Cow;

use rocketmq_protocol::codes::response;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::recall::RecallHandle;
use rocketmq_protocol::topics;

use super::properties::Known;
use super::refusal::Refusal;
use crate::options::Profile;
use crate::topic::MAX_DELAY_LEVEL;

/// Delays of the levels 1 to 18, in seconds.
const LEVEL_SECONDS: [i64; MAX_DELAY_LEVEL as usize] =
    [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];
/// `timerMaxDelaySec` of a broker, in ms.
const MAX_TIMER_DELAY: i64 = 3 * 24 * 3600 * 1000;
/// `timerPrecisionMs` of a broker.
const TIMER_PRECISION: i64 = 1000;

/// Where a message goes.
#[derive(Debug)]
pub(super) struct Placing<'a> {
    pub(super) topic: Cow<'a, str>,
    pub(super) queue_id: i32,
    /// When a parked message is to be delivered, in ms since the epoch.
    pub(super) due: Option<i64>,
    /// Set for a message in the timer wheel: its real topic and TIMER_OUT_MS.
    timer: Option<(Cow<'a, str>, i64)>,
}

impl<'a> Placing<'a> {
    /// Under the topic and queue it was sent to.
    pub(super) fn plain(topic: &'a str, queue_id: i32) -> Placing<'a> {
        Placing { topic: Cow::Borrowed(topic), queue_id, due: None, timer: None }
    }

    /// A half message waits for its END_TRANSACTION.
    pub(super) fn hold_half(&mut self, text: &mut String, unique_id: Option<&str>, profile: Profile) {
        if let Some(id) = unique_id.filter(|_| profile.is_v5()) {
            properties::push(text, name::TRANSACTION_ID, id);
        }
        self.move_to(topics::TRANS_HALF, 0, text);
    }

    /// A delay level or, on 5.x, a timer makes a message wait. `now` is in ms since the epoch.
    pub(super) fn park(
        &mut self,
        text: &mut String,
        known: &Known<'_>,
        level: i32,
        now: i64,
        profile: Profile,
    ) -> Result<(), Refusal> {
        if level > MAX_DELAY_LEVEL {
            properties::push(text, name::DELAY, &MAX_DELAY_LEVEL.to_string());
        }
        if level > 0 {
            let level = level.min(MAX_DELAY_LEVEL);
            self.due = Some(now + LEVEL_SECONDS[level as usize - 1] * 1000);
            self.move_to(topics::SCHEDULE, level - 1, text);
        } else if profile.is_v5()
            && let Some(deliver) = delivery_time(known, now)?
            && deliver > now
        {
            if deliver - now > MAX_TIMER_DELAY {
                return Err(illegal_timer());
            }
            // An exact multiple of the precision loses one step more.
            let out = (deliver - 1) / TIMER_PRECISION * TIMER_PRECISION;
            properties::push(text, name::TIMER_OUT_MS, &out.to_string());
            self.due = Some(out);
            self.timer = Some((self.topic.clone(), out));
            self.move_to(topics::WHEEL_TIMER, 0, text);
        }
        Ok(())
    }

    /// The recall handle of a message in the timer wheel.
    pub(super) fn recall_handle(&self, broker: &str, unique_id: Option<&str>) -> Option<String> {
        let (topic, out) = self.timer.as_ref()?;
        if topic.starts_with(topics::RETRY_PREFIX) {
            return None;
        }
        let handle = RecallHandle {
            topic: topic.to_string(),
            broker_name: broker.to_owned(),
            timestamp_ms: out + 1,
            unique_id: unique_id?.to_owned(),
        };
        Some(handle.to_string())
    }

    fn move_to(&mut self, topic: &'static str, queue_id: i32, text: &mut String) {
        properties::push(text, name::REAL_TOPIC, &self.topic);
        properties::push(text, name::REAL_QID, &self.queue_id.to_string());
        self.topic = Cow::Borrowed(topic);
        self.queue_id = queue_id;
    }
}

/// When a timer message wants to be delivered, in ms since the epoch.
fn delivery_time(known: &Known<'_>, now: i64) -> Result<Option<i64>, Refusal> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| illegal_timer());
    let wanted = if let Some(text) = known.timer_seconds {
        now.wrapping_add(number(text)?.wrapping_mul(1000))
    } else if let Some(text) = known.timer_milliseconds {
        now.wrapping_add(number(text)?)
    } else if let Some(text) = known.timer_deliver {
        number(text)?
    } else {
        return Ok(None);
    };
    Ok(Some(wanted))
}

fn illegal_timer() -> Refusal {
    let remark = format!(
        "timer message illegal, the delay time should not be bigger than the max delay {MAX_TIMER_DELAY}ms; \
         or if set del msg, the delay time should be bigger than the current time"
    );
    Refusal::new(response::MESSAGE_ILLEGAL, remark)
}
