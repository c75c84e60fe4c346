//! The asyncio door: outcomes become results of futures on the loop's own thread.
//!
//! A producer has one door for each loop it is used on. The door's completion queue has a descriptor that the
//! loop watches; when it is readable the loop calls the door, which resolves a whole batch of futures. There is
//! no task and no executor, neither for a message nor for a call.

mod calls;
mod door;
mod producer;
mod results;
mod room_line;
mod selecting;
mod state;

pub(crate) use door::Door;
pub(crate) use producer::AioProducer;
pub(crate) use selecting::Selecting;
