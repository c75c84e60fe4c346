//! Which file of a crate uses names of which other.

use std::collections::BTreeSet;
use std::path::Path;

use syn::visit::{self, Visit};

use super::modules::{ModulePath, Modules, is_for_tests};
use crate::Failure;

/// From the file that uses a name to the file that has it.
pub(super) type Edges = BTreeSet<(String, String)>;

/// All imports within the crate with this root file, its tests left out.
pub(super) fn of_crate(root: &Path) -> Result<Edges, Failure> {
    let modules = Modules::read(root)?;
    let mut edges = Edges::new();
    for (path, module) in &modules.0 {
        let mut paths: Vec<Vec<String>> = module.uses.iter().map(|(_, path)| path.clone()).collect();
        paths.extend(module.globs.iter().cloned());
        let mut mentioned = Mentioned { paths };
        module.items.iter().for_each(|item| mentioned.visit_item(item));
        for names in mentioned.paths {
            let target = modules.file_of(path, &names, &mut Vec::new());
            if let Some(target) = target.filter(|target| *target != module.file) {
                edges.insert((module.file.clone(), target));
            }
        }
    }
    Ok(edges)
}

/// Paths of several names in code; single names come from `use`.
struct Mentioned {
    paths: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Mentioned {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    /// `pub(in path)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}

impl Modules {
    /// The file that has what `names` stand for in the module `scope`; `None` for another crate's.
    ///
    /// `asked` are the questions under way: two globs may point at each other.
    fn file_of(
        &self,
        scope: &ModulePath,
        names: &[String],
        asked: &mut Vec<(ModulePath, Vec<String>)>,
    ) -> Option<String> {
        let question = (scope.clone(), names.to_vec());
        if asked.contains(&question) {
            return None;
        }
        asked.push(question);
        let found = self.follow(scope, names, asked);
        asked.pop();
        found
    }

    fn follow(
        &self,
        scope: &ModulePath,
        names: &[String],
        asked: &mut Vec<(ModulePath, Vec<String>)>,
    ) -> Option<String> {
        let (first, rest) = names.split_first()?;
        match first.as_str() {
            "crate" => return self.below(&Vec::new(), rest, asked),
            "self" => return self.below(scope, rest, asked),
            "super" => return self.below(&scope[..scope.len().checked_sub(1)?].to_vec(), rest, asked),
            _ => {}
        }
        // Without such a beginning a name is a module, an import or an item of the scope, else another crate.
        if self.has(scope, first) {
            self.below(scope, names, asked)
        } else {
            self.through_globs(scope, names, asked)
        }
    }

    /// Whether a module has a name by itself, without globs.
    fn has(&self, scope: &ModulePath, name: &str) -> bool {
        let inner = [scope.clone(), vec![name.to_owned()]].concat();
        self.0.contains_key(&inner)
            || self.0.get(scope).is_some_and(|module| module.brought_in(name).is_some())
    }

    /// What the globs of a module bring in of this crate.
    fn through_globs(
        &self,
        scope: &ModulePath,
        names: &[String],
        asked: &mut Vec<(ModulePath, Vec<String>)>,
    ) -> Option<String> {
        let globs = self.0.get(scope)?.globs.iter();
        let mut ours = globs.filter(|glob| {
            glob.first().is_some_and(|name| {
                matches!(name.as_str(), "crate" | "self" | "super") || self.has(scope, name)
            })
        });
        ours.find_map(|glob| self.file_of(scope, &[glob.clone(), names.to_vec()].concat(), asked))
    }

    /// As [`Modules::file_of`], for names that are known to be in the module.
    fn below(
        &self,
        path: &ModulePath,
        names: &[String],
        asked: &mut Vec<(ModulePath, Vec<String>)>,
    ) -> Option<String> {
        let module = self.0.get(path)?;
        let Some((first, rest)) = names.split_first() else { return Some(module.file.clone()) };
        if first == "super" {
            return self.below(&path[..path.len().checked_sub(1)?].to_vec(), rest, asked);
        }
        let inner = [path.clone(), vec![first.clone()]].concat();
        if self.0.contains_key(&inner) {
            return self.below(&inner, rest, asked);
        }
        if let Some(target) = module.brought_in(first) {
            return self.file_of(path, &[target.to_vec(), rest.to_vec()].concat(), asked);
        }
        // What is neither a module nor brought in is an item of the module, perhaps one that a macro makes.
        self.through_globs(path, names, asked).or_else(|| Some(module.file.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The imports of a crate of these files.
    fn edges(test: &str, files: &[(&str, &str)]) -> Vec<String> {
        let root = std::env::temp_dir().join(format!("xtask-map-{test}-{}", std::process::id()));
        for (name, text) in files {
            let file = root.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let edges = of_crate(&root.join("lib.rs")).unwrap();
        std::fs::remove_dir_all(root).unwrap();
        edges.into_iter().map(|(from, to)| format!("{from} {to}")).collect()
    }

    #[test]
    fn an_import_is_followed_to_the_file_that_has_the_name() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use b::Deep;"),
            (
                "a.rs",
                "use crate::b::{Deep, shallow as other}; use std::fmt; fn f() -> fmt::Result { loop {} }",
            ),
            ("b.rs", "mod c; pub(crate) use c::Deep; pub(crate) fn shallow() {}"),
            ("b/c.rs", "pub(crate) struct Deep;"),
        ];
        assert_eq!(edges("through", &files), ["a.rs b.rs", "a.rs b/c.rs", "b.rs b/c.rs", "lib.rs b/c.rs"]);
    }

    #[test]
    fn paths_in_code_count_and_those_of_tests_do_not() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "fn f() { crate::b::g(); } #[cfg(test)] mod tests { use crate::c::h; }"),
            ("b.rs", "use super::c; pub(crate) fn g() { c::h::<u8>(); let x: crate::d::X; }"),
            ("c.rs", "pub(crate) fn h() {} #[cfg(test)] fn only() { crate::a::f() }"),
            ("d.rs", "names! { X }"),
        ];
        assert_eq!(edges("code", &files), ["a.rs b.rs", "b.rs c.rs", "b.rs d.rs"]);
    }

    #[test]
    fn globs_and_other_places_of_files_are_followed() {
        let files = [
            ("lib.rs", "mod a; mod b; #[cfg_attr(unix, path = \"c_unix.rs\")] mod c;"),
            (
                "a.rs",
                "use crate::b::*; fn f(x: Thing) { inner::g() } mod inner { use super::super::c::C; pub fn g() {} }",
            ),
            ("b.rs", "pub(crate) use crate::c::*;"),
            ("c_unix.rs", "pub(crate) struct C; pub(crate) struct Thing;"),
        ];
        assert_eq!(edges("globs", &files), ["a.rs b.rs", "a.rs c_unix.rs", "b.rs c_unix.rs"]);
    }
}
