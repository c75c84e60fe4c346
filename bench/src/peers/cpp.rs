//! rocketmq-client-cpp through its C interface: the shared library is in the wheel of its Python binding.

use std::path::Path;
use std::process::Command;

use super::Launch;
use super::python::Environment;
use super::workshop::{Workshop, run};
use crate::Failure;

pub(super) fn prepare(target: &Path) -> Result<Launch, Failure> {
    let wheel = Environment::install(target)?;
    let shop = Workshop::open(target, "cpp")?;
    let executable = shop.output.join("peer");
    shop.once(|| {
        let library = wheel.rocketmq()?;
        run(Command::new("cc")
            .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"])
            .arg(shop.sources.join("peer.c"))
            .arg("-o")
            .arg(&executable)
            .arg(library.join("librocketmq.so"))
            .arg(format!("-Wl,-rpath,{},--allow-shlib-undefined", library.display()))
            .arg("-lpthread"))
    })?;
    Ok(Launch {
        executable,
        words: Vec::new(),
        environment: vec![("HOME".to_owned(), shop.home()?)],
        version: format!("librocketmq of {}", wheel.version("rocketmq")?),
    })
}
