//! How much a producer may have in flight, and who waits for less.
//!
//! ```text
//! send ── try_take ─┬─▶ InFlightShare ── dropped, or given back in a lot ──┐
//!                   │                                                     ▼
//!                   ├─ blocking send: sleeps ◀───────────────────── tell_of_room
//!                   └─ refused: noted in `Refusals` ◀─ hears of room, once ┘
//! ```

mod bounds;
mod falling;
mod refusals;
mod settled;
mod share;
#[cfg(test)]
mod tests;

pub(crate) use bounds::{Bounds, ProducerTag};
pub(crate) use refusals::HearsOfRoom;
pub(crate) use settled::{Load, Settled};
pub(crate) use share::{GivenBack, InFlightShare};
