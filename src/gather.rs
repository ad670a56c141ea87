//! Gather: the packs of a bundle. Those that the store has are taken from there; the others are installed, selected and
//! packed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::conditions::Conditions;
use crate::error::Error;
use crate::identity::{Identity, Part};
use crate::install::{self, Origin, Wanted};
use crate::pack::{self, Kitchen, Pack, PackedFile, root};
use crate::project::{LocalPackage, Project, Reach, Staged};
use crate::request::Request;
use crate::select::{self, SelectError, Selection};
use crate::store::{Key, Store};
use crate::tools::command_hooks;
use crate::tools::interpreter::Interpreter;
use crate::tools::uv::Uv;

/// What packs are gathered with.
#[derive(Debug, Clone, Copy)]
pub struct Gathering<'a> {
    /// What is asked for.
    pub request: &'a Request,
    /// Of which project.
    pub project: &'a Project,
    /// The uv that installs.
    pub uv: &'a Uv,
    /// The Python that compiles.
    pub interpreter: &'a Interpreter,
    /// Under which conditions.
    pub conditions: &'a Conditions,
    /// What is known.
    pub store: &'a Store,
    /// The copy of the workspace.
    pub staged: &'a Staged,
    /// The working folder.
    pub work: &'a Path,
}

/// The packs of a bundle: where two have the same file, the earlier one wins.
#[derive(Debug)]
pub struct Gathered {
    /// The packs: of local packages, the member's first; then of others, by name.
    pub packs: Vec<Pack>,
    /// What ships in their place, where commands of the caller's change what ships.
    pub after_commands: Option<Pack>,
    /// Whether uv installed exactly what we read in the lock. Otherwise what was made is right, since uv decides, but
    /// what we read must not be the way to find it again.
    pub is_as_expected: bool,
}

impl Gathering<'_> {
    /// The packs of everything that the member reaches.
    pub fn gather(&self, reach: &Reach<'_>, identity: &Identity<'_>) -> Result<Gathered, Error> {
        let parts = &identity.parts;
        let mut packs: BTreeMap<&str, Pack> = parts.iter().filter_map(|part| self.known(part)).collect();
        let missing: Vec<&Part<'_>> = parts.iter().filter(|part| !packs.contains_key(part.name)).collect();

        // What somebody else makes at this moment is there when it is our turn.
        let _turn = self.store.turn(missing.iter().filter_map(|part| part.key.as_ref()));
        packs.extend(missing.iter().filter_map(|part| self.known(part)));
        let missing: BTreeMap<&str, &Part<'_>> = missing
            .into_iter()
            .filter(|part| !packs.contains_key(part.name))
            .map(|part| (part.name, part))
            .collect();

        if let Some(member) = reach.local.first() {
            let folder = self.staged.copy_of(&member.folder);
            command_hooks::run(&self.request.hooks.before_bundling, "beforeBundling", &folder)?;
            self.staged.remove_left_out()?;
        }
        let local = reach.local.iter();
        let wanted = Wanted {
            local: local.clone().filter(|package| missing.contains_key(package.name.as_str())).collect(),
            third_party: missing.values().any(|part| !part.is_local),
            without: local
                .map(|package| package.name.as_str())
                .chain(packs.keys().copied())
                .chain(reach.left_out.iter().copied())
                .collect(),
            members: reach.members.clone(),
        };
        let Self { request, project, uv, interpreter, staged, work, .. } = *self;
        let installed = install::install(project, staged, &wanted, request, uv, interpreter, work)?;

        let names: BTreeSet<&str> = installed.iter().map(|installed| installed.origin.name()).collect();
        let is_as_expected = names.iter().eq(missing.keys());
        let key_of =
            |name: &str| missing.get(name).filter(|_| is_as_expected).and_then(|part| part.key.as_ref());
        let mut selections = Vec::with_capacity(installed.len());
        for (number, installed) in installed.iter().enumerate() {
            let kept = key_of(installed.origin.name()).and_then(|key| self.store.pack_path(key));
            let path = kept.unwrap_or_else(|| work.join(format!("packs/{number}")));
            selections.push((select::select(installed)?, path));
        }
        let before: Vec<Pack> = wanted.local.iter().filter_map(|package| self.pack_before(package)).collect();
        for (installed, pack) in installed.iter().zip(self.pack(selections, &before)?) {
            if let (Origin::Local(package), Some(key)) = (&installed.origin, key_of(installed.origin.name()))
            {
                self.store.remember(&self.key_before(package), &key.to_string());
            }
            packs.insert(installed.origin.name(), pack);
        }
        let in_order: Vec<Pack> = parts.iter().filter_map(|part| packs.remove(part.name)).collect();
        let packs: Vec<Pack> = in_order.into_iter().chain(packs.into_values()).collect();
        let has_commands = !request.hooks.after_bundling.is_empty();
        let after_commands = has_commands.then(|| self.after_hooks(&packs)).transpose()?;
        Ok(Gathered { packs, after_commands, is_as_expected })
    }

    fn known<'part>(&self, part: &Part<'part>) -> Option<(&'part str, Pack)> {
        Some((part.name, Pack::kept(self.store, part.key.as_ref()?)?))
    }

    fn pack(&self, selections: Vec<(Selection, PathBuf)>, known: &[Pack]) -> Result<Vec<Pack>, Error> {
        let kitchen = Kitchen {
            interpreter: self.interpreter,
            root: root(self.request.layer.is_some()),
            order: self.conditions.order,
            known,
        };
        Ok(pack::make(selections, kitchen)?)
    }

    /// The pack that was last made of a local package: most of its files are as they were.
    fn pack_before(&self, package: &LocalPackage) -> Option<Pack> {
        Pack::kept(self.store, &Key::parse(&self.store.fact(&self.key_before(package))?)?)
    }

    fn key_before(&self, package: &LocalPackage) -> Key {
        Key::of("pack before", &json!([package.name, self.interpreter.version]))
    }

    /// Gives the files that ship to the caller's commands, and packs what they leave.
    fn after_hooks(&self, packs: &[Pack]) -> Result<Pack, Error> {
        let folder = self.work.join("selection");
        fs_err::create_dir_all(&folder).map_err(SelectError::from)?;
        for (path, file) in merge(packs) {
            let path = folder.join(path);
            let unpack = || {
                fs_err::create_dir_all(path.parent().unwrap_or(&folder))?;
                fs_err::write(&path, file.read()?)
            };
            unpack().map_err(SelectError::from)?;
        }
        command_hooks::run(&self.request.hooks.after_bundling, "afterBundling", &folder)?;
        let packages = packs.iter().flat_map(|pack| pack.packages.clone()).collect();
        let selection = select::select_all(&folder, packages)?;
        let mut made = self.pack(vec![(selection, self.work.join("packs/changed"))], packs)?;
        made.pop().ok_or_else(|| Error::Bug("one selection made no pack".to_owned()))
    }
}

/// The files that ship, by path. Where two packs have the same one, the earlier pack wins.
pub fn merge(packs: &[Pack]) -> BTreeMap<&str, &PackedFile> {
    let mut files = BTreeMap::new();
    for file in packs.iter().flat_map(|pack| &pack.files) {
        files.entry(file.path.as_str()).or_insert(file);
    }
    files
}
