//! Prints the C headers from the sources in `rocketmq-ffi/`, and says how the shared library is linked.

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;
use std::{env, fs};

use cbindgen::{Bindings, Builder, Config, DocumentationStyle, Language, Style};

/// The sources of `rmq.h`, in the order of the manual.
const SOURCES: &[&str] = &[
    "version.rs",
    "error.rs",
    "opaque.rs",
    "log.rs",
    "callbacks.rs",
    "config.rs",
    "selector.rs",
    "message.rs",
    "receipt.rs",
    "producer.rs",
    "credentials.rs",
    "message_queue.rs",
    "event.rs",
    "queue.rs",
    "queued_calls.rs",
    "send.rs",
    "batch.rs",
    "hooks.rs",
    "stats.rs",
];

const SONAME: &str = "librmq.so.0";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=rocketmq-ffi");
    println!("cargo:rerun-if-changed=include");
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&root);

    let prelude = read(root, "rocketmq-ffi/header/rmq_prelude.h")?;
    let mut config =
        config("RMQ_H", read(root, "rocketmq-ffi/header/rmq_essay.h")?, prelude + &version_macros()?);
    config.sys_includes = vec!["stddef.h".into(), "stdint.h".into()];
    write(root, "include/rmq.h", generate(root, config, SOURCES)?)?;

    let prelude = read(root, "rocketmq-ffi/header/rmq_mock_prelude.h")?;
    let mut config = self::config("RMQ_MOCK_H", read(root, "rocketmq-ffi/header/rmq_mock_essay.h")?, prelude);
    config.includes = vec!["rmq.h".into()];
    write(root, "include/rmq_mock.h", generate(root, config, &["mock.rs"])?)?;

    link()
}

fn config(guard: &str, essay: String, prelude: String) -> Config {
    let mut config = Config {
        language: Language::C,
        style: Style::Both,
        include_guard: Some(guard.to_owned()),
        header: Some(essay),
        after_includes: Some(prelude),
        no_includes: true,
        cpp_compat: true,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::Doxy,
        line_length: 110,
        ..Config::default()
    };
    config.function.must_use = Some("RMQ_MUST_USE".to_owned());
    config
}

fn generate(root: &Path, config: Config, sources: &[&str]) -> Result<Bindings, Box<dyn Error>> {
    let builder = Builder::new().with_config(config);
    let builder =
        sources.iter().fold(builder, |builder, file| builder.with_src(root.join("rocketmq-ffi").join(file)));
    builder.generate().map_err(|error| format!("the header cannot be made from {sources:?}: {error}").into())
}

/// Writes a header if it says something new, so that its time stamp changes only then.
fn write(root: &Path, file: &str, bindings: Bindings) -> Result<(), Box<dyn Error>> {
    let mut text = Vec::new();
    bindings.write(&mut text);
    let path = root.join(file);
    if fs::read(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::create_dir_all(root.join("include"))?;
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn read(root: &Path, file: &str) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}").into())
}

fn version_macros() -> Result<String, Box<dyn Error>> {
    Ok(format!(
        "\n/** The version of the library this header came with. */\n#define RMQ_VERSION \"{}\"\n\
         #define RMQ_VERSION_MAJOR {}\n#define RMQ_VERSION_MINOR {}\n#define RMQ_VERSION_PATCH {}\n",
        env::var("CARGO_PKG_VERSION")?,
        env::var("CARGO_PKG_VERSION_MAJOR")?,
        env::var("CARGO_PKG_VERSION_MINOR")?,
        env::var("CARGO_PKG_VERSION_PATCH")?,
    ))
}

/// The soname has the major version of the ABI. The library is never unloaded: its threads and its `atfork`
/// handler live as long as the process.
fn link() -> Result<(), Box<dyn Error>> {
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        name_by_soname()?;
    }
    Ok(())
}

/// Cargo calls the library librmq.so; programs load it by its soname. An installation has both names, and so
/// has the build's folder, three levels above the script's own.
fn name_by_soname() -> Result<(), Box<dyn Error>> {
    let own = env::var("OUT_DIR")?;
    let folder = Path::new(&own).ancestors().nth(3).ok_or("OUT_DIR is not below a build folder")?;
    match std::os::unix::fs::symlink("librmq.so", folder.join(SONAME)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(format!("{SONAME}: {error}").into()),
        _ => Ok(()),
    }
}
