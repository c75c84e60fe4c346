//! What the messages of one request share, and where its attempts go.

use std::sync::Arc;
use std::time::Duration;

use super::context::SendContext;
use super::sends::Sends;
use crate::broker_address::BrokerAddress;
use crate::error::{Error, ErrorCode};
use crate::routing::{Broker, Master, Topic, Verdict};
use crate::sys::Moment;

/// One request: its topic, and where and since when its attempt is under way.
pub(super) struct Request {
    pub(super) context: Arc<SendContext>,
    pub(super) topic: Arc<Topic>,
    pub(super) aim: Aim,
    /// When the attempt under way began, or the wait for the next one.
    pub(super) started: Moment,
}

/// Where the attempt under way goes, or the last one went.
#[derive(Clone)]
pub(super) enum Aim {
    /// The first attempt has to choose its queue yet.
    Open,
    /// The next attempt goes there.
    Chosen { broker: Arc<Broker>, queue_id: i32 },
    /// The attempt ended there: no route names a master of that broker.
    NoMaster { broker: Arc<Broker>, queue_id: i32 },
    /// The attempt went to the address that the broker had then.
    Master {
        master: Arc<Master>,
        queue_id: i32,
        /// The statistics know of the attempt, and not of its end.
        is_under_way: bool,
    },
}

impl Request {
    /// Another one with the same aim, for some of the messages. The statistics know the attempt under way of this one only.
    pub(super) fn another(&self) -> Self {
        let mut aim = self.aim.clone();
        if let Aim::Master { is_under_way, .. } = &mut aim {
            *is_under_way = false;
        }
        let (context, topic) = (Arc::clone(&self.context), Arc::clone(&self.topic));
        Self { context, topic, aim, started: self.started }
    }

    /// Begins an attempt at the chosen queue; an error if its broker has no master.
    pub(super) fn engage(&mut self) -> Result<Arc<Master>, Error> {
        let Aim::Chosen { broker, queue_id } = std::mem::replace(&mut self.aim, Aim::Open) else {
            return Err(Error::new(ErrorCode::Internal, "an attempt without a queue"));
        };
        match broker.master() {
            Some(master) => {
                let chosen = Arc::clone(&master);
                self.aim = Aim::Master { master: chosen, queue_id, is_under_way: false };
                Ok(master)
            }
            None => {
                self.context.client.routes.doubt(&self.topic);
                let text = format!("broker {} has no master in any route", broker.name);
                self.aim = Aim::NoMaster { broker, queue_id };
                Err(Error::new(ErrorCode::NoRoute, text))
            }
        }
    }

    /// The attempt is handed to the connection.
    pub(super) fn submitted(&mut self) {
        if let Aim::Master { master, is_under_way, .. } = &mut self.aim {
            self.context.recorder.attempted(master.id, &master.address.name);
            *is_under_way = true;
        }
    }

    /// Tells statistics and fault strategy how the attempt went; no verdict: it says nothing of the broker. Sends that are
    /// bound to a queue have no part in the strategy.
    pub(super) fn conclude(&mut self, verdict: Option<Verdict>, sends: &Sends, now: Moment) {
        let latency = self.latency(now);
        let Aim::Master { master, is_under_way, .. } = &mut self.aim else { return };
        if std::mem::take(is_under_way) {
            match verdict {
                Some(Verdict::Stored) => self.context.recorder.attempt_succeeded(master.id, latency),
                _ => self.context.recorder.attempt_failed(master.id),
            }
        }
        if let (Some(faults), Some(verdict)) = (&self.context.faults, verdict)
            && !sends.are_bound()
        {
            faults.record(&master.address.name, latency, verdict, now);
        }
    }

    /// How long the attempt under way has taken so far.
    pub(super) fn latency(&self, now: Moment) -> Duration {
        now.since(self.started)
    }

    pub(super) fn master(&self) -> Option<&Arc<Master>> {
        match &self.aim {
            Aim::Master { master, .. } => Some(master),
            Aim::Open | Aim::Chosen { .. } | Aim::NoMaster { .. } => None,
        }
    }

    /// The broker of the attempt, at its address.
    pub(super) fn address(&self) -> Option<&Arc<BrokerAddress>> {
        self.master().map(|master| &master.address)
    }

    /// Name and address of the broker of the attempt, as far as there are any.
    pub(super) fn tried(&self) -> (Arc<str>, Arc<str>) {
        match &self.aim {
            Aim::Open => Default::default(),
            Aim::Chosen { broker, .. } | Aim::NoMaster { broker, .. } => {
                (Arc::clone(&broker.name), Arc::default())
            }
            Aim::Master { master, .. } => {
                (Arc::clone(&master.address.name), Arc::clone(&master.address.address))
            }
        }
    }

    pub(super) fn queue_id(&self) -> i32 {
        match &self.aim {
            Aim::Open => 0,
            Aim::Chosen { queue_id, .. } | Aim::NoMaster { queue_id, .. } | Aim::Master { queue_id, .. } => {
                *queue_id
            }
        }
    }
}
