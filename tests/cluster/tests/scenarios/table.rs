//! The rows: a name, what is sent where, what must come back. They run in order on a fresh cluster of one broker named
//! `broker-0`, so a row may build on what earlier rows stored.

use std::collections::BTreeMap;

use cluster::wire::{Answer, Request};

use crate::expect::{Columns, Expected};

/// Answers of the rows before, by row name.
pub(crate) type Seen = BTreeMap<&'static str, Answer>;

type MakeRequest = Box<dyn Fn(&Seen) -> Request>;
pub(crate) type BodyRule = dyn Fn(&Answer, &Seen) -> Result<(), String>;
type CheckBody = Box<BodyRule>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    NameServer,
    Broker,
    /// The broker through its VIP port.
    Vip,
}

pub(crate) enum Action {
    /// One request, one answer. The body is checked beyond the columns where a row says how.
    Call { request: MakeRequest, expected: Columns, body: Option<CheckBody> },
    /// As `Call`, repeated until it fits: for what becomes visible a moment after an answer.
    Until { request: MakeRequest, expected: Columns, body: Option<CheckBody> },
    /// Bytes that make the server close the connection without a word.
    Closes(Vec<u8>),
}

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) peer: Peer,
    pub(crate) action: Action,
}

/// The table while it is being written down.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// A request to the broker.
    pub(crate) fn broker(&mut self, name: &'static str, request: Request, expected: impl Into<Columns>) {
        self.call(name, Peer::Broker, move |_| request.clone(), expected, None);
    }

    /// A request to the name server.
    pub(crate) fn name_server(&mut self, name: &'static str, request: Request, expected: impl Into<Columns>) {
        self.call(name, Peer::NameServer, move |_| request.clone(), expected, None);
    }

    /// A request made from earlier answers, and a look at the body of its answer.
    pub(crate) fn call(
        &mut self,
        name: &'static str,
        peer: Peer,
        request: impl Fn(&Seen) -> Request + 'static,
        expected: impl Into<Columns>,
        body: Option<CheckBody>,
    ) {
        let action = Action::Call { request: Box::new(request), expected: expected.into(), body };
        self.rows.push(Row { name, peer, action });
    }

    /// As [`Table::call`], repeated until it fits.
    pub(crate) fn until(
        &mut self,
        name: &'static str,
        peer: Peer,
        request: impl Fn(&Seen) -> Request + 'static,
        expected: impl Into<Columns>,
        body: Option<CheckBody>,
    ) {
        let action = Action::Until { request: Box::new(request), expected: expected.into(), body };
        self.rows.push(Row { name, peer, action });
    }

    /// A one-way request to the broker: no answer may come.
    pub(crate) fn oneway(&mut self, name: &'static str, request: Request) {
        self.broker(name, request.oneway(), Expected::silence());
    }

    /// Bytes that both servers refuse by closing.
    pub(crate) fn closes(&mut self, name: &'static str, bytes: &[u8]) {
        for peer in [Peer::Broker, Peer::NameServer] {
            self.rows.push(Row { name, peer, action: Action::Closes(bytes.to_vec()) });
        }
    }
}

impl From<Expected> for Columns {
    fn from(expected: Expected) -> Columns {
        Columns::all(expected)
    }
}

/// Boxes a check of the body.
pub(crate) fn body(check: impl Fn(&Answer, &Seen) -> Result<(), String> + 'static) -> Option<CheckBody> {
    Some(Box::new(check))
}
