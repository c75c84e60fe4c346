//! The programs of the machine that a command needs, checked before it starts.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;

/// A program, and what to install where it is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
    /// What a Python must have besides, and the statement that fails where it has not; Debian packs some apart.
    has: Option<(&'static str, &'static str)>,
}

const fn tool(program: &'static str, package: &'static str) -> Tool {
    Tool { program, package, has: None }
}

const fn python_with(package: &'static str, what: &'static str, statement: &'static str) -> Tool {
    Tool { program: "python3", package, has: Some((what, statement)) }
}

/// For the library and C programs.
pub(crate) const C: &[Tool] = &[tool("cargo", "rustup"), tool("cc", "gcc")];
/// For the Python package.
pub(crate) const PYTHON: &[Tool] = &[
    tool("python3", "python3"),
    python_with("python3-venv", "the modules venv and ensurepip", "import venv, ensurepip"),
];
/// For its tests: the servers that they run it in, of which one is compiled, and a C program that embeds the interpreter.
pub(crate) const PYTHON_TESTS: &[Tool] = &[
    python_with("python3", "version 3.11 or newer", "import sys; assert sys.version_info >= (3, 11)"),
    python_with(
        "python3-dev",
        "its C headers",
        "import pathlib, sysconfig; assert pathlib.Path(sysconfig.get_paths()['include'], 'Python.h').is_file()",
    ),
];
/// For Apache clusters.
pub(crate) const JAVA: &[Tool] =
    &[tool("java", "default-jdk-headless"), tool("javac", "default-jdk-headless"), tool("mvn", "maven")];
/// For the tests of the C library: headers as C++, symbols, and the README's way with pkg-config.
pub(crate) const C_TESTS: &[Tool] = &[
    tool("c++", "g++"),
    tool("nm", "binutils"),
    tool("readelf", "binutils"),
    tool("pkg-config", "pkg-config"),
];
/// For the comparison with what is committed.
pub(crate) const GIT: &[Tool] = &[tool("git", "git")];

/// Names everything that is missing at once.
pub(crate) fn require(groups: &[&[Tool]]) -> Result<(), Failure> {
    require_in(&env::var_os("PATH").unwrap_or_default(), groups)
}

fn require_in(path: &OsStr, groups: &[&[Tool]]) -> Result<(), Failure> {
    let mut missing: Vec<Tool> = Vec::new();
    for tool in groups.iter().copied().flatten() {
        // Without the program itself nothing is known of what it has: a later line would only repeat the first.
        let named = missing.iter().any(|other| other.program == tool.program);
        if !named && !is_there(path, tool) {
            missing.push(*tool);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let lines: String = missing.iter().map(line).collect();
    let mut packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    packages.dedup();
    Err(format!("tools are missing:\n{lines}on Debian: apt-get install {}", packages.join(" ")).into())
}

fn line(tool: &Tool) -> String {
    let what = match tool.has {
        None => tool.program.to_owned(),
        Some((what, _)) => format!("{} with {what}", tool.program),
    };
    format!("  {what} (Debian package {})\n", tool.package)
}

fn is_there(path: &OsStr, tool: &Tool) -> bool {
    let Some(program) =
        env::split_paths(path).map(|folder| folder.join(tool.program)).find(|file| is_program(file))
    else {
        return false;
    };
    let Some((_, statement)) = tool.has else { return true };
    let mut python = Command::new(program);
    python.args(["-c", statement]);
    python.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_tool_is_named_at_once_with_its_package() {
        let failure = require_in(OsStr::new("/nowhere"), &[C, PYTHON, JAVA]).unwrap_err().to_string();
        for line in ["cargo (Debian package rustup)", "cc (Debian package gcc)", "mvn (Debian package maven)"]
        {
            assert!(failure.contains(line), "{failure}");
        }
        assert_eq!(failure.matches("python3 ").count(), 2, "its line and the last one: {failure}");
        assert!(
            failure.ends_with("apt-get install rustup gcc python3 default-jdk-headless maven"),
            "{failure}"
        );
    }

    #[test]
    fn a_python_without_venv_is_found_out() {
        let python = python_with("python3-venv", "no such module", "import venv, no_such_module_of_python");
        let path = env::var_os("PATH").unwrap();
        let failure = require_in(&path, &[&[python]]).unwrap_err().to_string();
        assert!(failure.contains("python3 with no such module (Debian package python3-venv)"), "{failure}");
    }

    #[test]
    fn what_is_there_is_not_asked_for() {
        let path = env::var_os("PATH").unwrap();
        require_in(&path, &[&[tool("sh", "dash")]]).unwrap();
        assert!(require_in(OsStr::new("/etc"), &[&[tool("passwd", "passwd")]]).is_err(), "not executable");
    }
}
