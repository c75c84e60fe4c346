//! Memory of sends that are over, by size, for those that come.

mod recycled;
mod size_classes;

pub(crate) use recycled::Memory;
