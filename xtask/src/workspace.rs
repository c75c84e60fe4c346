//! Where things are.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::command;

/// The source tree and the folder that everything is built into.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Root folder of the sources.
    pub(crate) root: PathBuf,
    /// Cargo's target directory, `target/` unless the user's configuration names another.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Workspace, Failure> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?.to_owned();
        let workspace = Workspace { target: root.join("target"), root };
        let mut metadata = workspace.cargo();
        let text = command::output(metadata.args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: serde_json::Value =
            serde_json::from_str(&text).map_err(|cause| format!("cargo metadata: {cause}"))?;
        let target =
            metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
        Ok(Workspace { target: PathBuf::from(target), ..workspace })
    }

    /// `cargo`, the one that runs us, in the root folder.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Any program, in the root folder.
    ///
    /// `cargo run` puts the folders of its own libraries before the user's `LD_LIBRARY_PATH`, where a C program would
    /// find a debug build of our library before the one it was linked to: they are taken out again.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        if let Some(paths) = env::var_os("LD_LIBRARY_PATH") {
            let kept = env::split_paths(&paths).filter(|path| !path.starts_with(&self.target));
            match env::join_paths(kept) {
                Ok(kept) if !kept.is_empty() => command.env("LD_LIBRARY_PATH", kept),
                _ => command.env_remove("LD_LIBRARY_PATH"),
            };
        }
        command
    }

    /// The folder of the release libraries, `librmq.so` and `librmq.a`.
    pub(crate) fn release(&self) -> PathBuf {
        self.target.join("release")
    }

    /// The folder of the C headers.
    pub(crate) fn include(&self) -> PathBuf {
        self.root.join("include")
    }

    /// The command that builds the release libraries.
    pub(crate) fn build_library(&self) -> Command {
        let mut cargo = self.cargo();
        cargo.args(["build", "--release", "--package", "rmq"]);
        cargo
    }
}
