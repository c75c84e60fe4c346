//! The page of the manual that the table of rooms prints.

use super::rooms::Room;
use super::table::CORE;

/// The rooms of the core, floor by floor.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "<!-- Printed by `cargo xtask header` from xtask/src/test/map/table.rs. -->\n\n\
         # The rooms of the producer core\n\n\
         A room is one job. It imports only rooms of lower floors: `cargo xtask test --only checks` reads the imports of\n\
         `rocketmq-producer/src`, through `pub use`, and holds them against this table. [architecture.md](architecture.md)\n\
         follows a message through the rooms.\n\n\
         | floor | room | its one job | files |\n| --- | --- | --- | --- |\n",
    );
    for (below, rooms) in CORE.floors.iter().rev().enumerate().rev() {
        rooms.iter().for_each(|room| page.push_str(&row(below, room)));
    }
    page
}

fn row(floor: usize, (name, job, files): &Room) -> String {
    let files: Vec<_> = files.iter().map(|file| format!("`{file}`")).collect();
    format!("| {floor} | **{name}** | {job} | {} |\n", files.join(" "))
}
