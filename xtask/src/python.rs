//! The Python package in a virtual environment of its own, `target/python`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::workspace::Workspace;
use crate::{Failure, tools};

/// What builds and checks the package; part of the environment, never of the package.
const TOOLS: List = List { file: "bindings/python/requirements-test.txt", marker: "installed-tools.txt" };

/// What its tests run it in.
const SERVERS: List =
    List { file: "bindings/python/requirements-servers.txt", marker: "installed-servers.txt" };

/// Packages for the environment.
struct List {
    file: &'static str,
    /// A copy in the environment: it is installed.
    marker: &'static str,
}

/// The virtual environment.
#[derive(Debug)]
pub(crate) struct Environment<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(workspace: &'a Workspace) -> Environment<'a> {
        Environment { workspace, folder: workspace.target.join("python") }
    }

    /// Its interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    /// A command of its interpreter, in the root folder.
    pub(crate) fn command(&self) -> Command {
        let mut python = self.workspace.command(self.python());
        python.env_remove("PYTHONPATH").env_remove("PYTHONHOME").env("PYTHONDONTWRITEBYTECODE", "1");
        python.env("MYPY_CACHE_DIR", self.folder.join("mypy"));
        python
    }

    /// The commands that make the environment and install the package as it is now, in order.
    ///
    /// The tools are installed once; a changed list makes a new environment.
    pub(crate) fn install(&self) -> Result<Vec<(&'static str, Command)>, Failure> {
        let mut steps = Vec::new();
        let listed = self.install_list(&TOOLS, "Python tools", "mark of the tools")?;
        if !listed.is_empty() {
            tools::require(&[tools::PYTHON])?;
            let mut venv = self.workspace.command("python3");
            venv.args(["-m", "venv", "--clear"]).arg(&self.folder);
            steps.push(("virtual environment", venv));
            steps.extend(listed);
        }
        // A wheel of another version, left from an earlier build, might look newer than ours.
        let wheels = self.workspace.target.join("wheels");
        if wheels.exists() {
            fs::remove_dir_all(&wheels).map_err(|cause| format!("{}: {cause}", wheels.display()))?;
        }
        let mut maturin = self.command();
        maturin.args(["-m", "maturin", "build", "--release", "--quiet", "--out"]).arg(&wheels);
        maturin.arg("--manifest-path").arg(self.workspace.root.join("bindings/python/Cargo.toml"));
        maturin.env("CARGO_TARGET_DIR", &self.workspace.target);
        steps.push(("wheel", maturin));
        let mut pip = self.pip_install();
        pip.args(["--force-reinstall", "--no-index", "--no-deps", "--find-links"]).arg(&wheels).arg("rmq");
        steps.push(("installation of the wheel", pip));
        Ok(steps)
    }

    /// The commands that add the servers that the package is tested in, once.
    pub(crate) fn install_servers(&self) -> Result<Vec<(&'static str, Command)>, Failure> {
        self.install_list(&SERVERS, "Python servers", "mark of the servers")
    }

    /// The commands that install what a list names, if it is not the one that was installed last.
    fn install_list(
        &self,
        list: &List,
        what: &'static str,
        mark: &'static str,
    ) -> Result<Vec<(&'static str, Command)>, Failure> {
        let file = self.workspace.root.join(list.file);
        let wanted = fs::read(&file).map_err(|cause| format!("{}: {cause}", file.display()))?;
        let marker = self.folder.join(list.marker);
        if fs::read(&marker).is_ok_and(|installed| installed == wanted) {
            return Ok(Vec::new());
        }
        let mut pip = self.pip_install();
        pip.arg("--requirement").arg(&file);
        let mut copy = self.workspace.command("cp");
        copy.arg(&file).arg(&marker);
        Ok(vec![(what, pip), (mark, copy)])
    }

    fn pip_install(&self) -> Command {
        let mut pip = self.command();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip
    }
}
