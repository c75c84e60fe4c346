//! The asyncio door: outcomes become results of futures on the loop's own thread.
//!
//! ```text
//! call ──┬──────────────────────┬────────────────────────┬──────────▶ core
//!        └▶ selecting ──────────┤  ┌▶ room_line ─────────┘            │
//!           (route_line, while  └──┘  (while there is no              │ events
//!           queues are looked up)     room in flight)                 ▼
//! futures, hooks ◀── outcomes ◀── drain ◀── descriptor ◀── completion queue
//! ```
//!
//! A producer has one door for each loop it is used on. The door's completion queue has a descriptor that the
//! loop watches; when it is readable the loop calls the door, which resolves a whole batch of futures and lets those
//! go on that waited. There is no task and no executor, neither for a message nor for a call.

mod calls;
mod door;
mod drain;
mod outcomes;
mod producer;
mod results;
mod room_line;
mod route_line;
mod selecting;
mod state;

pub(crate) use door::Door;
pub(crate) use producer::AioProducer;
