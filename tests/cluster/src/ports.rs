//! Loopback ports for servers that cannot be told «any free port».

use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use crate::{LaunchError, work_dir};

/// Below Linux' default range of ephemeral ports, so that no outgoing connection takes one between check and use.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;
const SPACING: u16 = 10;

/// A port whose neighbours, 2 below (the VIP port) to 1 above (the HA port), are free too. No other test process gets
/// one of the same ten as long as this value lives; its run folder belongs to it for that time.
#[derive(Debug)]
pub struct PortBlock {
    /// The port to listen on.
    pub port: u16,
    /// An empty folder for the server's files.
    pub folder: PathBuf,
    _lock: File,
}

impl PortBlock {
    /// Takes a free block. Where the search begins differs by workspace: another one on the same machine knows nothing
    /// of our locks, and a server binds its ports seconds after they were found free.
    ///
    /// # Errors
    /// None is free, or the run folder cannot be written.
    pub fn reserve() -> Result<PortBlock, LaunchError> {
        let run = work_dir().join("run");
        fs::create_dir_all(&run).map_err(LaunchError::path("create", &run))?;
        for base in bases(&run) {
            let lock_path = run.join(format!("{base}.lock"));
            let lock = File::create(&lock_path).map_err(LaunchError::path("create", &lock_path))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(e)) => return Err(LaunchError::path("lock", &lock_path)(e)),
            }
            let port = base + 4;
            if ![port - 2, port, port + 1].into_iter().all(is_free) {
                continue;
            }
            let folder = run.join(base.to_string());
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(LaunchError::path("empty", &folder))?;
            }
            fs::create_dir_all(&folder).map_err(LaunchError::path("create", &folder))?;
            return Ok(PortBlock { port, folder, _lock: lock });
        }
        Err(LaunchError::NoPorts)
    }
}

impl Drop for PortBlock {
    fn drop(&mut self) {
        // What stays is removed by the next owner of the block.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Every block's first port, once.
fn bases(workspace: &Path) -> impl Iterator<Item = u16> {
    const BLOCKS: u16 = (LAST - FIRST) / SPACING;
    let mut hasher = DefaultHasher::new();
    workspace.hash(&mut hasher);
    let start = (hasher.finish() % u64::from(BLOCKS)) as u16;
    (0..BLOCKS).map(move |step| FIRST + (start + step) % BLOCKS * SPACING)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}
