//! What holds of the tree itself: files that the sources print are as these print them, and what is cited is there.

use super::part::Part;
use super::{citations, manual, map};
use crate::{Failure, command, header};

pub(crate) fn run(part: &mut Part<'_>) -> Result<(), Failure> {
    let workspace = part.workspace;
    part.prepare(vec![("release library", workspace.build_library())])?;
    for file in header::GENERATED_HEADERS {
        part.verify(&format!("{file} is committed as the sources print it"), || {
            let committed = command::output(workspace.command("git").args(["show", &format!(":{file}")]))?;
            same(file, &committed, &read(workspace.root.join(file))?)
        });
    }
    for (file, page) in header::PRINTED_PAGES {
        part.verify(&format!("{file} is as its table in the sources prints it"), || {
            same(file, &read(workspace.root.join(file))?, &page())
        });
    }
    part.verify("every section of the protocol page that is cited is there", || citations::check(workspace));
    part.verify("every code block of the manual is one that tests run", || manual::check_blocks(workspace));
    map::check(part);
    part.verify("rmq-uninstalled.pc has the version of the library", || {
        let version = format!("Version: {}", env!("CARGO_PKG_VERSION"));
        let file = read(workspace.root.join("rmq-uninstalled.pc"))?;
        if file.lines().any(|line| line == version) {
            Ok(())
        } else {
            Err(format!("no line {version:?}").into())
        }
    });
    Ok(())
}

fn read(file: std::path::PathBuf) -> Result<String, Failure> {
    std::fs::read_to_string(&file).map_err(|cause| format!("{}: {cause}", file.display()).into())
}

/// Equal, or a failure with the first line that differs.
fn same(file: &str, committed: &str, printed: &str) -> Result<(), Failure> {
    if committed == printed {
        return Ok(());
    }
    let lines = committed.lines().zip(printed.lines());
    let equal = lines.take_while(|(old, new)| old == new).count();
    let line = |text: &str| text.lines().nth(equal).unwrap_or("(the end)").to_owned();
    Err(format!(
        "{file} is not what the sources print: run `cargo xtask header` and commit it\n\
         line {}, as it stands: {}\nline {}, as printed:   {}",
        equal + 1,
        line(committed),
        equal + 1,
        line(printed)
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_shown() {
        assert!(same("x", "a\nb\n", "a\nb\n").is_ok());
        let failure = same("x", "a\nb\nc\n", "a\nB\nc\n").unwrap_err().to_string();
        assert!(
            failure.contains("line 2, as it stands: b\n") && failure.ends_with("printed:   B"),
            "{failure}"
        );
        assert!(same("x", "a\n", "a\nb\n").unwrap_err().to_string().ends_with("line 2, as printed:   b"));
        assert!(same("x", "a\n", "a").is_err(), "a last line without its end differs too");
    }
}
