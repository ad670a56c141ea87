//! The packs of a bundle: cached ones are taken from the store; the packages of the others are installed, selected, compiled and
//! compressed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::bundle_files::BundleFiles;
use super::compile_and_compress::{self, PackSettings};
use super::{Pack, PackError};
use crate::bytecode::Compiler;
use crate::install::{self, InstallError, InstallList, Origin, SourceBuilds, Staged, ThirdParty};
use crate::plan::cache_keys::{Keys, PackageKey, PackageOrigin};
use crate::plan::{LocalPackage, Plan};
use crate::report::Warning;
use crate::request::hooks::Hooks;
use crate::select::{self, SelectError, Selection};
use crate::store::Key;
use crate::tools::run_hooks::{self, HookError};
use crate::workshop::{Workshop, WorkshopError};

/// The packs of a bundle.
#[derive(Debug)]
pub struct Packs {
    /// The packs of local packages, the member's first; then of the others, by name. If two have a file of one path, the earlier
    /// one wins.
    pub packs: Vec<Pack>,
    /// The pack that ships in their place, if commands of the user's change the files that ship.
    pub after_commands: Option<Pack>,
    /// Whether uv installed the packages of the plan.
    installed: InstalledPackages,
    /// Warnings about what was installed.
    pub warnings: Vec<Warning>,
}

/// Why the packs of a bundle could not be made: the error of one of the stages.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum PacksError {
    /// There is no working folder.
    Workshop(#[from] WorkshopError),
    /// A command of the caller failed.
    Hook(#[from] HookError),
    /// Packages were not installed.
    Install(#[from] InstallError),
    /// The files could not be selected.
    Select(#[from] SelectError),
    /// A pack was not written.
    Pack(#[from] PackError),
}

/// Whether uv installed exactly the packages that the plan reads in the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InstalledPackages {
    /// It did.
    AsPlanned,
    /// It did not. The bundle is right, since uv decides; but it must not be cached under keys that the plan made.
    Otherwise,
}

impl Packs {
    /// Whether uv installed exactly the packages of the plan.
    pub fn are_as_planned(&self) -> bool {
        self.installed == InstalledPackages::AsPlanned
    }

    /// The packs of these keys, if all of them are cached and no command of the user's changes them.
    pub fn all_cached(plan: &Plan<'_>, workshop: &Workshop, keys: &Keys) -> Option<Self> {
        if plan.request.hooks != Hooks::default() {
            return None;
        }
        let cached = |package: &PackageKey| Pack::cached(&workshop.store, package.key.as_ref()?);
        let packs = keys.packages.iter().map(cached).collect::<Option<Vec<Pack>>>()?;
        let installed = InstalledPackages::AsPlanned;
        Some(Self { packs, after_commands: None, installed, warnings: Vec::new() })
    }

    /// The packs that ship.
    pub fn shipping(&self) -> &[Pack] {
        self.after_commands.as_ref().map_or(self.packs.as_slice(), std::slice::from_ref)
    }
}

/// Finds the packs of everything that ships in the store, and makes those that are missing.
pub fn find_or_make(
    plan: &Plan<'_>,
    workshop: &Workshop,
    staged: &Staged,
    builds: &SourceBuilds<'_>,
    keys: &Keys,
) -> Result<Packs, PacksError> {
    let work = workshop.folder()?;
    let maker = PackMaker { plan, workshop, staged, work };
    let mut packs: BTreeMap<&str, Pack> = keys.packages.iter().filter_map(|key| maker.cached(key)).collect();
    let missing: Vec<&PackageKey> =
        keys.packages.iter().filter(|key| !packs.contains_key(key.name.as_str())).collect();

    // Another process may make one at this moment; then it is there afterwards.
    let activity = format!("builds packages of `{}`", plan.subject.member);
    let _locks = workshop.store.lock(missing.iter().filter_map(|key| key.key.as_ref()), &activity);
    packs.extend(missing.iter().filter_map(|key| maker.cached(key)));
    let missing: BTreeMap<&str, &PackageKey> = missing
        .into_iter()
        .filter(|key| !packs.contains_key(key.name.as_str()))
        .map(|key| (key.name.as_str(), key))
        .collect();

    maker.run_commands_before()?;
    let local = plan.local.iter().map(|package| package.name.as_str());
    let sources = missing.values().filter(|key| key.origin == PackageOrigin::Source);
    let list = InstallList {
        from_source: sources.map(|key| key.name.as_str()).collect(),
        local: plan.local.iter().filter(|package| missing.contains_key(package.name.as_str())).collect(),
        third_party: if missing.values().any(|key| key.origin == PackageOrigin::ThirdParty) {
            ThirdParty::Needed
        } else {
            ThirdParty::NotNeeded
        },
        without: local
            .chain(plan.source_packages.iter().map(|source| source.package.name.as_str()))
            .chain(packs.keys().copied())
            .chain(plan.excluded.iter().copied())
            .collect(),
    };
    let mut warnings = Vec::new();
    if !missing.is_empty() {
        Compiler::start_early(&workshop.interpreter);
    }
    let installed = install::install(plan, workshop, staged, builds, &list, work, &mut warnings)?;

    let names: BTreeSet<&str> = installed.iter().map(|installed| installed.origin.name()).collect();
    let is_as_planned = names.iter().eq(missing.keys());
    let key_of = |name: &str| missing.get(name).filter(|_| is_as_planned).and_then(|key| key.key.as_ref());
    let mut selections = Vec::with_capacity(installed.len());
    for (number, installed) in installed.iter().enumerate() {
        let cached = key_of(installed.origin.name()).and_then(|key| workshop.store.pack_path(key));
        let path = cached.unwrap_or_else(|| work.join(format!("packs/{number}")));
        selections.push((select::select(installed)?, path));
    }
    let earlier: Vec<Pack> =
        list.local.iter().filter_map(|package| maker.pack_of_last_build(package)).collect();
    for (installed, pack) in installed.iter().zip(maker.pack(selections, &earlier)?) {
        let name = installed.origin.name();
        if let (Origin::Local { .. }, Some(key)) = (&installed.origin, key_of(name)) {
            workshop.store.remember(&maker.key_of_last_build(name), &key.to_string());
        }
        packs.insert(name, pack);
    }
    let in_order: Vec<Pack> =
        keys.packages.iter().filter_map(|key| packs.remove(key.name.as_str())).collect();
    let packs: Vec<Pack> = in_order.into_iter().chain(packs.into_values()).collect();
    let after_commands = maker.run_commands_after(&packs)?;
    let installed = if is_as_planned { InstalledPackages::AsPlanned } else { InstalledPackages::Otherwise };
    Ok(Packs { packs, after_commands, installed, warnings })
}

struct PackMaker<'a> {
    plan: &'a Plan<'a>,
    workshop: &'a Workshop,
    staged: &'a Staged,
    work: &'a Path,
}

impl PackMaker<'_> {
    fn cached<'key>(&self, package: &'key PackageKey) -> Option<(&'key str, Pack)> {
        Some((package.name.as_str(), Pack::cached(&self.workshop.store, package.key.as_ref()?)?))
    }

    fn pack(&self, selections: Vec<(Selection, PathBuf)>, earlier: &[Pack]) -> Result<Vec<Pack>, PackError> {
        compile_and_compress::make(
            selections,
            PackSettings {
                interpreter: &self.workshop.interpreter,
                root: self.plan.subject.kind.root(),
                order: self.workshop.conditions.order,
                earlier,
            },
        )
    }

    /// The pack that was last made of a local package: most of its files have not changed since.
    fn pack_of_last_build(&self, package: &LocalPackage) -> Option<Pack> {
        let store = &self.workshop.store;
        Pack::cached(store, &Key::parse(&store.fact(&self.key_of_last_build(&package.name))?)?)
    }

    fn key_of_last_build(&self, name: &str) -> Key {
        Key::of("pack before", &json!([name, self.workshop.interpreter.version]))
    }

    /// Runs the user's commands in the copy of the member, before its wheel is built.
    fn run_commands_before(&self) -> Result<(), PacksError> {
        let Some(member) = self.plan.local.first() else { return Ok(()) };
        if self.plan.request.hooks.before_build.is_empty() {
            return Ok(());
        }
        let folder = self.staged.copy_of(&member.folder);
        self.staged.complete(self.plan).map_err(PackError::from)?;
        run_hooks::run(&self.plan.request.hooks.before_build, "beforeBuild", &folder)?;
        self.staged.remove_files_for_commands().map_err(PackError::from)?;
        Ok(())
    }

    /// Gives the files that ship to the user's commands, and packs the files that they leave.
    fn run_commands_after(&self, packs: &[Pack]) -> Result<Option<Pack>, PacksError> {
        let commands = &self.plan.request.hooks.before_zip;
        if commands.is_empty() {
            return Ok(None);
        }
        let folder = self.work.join("selection");
        fs_err::create_dir_all(&folder).map_err(SelectError::from)?;
        for (path, file) in BundleFiles::of(packs).files {
            let path = folder.join(path);
            let unpack = || {
                fs_err::create_dir_all(path.parent().unwrap_or(&folder))?;
                fs_err::write(&path, file.read()?)
            };
            unpack().map_err(SelectError::from)?;
        }
        run_hooks::run(commands, "beforeZip", &folder)?;
        let packages = packs.iter().flat_map(|pack| pack.packages.clone()).collect();
        let selection = select::select_all(&folder, packages)?;
        let mut made = self.pack(vec![(selection, self.work.join("packs/changed"))], packs)?;
        // One selection makes one pack.
        Ok(made.pop())
    }
}
