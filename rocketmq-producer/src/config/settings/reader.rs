//! Values of a configuration by the names of their keys.

use std::str::FromStr;
use std::time::Duration;

use crate::config::table::TABLE;
use crate::config::{Config, position};
use crate::error::Error;

/// Reads values by name. They were checked when they were set; what still does not fit (a size beyond the
/// machine's word, a name that only this file knows) is the key's error, not a panic.
pub(super) struct Reader<'a>(pub(super) &'a Config);

impl Reader<'_> {
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.0.value(position(name)?).map(str::to_owned))
    }

    pub(super) fn choice<T>(&self, name: &str, convert: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        let position = position(name)?;
        let value = self.0.value(position).unwrap_or_default();
        convert(value).ok_or_else(|| TABLE[position].refuse(value, "does not fit on this machine"))
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<T, Error> {
        self.choice(name, |value| value.parse().ok())
    }

    pub(super) fn duration(&self, name: &str) -> Result<Duration, Error> {
        self.parsed(name).map(Duration::from_millis)
    }

    pub(super) fn optional_size(&self, name: &str) -> Result<Option<usize>, Error> {
        self.parsed(name).map(|size| (size > 0).then_some(size))
    }

    /// A duration of which 0 says that there is none.
    pub(super) fn optional_duration(&self, name: &str) -> Result<Option<Duration>, Error> {
        self.duration(name).map(|duration| (!duration.is_zero()).then_some(duration))
    }
}
