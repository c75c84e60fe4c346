//! The examples of the README and of the manual, exactly as they stand there.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::part::Part;
use crate::Failure;
use crate::python::Environment;

/// Pages whose Python examples are whole programs that need no cluster.
const PYTHON_PAGES: [&str; 2] = ["README.md", "docs/testing-with-the-mock.md"];

/// The C example, compiled and run by the shell lines that the README gives below it.
pub(crate) fn c_example(part: &mut Part<'_>) -> Result<(), Failure> {
    let text = read(part, "README.md")?;
    let folder = folder(part)?;
    // What stands in a user's root folder stands here under the same names.
    let root = &part.workspace.root;
    link(&root.join("include"), &folder.join("include"))?;
    fs::create_dir_all(folder.join("target"))?;
    link(&part.workspace.release(), &folder.join("target").join("release"))?;

    let pc = "rmq-uninstalled.pc";
    link(&root.join(pc), &folder.join(pc))?;
    let source = only(&text, "c")?;
    let is_compilation = |block: &&str| block.lines().any(|line| line.starts_with("cc "));
    let ways: Vec<_> = blocks(&text, "sh").into_iter().filter(is_compilation).collect();
    if ways.is_empty() {
        return Err("README.md: no sh block with a cc line".into());
    }
    for (index, lines) in ways.into_iter().enumerate() {
        let words: Vec<_> = lines.split_whitespace().collect();
        let value = |option: &str| words.iter().skip_while(|word| **word != option).nth(1).copied();
        let program = value("-o").ok_or("README.md: no -o in the cc line")?;
        let file =
            words.iter().find(|word| word.ends_with(".c")).ok_or("README.md: no .c file in the cc line")?;
        fs::write(folder.join(file), source)?;
        // Else a line that compiles nothing would run what the one before it made.
        remove(&folder.join(program))?;
        let mut shell = part.workspace.command("sh");
        shell.args(["-e", "-c", lines]).current_dir(&folder);
        part.check(&format!("README: the C example, compiled in way {}", index + 1), &mut shell);
    }
    Ok(())
}

/// The Python examples, each a program of its own.
pub(crate) fn python_examples(part: &mut Part<'_>, python: &Environment<'_>) -> Result<(), Failure> {
    let folder = folder(part)?;
    for page in PYTHON_PAGES {
        let text = read(part, page)?;
        let sources = blocks(&text, "python");
        if sources.is_empty() {
            return Err(format!("{page}: no Python example").into());
        }
        for (index, source) in sources.into_iter().enumerate() {
            let what = format!("{page}: Python example {}", index + 1);
            let file = folder.join("example.py");
            fs::write(&file, source)?;
            part.check(&what, python.command().args(["-W", "error"]).arg(&file).current_dir(&folder));
            let mut mypy = python.command();
            part.check(&format!("{what}, mypy --strict"), mypy.args(["-m", "mypy", "--strict"]).arg(&file));
        }
    }
    Ok(())
}

fn read(part: &Part<'_>, page: &str) -> Result<String, Failure> {
    let file = part.workspace.root.join(page);
    fs::read_to_string(&file).map_err(|cause| format!("{}: {cause}", file.display()).into())
}

fn folder(part: &Part<'_>) -> Result<PathBuf, Failure> {
    let folder = part.workspace.target.join("xtask").join("readme");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn link(original: &Path, link: &Path) -> io::Result<()> {
    remove(link)?;
    symlink(original, link)
}

/// Removes a file that may be there.
fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn only<'a>(text: &'a str, language: &str) -> Result<&'a str, Failure> {
    match blocks(text, language)[..] {
        [block] => Ok(block),
        ref others => Err(format!("README.md: {} blocks of {language}, one expected", others.len()).into()),
    }
}

/// The texts between "```language" and "```", without these lines.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("```") {
        let block = &rest[start..];
        let body = block.find('\n').map_or("", |end| &block[end + 1..]);
        let end = if body.starts_with("```") { Some(0) } else { body.find("\n```").map(|end| end + 1) };
        let Some(end) = end else { break };
        if block.starts_with(&opening) {
            found.push(&body[..end]);
        }
        rest = &body[end + 3..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# x\n```c\nint a;\n\nint b;\n```\ntext `c`\n```sh\ncc a.c\n```\n```c\n```\n```cpp\nno\n```\n";

    #[test]
    fn blocks_are_found_by_their_language_and_kept_as_they_stand() {
        assert_eq!(blocks(TEXT, "c"), ["int a;\n\nint b;\n", ""]);
        assert_eq!(blocks(TEXT, "sh"), ["cc a.c\n"]);
        assert!(blocks(TEXT, "python").is_empty());
        assert!(blocks("```c\nnever closed\n", "c").is_empty());
    }

    #[test]
    fn one_means_one() {
        assert_eq!(only(TEXT, "sh").unwrap(), "cc a.c\n");
        assert!(only(TEXT, "c").is_err());
        assert!(only(TEXT, "python").is_err());
    }
}
