//! Versions of the library and of its ABI.

use std::ffi::{CStr, c_char};

use crate::armour::armour;

/// The version of the ABI this header describes; it grows by one whenever functions or members are added.
pub const RMQ_ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version holds no NUL"),
};

/// The version of the library that runs, for example `"0.1.0"`.
///
/// Compare it with `RMQ_VERSION`, the version this header came with. The text lives as long as the process.
#[unsafe(no_mangle)]
pub extern "C" fn rmq_version() -> *const c_char {
    armour!(rmq_version() or [VERSION.as_ptr()] { Ok(VERSION.as_ptr()) })
}

/// The version of the ABI of the library that runs; at least `RMQ_ABI_VERSION` of the header you compiled with
/// is needed.
#[unsafe(no_mangle)]
pub extern "C" fn rmq_abi_version() -> u32 {
    armour!(rmq_abi_version() or [RMQ_ABI_VERSION] { Ok(RMQ_ABI_VERSION) })
}
