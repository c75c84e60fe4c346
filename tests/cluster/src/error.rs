//! Why a cluster did not start or a program did not run.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Everything that can go wrong between «start a cluster» and «here is what it stored».
#[derive(Debug)]
pub enum LaunchError {
    /// A program of the machine could not be run.
    Tool {
        /// Its name.
        program: String,
        /// Debian package that holds it.
        package: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file or socket operation failed.
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A command ended with a failure.
    Failed {
        /// What was run.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its output.
        tail: String,
    },
    /// A process did not do in time what was waited for.
    NotReady {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// The last thing seen, and the end of the processes' output.
        tail: String,
    },
    /// A peer sent what the protocol does not allow.
    Wire {
        /// What was being done.
        what: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An environment variable that the tests need is not set.
    Environment {
        /// Its name.
        name: &'static str,
        /// What it must hold.
        meaning: &'static str,
    },
    /// No block of free ports was found.
    NoPorts,
    /// Brokers would refuse messages.
    DiskFull {
        /// Where their stores are to be.
        folder: PathBuf,
        /// How much of its disk is used.
        percent: u64,
        /// How much may not be.
        limit: u64,
    },
}

impl LaunchError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> LaunchError {
        let what = what.into();
        move |source| LaunchError::Io { what, source }
    }

    pub(crate) fn path(action: &str, path: &Path) -> impl FnOnce(io::Error) -> LaunchError {
        let what = format!("{action} {}", PathBuf::from(path).display());
        move |source| LaunchError::Io { what, source }
    }

    pub(crate) fn wire<E>(what: &str) -> impl FnOnce(E) -> LaunchError
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let what = what.to_owned();
        move |source| LaunchError::Wire { what, source: source.into() }
    }
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LaunchError::Tool { program, package, source } => {
                write!(f, "cannot run `{program}` (Debian package {package}): {source}")
            }
            LaunchError::Io { what, source } => write!(f, "{what}: {source}"),
            LaunchError::Failed { what, status, tail } => write!(f, "{what} ended with {status}:\n{tail}"),
            LaunchError::NotReady { what, waited, tail } => {
                write!(f, "no {what} within {:.1} s:\n{tail}", waited.as_secs_f64())
            }
            LaunchError::Wire { what, source } => write!(f, "{what}: {source}"),
            LaunchError::Environment { name, meaning } => {
                write!(f, "the environment variable {name} is not set; it must hold {meaning}")
            }
            LaunchError::NoPorts => {
                f.write_str("no free block of ten loopback ports between 20000 and 32000")
            }
            LaunchError::DiskFull { folder, percent, limit } => write!(
                f,
                "{percent} % of the disk of {} are used; from {limit} % on brokers refuse messages: make room",
                folder.display()
            ),
        }
    }
}

impl std::error::Error for LaunchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LaunchError::Tool { source, .. } | LaunchError::Io { source, .. } => Some(source),
            LaunchError::Wire { source, .. } => Some(source.as_ref()),
            LaunchError::Failed { .. }
            | LaunchError::NotReady { .. }
            | LaunchError::Environment { .. }
            | LaunchError::NoPorts
            | LaunchError::DiskFull { .. } => None,
        }
    }
}
