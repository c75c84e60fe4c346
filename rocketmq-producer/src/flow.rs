//! How much a producer may have in flight, and who waits for less.

mod bounds;
mod lots;

pub(crate) use bounds::{Bounds, InFlightShare, Load, Settled};
pub(crate) use lots::Lots;
