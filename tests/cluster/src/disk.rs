//! Whether the disk has room in the eyes of a broker, which looks at the used share, not at what is free.

use std::path::Path;

use nix::sys::statvfs::{Statvfs, statvfs};

use crate::LaunchError;

/// From here on brokers refuse messages with «the broker's disk is full». No setting of 5.x raises it.
const FULL: u64 = 90;

/// Says so before a cluster starts, as each test would fail on its own with a refusal in its midst.
pub(crate) fn check(folder: &Path) -> Result<(), LaunchError> {
    let disk =
        statvfs(folder).map_err(|errno| LaunchError::path("look at the disk of", folder)(errno.into()))?;
    match used_percent(&disk) {
        percent if percent >= FULL => {
            Err(LaunchError::DiskFull { folder: folder.to_owned(), percent, limit: FULL })
        }
        _ => Ok(()),
    }
}

/// As `df` and brokers count: without the blocks that are kept for the system.
fn used_percent(disk: &Statvfs) -> u64 {
    percent(disk.blocks().saturating_sub(disk.blocks_free()), disk.blocks_available())
}

fn percent(used: u64, usable: u64) -> u64 {
    let share = (u128::from(used) * 100).div_ceil((u128::from(used) + u128::from(usable)).max(1));
    u64::try_from(share).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_counts_and_not_what_is_free() {
        assert_eq!((percent(0, 0), percent(0, 5), percent(5, 0)), (0, 0, 100));
        assert_eq!((percent(1, 999), percent(899, 100), percent(900, 100)), (1, 90, 90));
        assert_eq!(percent(u64::MAX, u64::MAX), 50);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = check(Path::new("/there/is/none")).expect_err("no such folder");
        assert_eq!(error.to_string().split(':').next(), Some("look at the disk of /there/is/none"));
    }
}
