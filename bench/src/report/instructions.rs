//! The table of instructions.

use std::fmt::Write as _;

use super::figures::{cell, grouped};
use crate::results::Results;

/// Empty when nothing was counted.
pub(super) fn text(results: &Results) -> String {
    let mut text = String::new();
    if results.instructions.is_empty() {
        return text;
    }
    text.push_str("\n| program | instructions/message |\n| --- | ---: |\n");
    for counted in &results.instructions {
        let _ =
            writeln!(text, "| {} | {} |", counted.program, cell(counted.per_message.clone().ok(), grouped));
    }
    text.push_str(
        "\nCounted by callgrind, of all threads of the client; nothing else on the machine changes them. They depend on \
         compiler and options.\n",
    );
    text
}
