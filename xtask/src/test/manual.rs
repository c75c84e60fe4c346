//! The code blocks of the README and of the manual, exactly as they stand there: each is compiled and run, or at least read.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::blocks::{Block, blocks};
use super::part::Part;
use crate::python::Environment;
use crate::workspace::Workspace;
use crate::{Failure, command};

/// Where a page's `cc` lines are tried, and the program that they compile: what stands in a user's root folder stands here
/// under the same names.
const PROGRAM_PAGE: &str = "README.md";

/// What a page writes for the address of a name server.
const ADDRESS: &str = "127.0.0.1:9876";

/// The page whose Python programs `tests/python/test_servers.py` runs, in the servers that it names.
const SERVERS_PAGE: &str = "docs/in-your-server.md";

/// Runs a Python program of the manual as the main one, with a mock cluster in the place of the name server that it names.
const RUN_PYTHON: &str = "\
import sys
from rmq.testing import MockCluster
file, address = sys.argv[1:]
with MockCluster() as cluster, open(file) as source:
    text = source.read().replace(address, cluster.name_server)
    exec(compile(text, file, 'exec'))
";

/// Programs with lines in shell blocks, each with its package: a line's options must stand in its help.
const USAGES: [(&str, &str); 3] = [
    ("cargo xtask bench", "rmq-bench"),
    ("cargo xtask ", "xtask"),
    ("cargo run --release -p rocketmq-mock -- ", "rocketmq-mock"),
];

/// Every C block: a whole program is compiled by the shell lines that its page or the README gives, a framed one by the
/// strictest compiler, and both are run.
pub(crate) fn c_blocks(part: &mut Part<'_>) -> Result<(), Failure> {
    let folder = user_folder(part.workspace)?;
    let page = read(part.workspace, PROGRAM_PAGE)?;
    let program = whole(&page, "c").ok_or("README.md: one whole C program expected")?;
    let mut ways = 0;
    for page in pages(part.workspace)? {
        let text = read(part.workspace, &page)?;
        for (number, block) in (1..).zip(blocks(&text)) {
            let what = format!("{page}: block {number}");
            if block.language == "c" {
                c_block(part, &folder, &what, block)?;
            } else if block.language == "sh" && block.text.lines().any(|line| line.starts_with("cc ")) {
                ways += 1;
                way_to_compile(part, &folder, &what, block.text, program)?;
            }
        }
    }
    if ways == 0 { Err("no sh block with a cc line".into()) } else { Ok(()) }
}

fn c_block(part: &mut Part<'_>, folder: &Path, what: &str, block: Block<'_>) -> Result<(), Failure> {
    let (source, executable) = (folder.join("block.c"), folder.join("block"));
    fs::write(&source, block.program(frame_of(part.workspace, block)?.as_deref())?)?;
    remove(&executable)?;
    let mut compiler = part.workspace.command("cc");
    compiler.args([
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        // A frame has what some block of it needs.
        "-Wno-unused",
    ]);
    compiler.arg("-I").arg(part.workspace.include()).arg("-o").arg(&executable).arg(&source);
    compiler.arg("-L").arg(part.workspace.release()).arg("-lrmq");
    compiler.arg(format!("-Wl,-rpath,{}", part.workspace.release().display()));
    part.check(&format!("{what}, compiled"), &mut compiler);
    part.check(what, part.workspace.command(&executable).current_dir(folder));
    Ok(())
}

/// Runs shell lines that compile a program, which has the name that they give it.
fn way_to_compile(
    part: &mut Part<'_>,
    folder: &Path,
    what: &str,
    lines: &str,
    source: &str,
) -> Result<(), Failure> {
    // What is built before stands there already.
    let lines: String =
        lines.lines().filter(|line| !line.starts_with("cargo ")).map(|line| format!("{line}\n")).collect();
    let words: Vec<_> = lines.split_whitespace().collect();
    let value = |option: &str| words.iter().skip_while(|word| **word != option).nth(1).copied();
    let program = value("-o").ok_or_else(|| format!("{what}: no -o in the cc line"))?;
    let file = words.iter().find(|word| word.ends_with(".c"));
    let file = file.ok_or_else(|| format!("{what}: no .c file in the cc line"))?;
    fs::write(folder.join(file), source)?;
    // Else a line that compiles nothing would run what the one before it made.
    remove(&folder.join(program))?;
    let runs_it = words.contains(&format!("./{program}").as_str());
    let script = if runs_it { lines.clone() } else { format!("{lines}./{program}\n") };
    part.check(what, part.workspace.command("sh").args(["-e", "-c", &script]).current_dir(folder));
    Ok(())
}

/// Every Python block, each a program of its own, with a mock in the place of the name server.
pub(crate) fn python_blocks(part: &mut Part<'_>, python: &Environment<'_>) -> Result<(), Failure> {
    let folder = folder(part.workspace)?;
    for page in pages(part.workspace)?.into_iter().filter(|page| page != SERVERS_PAGE) {
        let text = read(part.workspace, &page)?;
        for (number, block) in (1..).zip(blocks(&text)).filter(|(_, block)| block.language == "python") {
            let what = format!("{page}: block {number}");
            let file = folder.join("example.py");
            fs::write(&file, block.text)?;
            let mut run = python.command();
            run.args(["-W", "error", "-c", RUN_PYTHON]).arg(&file).arg(ADDRESS).current_dir(&folder);
            part.check(&what, &mut run);
            let mut mypy = python.command();
            part.check(&format!("{what}, mypy --strict"), mypy.args(["-m", "mypy", "--strict"]).arg(&file));
        }
    }
    Ok(())
}

/// No block is left out: each language has its tests, frames fit, and shell lines name what there is.
pub(crate) fn check_blocks(workspace: &Workspace) -> Result<(), Failure> {
    let usages: Vec<(&str, String)> = USAGES
        .into_iter()
        .map(|(program, package)| {
            let mut help = workspace.cargo();
            help.args(["run", "--quiet", "--package", package, "--", "--help"]);
            Ok((program, command::output(&mut help)?))
        })
        .collect::<Result<_, Failure>>()?;
    for page in pages(workspace)? {
        let text = read(workspace, &page)?;
        for (number, block) in (1..).zip(blocks(&text)) {
            judge(block, &usages).map_err(|fault| format!("{page}: block {number}: {fault}"))?;
            frame_of(workspace, block)?;
            if block.language == "sh" {
                command::output(workspace.command("sh").args(["-n", "-c", block.text]))?;
            }
        }
    }
    Ok(())
}

/// What is wrong with a block, as far as reading it tells.
fn judge(block: Block<'_>, usages: &[(&str, String)]) -> Result<(), String> {
    match (block.language, block.frame) {
        ("c", _) | ("python" | "sh" | "", None) => {}
        (language, Some(_)) => return Err(format!("no frames for blocks of {language:?}")),
        (language, None) => return Err(format!("no test runs blocks of {language:?}")),
    }
    if block.language == "c" && block.frame.is_none() && !block.text.contains("int main(") {
        return Err("neither a whole program nor in a frame".to_owned());
    }
    let lines = block.text.lines().filter(|_| block.language == "sh");
    for line in lines.map(|line| line.split('#').next().unwrap_or_default()) {
        let Some((program, usage)) = usages.iter().find(|(program, _)| line.starts_with(program)) else {
            continue;
        };
        let options = line[program.len()..].split_whitespace().filter(|word| word.starts_with("--"));
        for option in
            options.map(|option| option.trim_start_matches("--")).filter(|option| !option.is_empty())
        {
            if !usage.contains(&format!("--{option}")) {
                return Err(format!("`{}` has no option --{option}", program.trim()));
            }
        }
    }
    Ok(())
}

/// Pages of people, in which blocks stand.
fn pages(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let mut pages: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "bench/README.md"].map(str::to_owned).to_vec();
    for entry in fs::read_dir(workspace.root.join("docs"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    Ok(pages)
}

/// The text of a block's frame.
fn frame_of(workspace: &Workspace, block: Block<'_>) -> Result<Option<String>, Failure> {
    let Some(name) = block.frame else { return Ok(None) };
    let text = read(workspace, &format!("docs/frames/{name}"))?;
    block.program(Some(&text))?;
    Ok(Some(text))
}

/// The only block of a language that is a whole program.
fn whole<'a>(page: &'a str, language: &str) -> Option<&'a str> {
    let mut found =
        blocks(page).into_iter().filter(|block| block.language == language && block.frame.is_none());
    let block = found.next()?;
    found.next().is_none().then_some(block.text)
}

fn read(workspace: &Workspace, page: &str) -> Result<String, Failure> {
    fs::read_to_string(workspace.root.join(page)).map_err(|cause| format!("{page}: {cause}").into())
}

fn folder(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let folder = workspace.target.join("xtask").join("manual");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A folder that looks like a user's root folder after a build.
fn user_folder(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let folder = folder(workspace)?;
    link(&workspace.include(), &folder.join("include"))?;
    fs::create_dir_all(folder.join("target"))?;
    link(&workspace.release(), &folder.join("target").join("release"))?;
    let pc = "rmq-uninstalled.pc";
    link(&workspace.root.join(pc), &folder.join(pc))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(language: &str, text: &str, frame: Option<&str>) -> Result<(), String> {
        let usages = [("cargo xtask bench", "--quick --runs N".to_owned())];
        judge(Block { language, text, frame }, &usages)
    }

    #[test]
    fn a_planted_block_that_nothing_would_run_is_told() {
        assert!(
            judged("rust", "fn main() {}", None).unwrap_err().contains("no test runs blocks of \"rust\"")
        );
        assert!(judged("c", "int a;", None).unwrap_err().contains("neither a whole program"));
        assert!(judged("python", "x", Some("a.py")).unwrap_err().contains("no frames"));
        judged("c", "int main(void) {}", None).unwrap();
        judged("c", "int a;", Some("a.c")).unwrap();
        judged("", "a picture", None).unwrap();
    }

    #[test]
    fn a_planted_option_that_is_not_there_is_told() {
        judged("sh", "cargo xtask bench --quick   # --not-an-option\n", None).unwrap();
        let fault = judged("sh", "cargo xtask bench --slow\n", None).unwrap_err();
        assert_eq!(fault, "`cargo xtask bench` has no option --slow");
    }

    #[test]
    fn one_program_means_one() {
        assert_eq!(whole("```c\na\n```\n<!-- in x -->\n```c\nb\n```\n", "c"), Some("a\n"));
        assert_eq!(whole("```c\na\n```\n```c\nb\n```\n", "c"), None);
        assert_eq!(whole("", "c"), None);
    }
}
