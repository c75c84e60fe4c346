//! The headers compile alone in every standard, and name exactly what the library exports.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use support::{compiler, files, lib_dir, root, run};

#[test]
fn the_headers_compile_alone_in_every_standard() {
    let source = root().join("tests/cpp/header_alone.cpp");
    for (language, standards) in
        [("c", &["c99", "c11", "c17", "c2x"][..]), ("c++", &["c++11", "c++14", "c++17", "c++20"][..])]
    {
        for standard in standards {
            for header in ["rmq.h", "rmq_mock.h"] {
                let mut compiler = compiler(language);
                compiler.arg(format!("-std={standard}")).arg(format!("-DHEADER=<{header}>"));
                run(compiler.args(["-x", language, "-fsyntax-only"]).arg(&source));
            }
        }
    }
}

/// A library reads the bytes of a struct that it does not know: whoever sets all members must have set all of them.
#[test]
fn the_structs_of_the_headers_have_no_padding() {
    for header in ["rmq.h", "rmq_mock.h"] {
        let mut compiler = compiler("c");
        compiler.args(["-Wpadded", "-x", "c", "-fsyntax-only"]).arg(root().join("include").join(header));
        run(&mut compiler);
    }
}

#[test]
fn exported_declared_and_armoured_functions_are_the_same() {
    let exported = exported();
    assert!(exported.len() > 30, "{exported:?}");
    let foreign: Vec<_> = exported.iter().filter(|name| !name.starts_with("rmq_")).collect();
    assert!(foreign.is_empty(), "exported without the prefix: {foreign:?}");

    let headers = ["include/rmq.h", "include/rmq_mock.h"].map(read);
    assert_eq!(declared(&headers.concat()), exported, "declared, exported");

    let sources: String =
        files("rocketmq-ffi", "rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let functions = entry_points(&sources);
    let names: BTreeSet<String> = functions.iter().map(|function| function.name.clone()).collect();
    assert_eq!(names, exported, "in the sources, exported");
    let bare: Vec<_> = functions.iter().filter(|function| !function.armoured).collect();
    assert!(bare.is_empty(), "without armour: {bare:?}");
}

#[test]
fn a_function_without_armour_is_found() {
    let source = r#"
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn rmq_good(a: i32) -> i32 {
            armour!(rmq_good() or [0] { Ok(a) })
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn rmq_bare(a: i32) -> i32 {
            a
        }
        #[unsafe(no_mangle)]
        pub extern "C" fn rmq_partly() -> i32 {
            armour!(rmq_partly() or [0] { Ok(1) });
            2
        }
        #[unsafe(no_mangle)]
        pub extern "C" fn rmq_misnamed() -> i32 {
            armour!(rmq_good() or [0] { Ok(1) })
        }
    "#;
    let armoured: Vec<bool> = entry_points(source).iter().map(|function| function.armoured).collect();
    assert_eq!(armoured, [true, false, false, false]);
}

#[test]
fn every_function_is_called_with_null() {
    let test = read("tests/c/null_arguments.c");
    // They take no pointer.
    let without = ["rmq_version", "rmq_abi_version", "rmq_config_key_count", "rmq_error_code_name"];
    let missing: Vec<String> = exported()
        .into_iter()
        .filter(|name| !without.contains(&name.as_str()) && !test.contains(&format!("{name}(NULL")))
        .filter(|name| {
            !test.contains(&format!("{name}(0, NULL")) && !test.contains(&format!("{name}(1, NULL"))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_shared_library_has_its_soname_and_needs_only_the_system() {
    let dynamic = run(Command::new("readelf").arg("-d").arg(lib_dir().join("librmq.so")));
    let between = |line: &str| line.split(['[', ']']).nth(1).unwrap_or_default().to_owned();
    let tagged =
        |tag: &str| dynamic.lines().filter(|line| line.contains(tag)).map(between).collect::<Vec<_>>();
    assert_eq!(tagged("(SONAME)"), ["librmq.so.0"]);
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    for library in tagged("(NEEDED)") {
        let system = ["libc.so", "libgcc_s.so", "libm.so", "ld-linux", "ld-musl"];
        assert!(system.iter().any(|allowed| library.starts_with(allowed)), "needs {library}");
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|cause| panic!("{file}: {cause}"))
}

fn exported() -> BTreeSet<String> {
    let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(lib_dir().join("librmq.so")));
    symbols.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect()
}

/// The functions of a header: names before a parenthesis, outside of comments, macros and types.
fn declared(header: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = header;
    while let Some((code, after)) = rest.split_once("/*") {
        names.extend(names_before_parentheses(code));
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    names.extend(names_before_parentheses(rest));
    names
}

fn names_before_parentheses(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.starts_with('#') && !line.starts_with("typedef"));
    let named = lines.filter_map(|line| {
        let (before, _) = line.split_once('(')?;
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        name.starts_with("rmq_").then(|| name.to_owned())
    });
    named.collect()
}

#[derive(Debug)]
struct EntryPoint {
    name: String,
    armoured: bool,
}

/// The exported functions of a source. One is armoured if its body is a single `armour!` with its own name.
fn entry_points(source: &str) -> Vec<EntryPoint> {
    let source = source.replace("extern \"C-unwind\" fn ", "extern \"C\" fn ");
    let pieces = source.split("extern \"C\" fn ").skip(1);
    let named = pieces.filter(|piece| piece.starts_with("rmq_"));
    let found = named.map(|piece| {
        let name: String = piece.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let body = piece.find('{').map_or("", |start| block(&piece[start..]));
        let inside =
            body.strip_prefix('{').and_then(|body| body.strip_suffix('}')).unwrap_or_default().trim();
        let armour = inside.strip_prefix("armour!(").filter(|armour| armour.starts_with(&format!("{name}(")));
        let armoured =
            armour.is_some_and(|_| block(&inside["armour!".len()..]).len() + "armour!".len() == inside.len());
        EntryPoint { name, armoured }
    });
    found.collect()
}

/// The text from its first bracket to the one that closes it.
fn block(text: &str) -> &str {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..=i];
        }
    }
    text
}
