//! The modules of a crate, with what each of them defines and brings into scope.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree};

use crate::Failure;

/// Names from the crate's root to a module.
pub(super) type ModulePath = Vec<String>;

/// A module; one in braces has the file around it.
pub(super) struct Module {
    /// Relative to the folder of the crate's root file.
    pub(super) file: String,
    pub(super) items: Vec<Item>,
    /// What `use` brings in: the name here, and the path it stands for.
    pub(super) uses: Vec<(String, Vec<String>)>,
    /// Paths of `use …::*`.
    pub(super) globs: Vec<Vec<String>>,
}

/// All modules of a crate but those of its tests.
#[derive(Default)]
pub(super) struct Modules(pub(super) BTreeMap<ModulePath, Module>);

impl Modules {
    /// Reads the crate with this root file.
    pub(super) fn read(root: &Path) -> Result<Modules, Failure> {
        let folder = root.parent().ok_or("a root file has a folder")?;
        let mut modules = Modules::default();
        modules.read_file(folder, root, folder.to_owned(), Vec::new())?;
        Ok(modules)
    }

    /// Reads a file and those of its modules, which are in `folder`.
    fn read_file(
        &mut self,
        base: &Path,
        file: &Path,
        folder: PathBuf,
        path: ModulePath,
    ) -> Result<(), Failure> {
        let text = std::fs::read_to_string(file).map_err(|cause| format!("{}: {cause}", file.display()))?;
        let items = syn::parse_file(&text).map_err(|cause| format!("{}: {cause}", file.display()))?.items;
        let name = file.strip_prefix(base)?.to_string_lossy().into_owned();
        self.add(base, name, items, folder, path)
    }

    fn add(
        &mut self,
        base: &Path,
        file: String,
        items: Vec<Item>,
        folder: PathBuf,
        path: ModulePath,
    ) -> Result<(), Failure> {
        let mut module = Module { file, items: Vec::new(), uses: Vec::new(), globs: Vec::new() };
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let inner_path = [path.clone(), vec![name.clone()]].concat();
                    if let Some((_, items)) = inner.content {
                        self.add(base, module.file.clone(), items, folder.join(&name), inner_path)?;
                        continue;
                    }
                    let beside = base.join(&module.file).parent().map(Path::to_path_buf).unwrap_or_default();
                    let (file, folder) = place(&folder, &beside, &name, &inner.attrs)?;
                    self.read_file(base, &file, folder, inner_path)?;
                }
                Item::Use(import) => module.bring_in(&import.tree, &mut Vec::new()),
                other => module.items.push(other),
            }
        }
        self.0.insert(path, module);
        Ok(())
    }
}

impl Module {
    /// What a name stands for that `use` brings in. An import that begins with its own name, as `use bytes::bytes`, is
    /// another crate's.
    pub(super) fn brought_in(&self, name: &str) -> Option<&[String]> {
        let found = self.uses.iter().find(|(own, path)| own == name && path.first() != Some(own));
        found.map(|(_, path)| path.as_slice())
    }

    fn bring_in(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        let whole = |last: String| [before.clone(), vec![last]].concat();
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.bring_in(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                self.uses.push((name, before.clone()));
            }
            UseTree::Name(name) => self.uses.push((name.ident.to_string(), whole(name.ident.to_string()))),
            UseTree::Rename(new) if new.ident == "self" => {
                self.uses.push((new.rename.to_string(), before.clone()))
            }
            UseTree::Rename(new) => self.uses.push((new.rename.to_string(), whole(new.ident.to_string()))),
            UseTree::Glob(_) => self.globs.push(before.clone()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.bring_in(tree, before);
                }
            }
        }
    }
}

/// The file of `mod name;` in a file that lies in the folder `beside`, and the folder of its own modules.
fn place(
    folder: &Path,
    beside: &Path,
    name: &str,
    attributes: &[Attribute],
) -> Result<(PathBuf, PathBuf), Failure> {
    let inside = folder.join(name);
    // On several systems the first one stands for all.
    if let Some(path) = attributes.iter().find_map(path_in) {
        return Ok((beside.join(path), inside));
    }
    // That there is no `name/mod.rs` is a lint's to see.
    let file = folder.join(format!("{name}.rs"));
    if !file.exists() {
        return Err(format!("no file of module {name} in {}", folder.display()).into());
    }
    Ok((file, inside))
}

/// The text of `#[path = "…"]`, also of one below `cfg_attr`.
fn path_in(attribute: &Attribute) -> Option<String> {
    let is_path = attribute.path().is_ident("path") || attribute.path().is_ident("cfg_attr");
    let text = quote_free(attribute);
    let (_, value) = text.rsplit_once("path = \"").filter(|_| is_path)?;
    Some(value.split('"').next()?.to_owned())
}

/// An attribute as text.
fn quote_free(attribute: &Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        syn::Meta::NameValue(pair) => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                format!("path = \"{}\"", text.value())
            }
            _ => String::new(),
        },
        syn::Meta::Path(_) => String::new(),
    }
}

/// Whether something is there for tests only.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && quote_free(attribute).split(['(', ')', ',', ' ']).any(|word| word == "test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
