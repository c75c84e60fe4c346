//! The map of the house: rooms import only from rooms below.
//!
//! `table.rs` has the rooms with their floors, and what still breaks the rule: *known* counts, which may only be lowered.
//! `modules.rs` reads the modules of a crate, `imports.rs` follows their paths, through `pub use`, to the file that has the
//! name; `graph.rs` finds circles; `rooms.rs` judges.

mod crates;
mod graph;
mod imports;
mod modules;
mod page;
mod rooms;
mod table;

pub(crate) use page::page;

use super::part::Part;

/// One test for each part of the house.
pub(crate) fn check(part: &mut Part<'_>) {
    let workspace = part.workspace;
    part.verify("the crates import downward only", || crates::check(workspace));
    for house in table::HOUSES {
        part.verify(&format!("{}: the map holds", house.name), || {
            let edges = imports::of_crate(&workspace.root.join(house.root))?;
            rooms::check(house, &edges)
        });
    }
}
