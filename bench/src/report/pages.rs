//! The files that show results.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::chart::{Bar, Group, Kind, svg};
use super::figures::grouped;
use super::{folder, text};
use crate::Failure;
use crate::results::{Case, Figure, Results};
use crate::workload::{Mode, USUAL_BODY};

/// Between these lines of the page of the manual everything is made from results.
const BEGIN: &str = "<!-- figures: made by `cargo xtask bench --report` -->\n";
const END: &str = "<!-- end of the figures -->\n";

/// Name of the file, title, and median of what.
const PLOTS: [(&str, &str, Figure); 2] = [
    ("rate", "Messages per second (more is better)", |run| Some(run.messages_per_second)),
    ("cpu", "Client CPU per message in µs (less is better)", |run| Some(run.cpu_us_per_message)),
];

pub(super) fn write(all: &[Results]) -> Result<(), Failure> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let mut page = String::new();
    for (number, results) in (1..).zip(all) {
        let target = &results.session.target;
        let _ = write!(page, "## {target}\n\n{}\n", text(results));
        for (name, title, value) in PLOTS {
            let file = format!("{number}-{name}.svg");
            let title = format!("{title}: {target}");
            fs::write(folder.join(&file), svg(&title, &groups(results, value)))?;
            let _ = write!(page, "![{title}]({file})\n\n");
        }
    }
    fs::write(folder.join("summary.md"), format!("# Results\n\n{}\n", page.trim_end()))?;
    let manual = manual();
    let old = fs::read_to_string(&manual).map_err(|error| format!("{}: {error}", manual.display()))?;
    let new = replaced(&old, &page.replace("](", "](../bench/results/"))
        .ok_or_else(|| format!("{}: the lines around the figures are missing", manual.display()))?;
    Ok(fs::write(&manual, new)?)
}

fn manual() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md")
}

fn replaced(page: &str, figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{figures}{END}{after}"))
}

fn groups(results: &Results, value: Figure) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for case in results.cases() {
        let Some(value) = results.median(&case.program, value) else { continue };
        let kind = match case.driver.as_str() {
            "raw" => Kind::Limit,
            _ if case.ours.is_empty() => Kind::Ours,
            _ => Kind::Peer,
        };
        let bar = Bar { name: case.program.clone(), value, kind };
        let name = heading(case);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.bars.push(bar),
            None => groups.push(Group { name, bars: vec![bar] }),
        }
    }
    groups
}

fn heading(case: &Case) -> String {
    let mut text = match case.mode {
        Mode::Lone => "one at a time".to_owned(),
        Mode::Threads => format!("{} threads, one at a time each", case.window),
        Mode::Async => format!("{} in flight", grouped(case.window as f64)),
        Mode::Oneway => "one-way".to_owned(),
        Mode::Batch => "wire batches".to_owned(),
        Mode::Many => "lists".to_owned(),
    };
    if case.body != USUAL_BODY {
        let _ = write!(text, ", bodies of {} bytes", case.body);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_lines_changes() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&page, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n{END}after\n"));
        assert_eq!(replaced("no lines", ""), None);
    }
}
