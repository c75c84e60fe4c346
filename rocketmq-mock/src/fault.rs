//! Faults a test asks for, and the table they wait in until a request meets them.

use std::time::Duration;

/// [`FaultRule::broker`] of the name server.
pub const NAME_SERVER: &str = "namesrv";

/// Names an injected rule, so that it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FaultId(u64);

/// Which requests meet a fault. The oldest rule that fits a request is the one that acts; a field that is `None` fits
/// every request.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// A broker's name, or [`NAME_SERVER`]; `None`: any broker, but not the name server.
    pub broker: Option<String>,
    /// The request code.
    pub request_code: Option<i32>,
    /// How many requests it meets before it is gone; `None`: until it is removed.
    pub times: Option<u32>,
    /// The request's topic (ext field `topic`, or `b` of a V2 send).
    pub topic: Option<String>,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// A rule for every request to every broker, without end; narrow it by setting its fields.
    pub fn new(fault: Fault) -> FaultRule {
        FaultRule { broker: None, request_code: None, times: None, topic: None, fault }
    }
}

/// What happens to a request that meets a rule. Oneway requests are never answered, whatever the fault says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered before the processor, as a busy or closing server does: nothing is executed, no ext fields.
    Code {
        /// The response code.
        code: i32,
        /// The remark, if any.
        remark: Option<String>,
    },
    /// Executed; where the answer would be 0 it has this code and all its ext fields (10, 11 and 12 of a real broker).
    StoredButCode {
        /// The response code.
        code: i32,
    },
    /// Executed on arrival, answered so much later; other requests of the connection are not held up.
    Delay(Duration),
    /// Executed on arrival, answered when the rule is taken back, also one that has met all its requests; other requests of
    /// the connection are not held up.
    Hold,
    /// Executed, never answered.
    StoreThenNoAnswer,
    /// Neither executed nor answered.
    NoAnswer,
    /// Not executed; the connection is reset.
    Reset,
    /// Executed; the connection is reset instead of an answer.
    StoreThenReset,
    /// Executed; the first bytes of the answer's frame are written (at most all), then the connection is reset.
    PartialFrame {
        /// How many bytes of the frame.
        bytes: usize,
    },
    /// Executed, answered in the header encoding the server would not have used.
    OtherEncoding,
    /// Executed; the answer is a whole frame whose header cannot be decoded.
    Garbage,
    /// Executed; the answer carries an opaque nobody waits for.
    WrongOpaque,
}

impl Fault {
    /// Whether the request still reaches its processor.
    pub(crate) fn executes(&self) -> bool {
        !matches!(self, Fault::Code { .. } | Fault::NoAnswer | Fault::Reset)
    }
}

/// Rules in the order they were injected.
#[derive(Debug, Default)]
pub(crate) struct FaultTable {
    rules: Vec<(FaultId, FaultRule)>,
    next_id: u64,
}

impl FaultTable {
    pub(crate) fn inject(&mut self, rule: FaultRule) -> FaultId {
        let id = FaultId(self.next_id);
        self.next_id += 1;
        if rule.times != Some(0) {
            self.rules.push((id, rule));
        }
        id
    }

    pub(crate) fn remove(&mut self, id: FaultId) {
        self.rules.retain(|(known, _)| *known != id);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The fault this request meets, used up by one, and the rule it is of.
    pub(crate) fn take(&mut self, server: &str, code: i32, topic: Option<&str>) -> Option<(FaultId, Fault)> {
        let index = self.rules.iter().position(|(_, rule)| {
            let server_fits = match &rule.broker {
                Some(name) => name == server,
                None => server != NAME_SERVER,
            };
            server_fits
                && rule.request_code.is_none_or(|wanted| wanted == code)
                && rule.topic.as_deref().is_none_or(|wanted| topic == Some(wanted))
        })?;
        let (id, rule) = &mut self.rules[index];
        let met = (*id, rule.fault.clone());
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                self.rules.remove(index);
            }
        }
        Some(met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(broker: Option<&str>, times: Option<u32>, topic: Option<&str>) -> FaultRule {
        FaultRule {
            broker: broker.map(str::to_owned),
            times,
            topic: topic.map(str::to_owned),
            ..FaultRule::new(Fault::NoAnswer)
        }
    }

    #[test]
    fn a_rule_is_gone_after_its_times() {
        let mut table = FaultTable::default();
        table.inject(rule(None, Some(2), None));
        assert!(table.take("broker-0", 310, None).is_some());
        assert!(table.take("broker-1", 310, None).is_some());
        assert!(table.take("broker-0", 310, None).is_none());
        table.inject(rule(None, Some(0), None));
        assert!(table.is_empty());
    }

    #[test]
    fn a_rule_without_a_broker_spares_the_name_server() {
        let mut table = FaultTable::default();
        let id = table.inject(rule(None, None, None));
        assert!(table.take(NAME_SERVER, 105, None).is_none());
        table.remove(id);
        table.inject(rule(Some(NAME_SERVER), None, Some("T")));
        assert!(table.take(NAME_SERVER, 105, Some("U")).is_none());
        assert!(table.take(NAME_SERVER, 105, None).is_none());
        assert!(table.take(NAME_SERVER, 105, Some("T")).is_some());
        assert!(table.take("broker-0", 105, Some("T")).is_none());
    }

    #[test]
    fn the_oldest_fitting_rule_acts() {
        let mut table = FaultTable::default();
        table.inject(FaultRule { request_code: Some(34), ..FaultRule::new(Fault::Reset) });
        table.inject(FaultRule::new(Fault::Garbage));
        table.inject(FaultRule::new(Fault::NoAnswer));
        let mut take = |code| table.take("broker-0", code, None).map(|(_, fault)| fault);
        assert_eq!(take(310), Some(Fault::Garbage));
        assert_eq!(take(34), Some(Fault::Reset));
    }
}
