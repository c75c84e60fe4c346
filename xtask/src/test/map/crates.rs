//! The crates of the workspace: what each is built on.

use super::table::CRATES;
use crate::workspace::Workspace;
use crate::{Failure, command};

/// Fails when a crate is built on one that is not below it; what only tests need does not count.
pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let mut cargo = workspace.cargo();
    let text = command::output(cargo.args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).map_err(|cause| format!("cargo metadata: {cause}"))?;
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let needs = package["dependencies"].as_array().into_iter().flatten();
        let ours = needs.filter(|need| need["path"].is_string() && need["kind"] != "dev");
        let ours = ours.filter_map(|need| need["name"].as_str()).map(str::to_owned).collect();
        found.push((name.to_owned(), ours));
    }
    judge(CRATES, &found)
}

fn judge(floors: &[&[&str]], found: &[(String, Vec<String>)]) -> Result<(), Failure> {
    let floor = |name: &str| {
        let floor = floors.iter().position(|crates| crates.contains(&name));
        floor.ok_or_else(|| format!("crate {name} is on no floor of xtask/src/test/map/table.rs"))
    };
    for (name, needs) in found {
        let above = floor(name)?;
        for need in needs {
            if floor(need)? <= above {
                return Err(format!("{name} is built on {need}, which is not below it").into());
            }
        }
    }
    if found.is_empty() { Err("cargo metadata names no crate".into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_dependency_upward_or_beside_is_told() {
        let floors: &[&[&str]] = &[&["top"], &["one", "two"], &["base"]];
        let judge = |found: &[(&str, &[&str])]| {
            let found: Vec<_> = found
                .iter()
                .map(|(name, needs)| {
                    ((*name).to_owned(), needs.iter().map(|need| (*need).to_owned()).collect())
                })
                .collect();
            judge(floors, &found).map_err(|failure| failure.to_string())
        };
        judge(&[("top", &["one", "base"]), ("two", &["base"]), ("base", &[])]).unwrap();
        assert!(judge(&[("base", &["one"])]).unwrap_err().contains("base is built on one"));
        assert!(judge(&[("one", &["two"])]).unwrap_err().contains("one is built on two"));
        assert!(judge(&[("other", &[])]).unwrap_err().contains("crate other is on no floor"));
        assert!(judge(&[]).is_err());
    }
}
