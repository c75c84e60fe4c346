//! Comments cite the protocol page of the manual by section, as in `protocol 5.8`: every section that is cited is there.

use std::collections::BTreeSet;

use crate::workspace::Workspace;
use crate::{Failure, command};

/// The page with the sections.
const PAGE: &str = "docs/protocol.md";
/// Where citations stand.
const ENDINGS: [&str; 8] = [".rs", ".py", ".pyi", ".c", ".h", ".java", ".md", ".toml"];
const WORD: &str = "protocol";

/// Fails on the first citation of each file whose section is not there.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let sections = sections(&read(workspace, PAGE)?);
    // Files not committed yet are read too, ignored ones are not.
    let mut git = workspace.command("git");
    let files = command::output(git.args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    let mut stale = String::new();
    let mut found = 0;
    for file in files.lines().filter(|file| ENDINGS.iter().any(|ending| file.ends_with(ending))) {
        // A file may be deleted and not yet committed so; this one shows what is wrong.
        if file == PAGE || file.ends_with("test/citations.rs") || !workspace.root.join(file).exists() {
            continue;
        }
        for (line, section) in citations(&read(workspace, file)?) {
            found += 1;
            if !sections.contains(&section) {
                stale.push_str(&format!("{file}:{line}: protocol {section}\n"));
            }
        }
    }
    match (stale.as_str(), found) {
        ("", 1..) => Ok(()),
        ("", _) => Err(format!("no citation of {PAGE} was found at all").into()),
        _ => Err(format!("{PAGE} has no such sections:\n{stale}").into()),
    }
}

fn read(workspace: &Workspace, file: &str) -> Result<String, Failure> {
    std::fs::read_to_string(workspace.root.join(file)).map_err(|cause| format!("{file}: {cause}").into())
}

/// The numbers of the headings.
fn sections(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with("##"));
    headings
        .filter_map(|line| Some(number(line.trim_start_matches('#').trim_start())?.0.to_owned()))
        .collect()
}

/// Every section that a text cites, with its line: after the word and a space a number, or several with `, `, ` and ` or
/// ` to ` between.
fn citations(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(WORD) {
        let begins_a_word = !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '-');
        let line = text[..at].matches('\n').count() + 1;
        let mut rest = &text[at + WORD.len()..];
        let mut separators: &[&str] = &[" "];
        while begins_a_word
            && let Some(after) = separators.iter().find_map(|separator| rest.strip_prefix(separator))
            && let Some((section, after)) = number(after)
        {
            found.push((line, section.to_owned()));
            rest = after;
            separators = &[", ", " and ", " to "];
        }
    }
    found
}

/// The number that a text begins with, digits with points between, and what follows it.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    (!number.is_empty()).then(|| (number, &text[number.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cited(text: &str) -> Vec<String> {
        citations(text).into_iter().map(|(_, section)| section).collect()
    }

    #[test]
    fn sections_are_the_numbers_of_headings() {
        let page = "# 9. Title\n## 1. One\ntext 3\n### 1.1 Two\n#### 5.5.1 Three\n## Appendix\n";
        assert_eq!(sections(page).into_iter().collect::<Vec<_>>(), ["1", "1.1", "5.5.1"]);
    }

    #[test]
    fn citations_are_found_alone_and_in_lists() {
        assert_eq!(cited("// as there (protocol 5.8).\n"), ["5.8"]);
        assert_eq!(cited("protocol 2.2 to 2.7, protocol 5.3, 6.2 and 7."), ["2.2", "2.7", "5.3", "6.2", "7"]);
        assert_eq!(cited("protocol 5.7, 14.6)"), ["5.7", "14.6"]);
        assert!(cited("rocketmq-protocol 0.1, the protocol itself, protocols 1").is_empty());
        assert_eq!(citations("a\nb protocol 1\n"), [(2, "1".to_owned())]);
    }

    #[test]
    fn a_planted_citation_of_no_section_is_told_with_its_place() {
        let root = std::env::temp_dir().join(format!("xtask-citations-{}", std::process::id()));
        std::fs::create_dir_all(root.join("docs")).unwrap();
        let workspace = Workspace { root: root.clone(), target: root.join("target") };
        command::output(workspace.command("git").args(["init", "--quiet"])).unwrap();
        std::fs::write(root.join(PAGE), "## 5. Five\n### 5.8 Batch\n").unwrap();
        assert!(check(&workspace).is_err(), "nothing is cited");
        std::fs::write(root.join("a.rs"), "// protocol 5.8\n").unwrap();
        check(&workspace).unwrap();
        std::fs::write(root.join("b.rs"), "//\n// protocol 5, 5.9\n").unwrap();
        let failure = check(&workspace).unwrap_err().to_string();
        assert!(failure.contains("b.rs:2: protocol 5.9") && !failure.contains("a.rs"), "{failure}");
        std::fs::remove_dir_all(root).unwrap();
    }
}
