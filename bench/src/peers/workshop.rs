//! Where a peer's sources are, where it is built, and that this happens once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// Lines of a failed tool's output that its error shows.
const TAIL_LINES: usize = 8;

/// The two folders of one peer.
#[derive(Debug)]
pub(super) struct Workshop {
    name: &'static str,
    /// `bench/peers/NAME`.
    pub(super) sources: PathBuf,
    /// `target/bench-peers/NAME`.
    pub(super) output: PathBuf,
}

impl Workshop {
    pub(super) fn open(target: &Path, name: &'static str) -> Result<Workshop, Failure> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name);
        let output = std::path::absolute(target)?.join("bench-peers").join(name);
        fs::create_dir_all(&output)?;
        Ok(Workshop { name, sources, output })
    }

    /// Runs `make` unless it has succeeded with the same sources before; anything half done is not believed.
    /// Processes that want the same peer at the same time wait for each other.
    pub(super) fn once(&self, make: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        let lock = File::create(self.output.join("lock"))?;
        lock.lock()?;
        let mut wanted = Vec::new();
        append_files(&self.sources, &mut wanted)?;
        let stamp = self.output.join("stamp");
        if fs::read(&stamp).is_ok_and(|made| made == wanted) {
            return Ok(());
        }
        eprintln!("peers: installing {}", self.name);
        make()?;
        Ok(fs::write(stamp, wanted)?)
    }

    /// What stands after `marker` in one of the sources: a version in the manifest of the peer's own tools.
    pub(super) fn version(&self, file: &str, marker: &str) -> Result<String, Failure> {
        let text = fs::read_to_string(self.sources.join(file))?;
        let (_, rest) = text.split_once(marker).ok_or_else(|| format!("no {marker:?} in {file}"))?;
        let end = rest.find(['<', '"', '\n']).unwrap_or(rest.len());
        Ok(rest[..end].to_owned())
    }

    /// A home folder for clients that write their logs into one.
    pub(super) fn home(&self) -> Result<String, Failure> {
        let home = self.output.join("home");
        fs::create_dir_all(&home)?;
        Ok(text(&home))
    }
}

/// Appends names and contents of all files in a folder, in the order of their names.
fn append_files(folder: &Path, out: &mut Vec<u8>) -> Result<(), Failure> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            append_files(&path, out)?;
        } else {
            out.extend_from_slice(entry.file_name().as_encoded_bytes());
            out.push(b'\n');
            out.extend(fs::read(&path)?);
        }
    }
    Ok(())
}

/// Runs a tool to its end; the error has the end of its output.
pub(super) fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let all = [output.stdout, output.stderr].concat();
    let all = String::from_utf8_lossy(&all);
    let lines: Vec<&str> = all.trim_end().lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
    Err(format!("{program}: {}\n{tail}", output.status).into())
}

/// A path as a word of a command line.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn made_once_and_again_when_a_source_changes() {
        let folder = std::env::temp_dir().join(format!("rmq-bench-workshop-{}", std::process::id()));
        let shop = Workshop { name: "test", sources: folder.join("sources"), output: folder.join("output") };
        fs::create_dir_all(shop.sources.join("inner")).unwrap();
        fs::create_dir_all(&shop.output).unwrap();
        let source = shop.sources.join("inner").join("list");
        fs::write(&source, "client==1.2\n").unwrap();
        assert_eq!(shop.version("inner/list", "client==").unwrap(), "1.2");

        let made = Cell::new(0);
        let make = || {
            made.set(made.get() + 1);
            Ok(())
        };
        assert!(shop.once(|| Err("half done".into())).is_err());
        shop.once(make).unwrap();
        shop.once(make).unwrap();
        assert_eq!(made.get(), 1);
        fs::write(&source, "client==1.3\n").unwrap();
        shop.once(make).unwrap();
        assert_eq!(made.get(), 2);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_failed_tool_is_quoted() {
        let error = run(Command::new("sh").args(["-c", "echo reason; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("reason") && error.contains('3'), "{error}");
        assert!(run(&mut Command::new("no-such-tool")).unwrap_err().to_string().contains("no-such-tool"));
    }
}
