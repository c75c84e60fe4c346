//! How much is in flight: the keys `in.flight.*`.

use super::reader::Reader;
use crate::error::Error;

/// What a send does that finds too much in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InFlightFull {
    /// The send fails at once.
    Fail,
    /// The send waits for room until its deadline.
    Wait,
}

pub(super) fn in_flight_full(reader: &Reader<'_>) -> Result<InFlightFull, Error> {
    reader.choice("in.flight.full", |word| match word {
        "fail" => Some(InFlightFull::Fail),
        "wait" => Some(InFlightFull::Wait),
        _ => None,
    })
}
