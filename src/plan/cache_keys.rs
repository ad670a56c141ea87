//! The keys under which a bundle, its packages and the check of the lock are cached. A key is a digest of everything that can change
//! the bytes. A result without a key is never cached.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::source_packages::{Backends, SourcePackage};
use super::{LocalPackage, Plan, PlanError, Shipping};
use crate::request::layers;
use crate::store::Key;
use crate::support::{regular_file, wording};
use crate::workspace::git_history;
use crate::workspace::lockfile::LockedPackage;
use crate::workspace::source_files::SourceFile;

/// The versions and settings of the tools that can change the bytes.
#[derive(Debug, Clone)]
pub struct ToolVersions {
    /// The version of uv.
    pub uv: String,
    /// The user's settings of uv that decide what a build backend is resolved to, without credentials.
    pub settings: Value,
    /// The full version of the Python that compiles.
    pub python: String,
}

/// The digests of the sources of a plan: of those on disk, or of those that were staged.
#[derive(Debug, Clone, Default)]
pub struct SourceDigests {
    /// SHA-256 in hex, by the path of the file in the workspace; missing files have none.
    pub files: HashMap<PathBuf, String>,
    /// The digest of the git history, by the folder of the repository; `None` if only git can read it.
    pub histories: HashMap<PathBuf, Option<String>>,
}

/// The keys of a bundle and of the packages in it.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The key of the bundle.
    pub bundle: Option<Key>,
    /// The packages: the local ones, the member first; then the others, by name.
    pub packages: Vec<PackageKey>,
    /// The versions of the build requirements that are in these keys.
    pub backends: Backends,
    /// The key of the check of the lock.
    pub lock: Key,
}

/// The key of one package that ships.
#[derive(Debug, Clone)]
pub struct PackageKey {
    /// The normalised name of the package.
    pub name: String,
    /// Where the package comes from.
    pub origin: PackageOrigin,
    /// The key of its pack.
    pub key: Option<Key>,
}

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageOrigin {
    /// Its sources lie on this machine.
    Local,
    /// It is installed from a wheel of the lock.
    ThirdParty,
    /// It is built from a source of the lock.
    Source,
}

impl Plan<'_> {
    /// Every source file that is staged, each once, in order. It is the only list of them: keys are made of these files,
    /// and builds see no others.
    pub fn sources(&self) -> BTreeSet<PathBuf> {
        let local = self.local.iter().flat_map(|package| self.inputs_of(package)).map(|(_, path)| path);
        let metadata = self.metadata_sources.iter().map(|file| file.path.clone());
        local.chain(metadata).collect()
    }

    /// The git repositories from which packages that ship may compute their version.
    pub fn repositories(&self) -> BTreeSet<&Path> {
        self.local.iter().filter_map(|package| package.repository.as_deref()).collect()
    }

    /// Reads the sources where they lie, and digests them.
    pub fn digest_sources(&self) -> Result<SourceDigests, PlanError> {
        let sources: Vec<PathBuf> = self.sources().into_iter().collect();
        let digest = |path: PathBuf| match regular_file::digest(&path) {
            Ok(digest) => Ok(Some((path, digest))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let files: io::Result<Vec<_>> = sources.into_par_iter().map(digest).collect();
        let histories = self.repositories().into_iter();
        Ok(SourceDigests {
            files: files?.into_iter().flatten().collect(),
            histories: histories.map(|path| (path.to_path_buf(), git_history::digest(path))).collect(),
        })
    }

    /// The keys of everything that ships, if the sources have these digests, and build requirements were resolved to `backends`. A
    /// source package whose backend is not known yet has no key.
    pub fn keys(&self, tools: &ToolVersions, digests: &SourceDigests, backends: &Backends) -> Keys {
        let common = common(tools);
        let mut packages: Vec<PackageKey> = self
            .local
            .iter()
            .map(|package| PackageKey {
                name: package.name.clone(),
                origin: PackageOrigin::Local,
                key: self.key_of_local(package, &common, digests),
            })
            .collect();
        let mut others: Vec<PackageKey> = self
            .packages
            .iter()
            .filter(|package| package.local_folder().is_none())
            .map(|package| {
                let (origin, key) = match self.source_of(&package.name) {
                    Some(source) => (PackageOrigin::Source, self.key_of_source(source, tools, backends)),
                    None => (PackageOrigin::ThirdParty, self.key_of_third_party(package, &common)),
                };
                PackageKey { name: package.name.clone(), origin, key }
            })
            .collect();
        others.sort_by(|left, right| left.name.cmp(&right.name));
        packages.append(&mut others);

        let names: Option<Vec<String>> =
            packages.iter().map(|package| package.key.as_ref().map(Key::to_string)).collect();
        // The user's commands may change anything afterwards.
        let bundle = names.filter(|_| self.request.hooks.before_zip.is_empty()).map(|packages| {
            let target = self.subject.target.to_string();
            let name = &self.subject.member;
            Key::of(
                "bundle",
                &json!({ "common": common, "target": target, "name": name, "packages": packages }),
            )
        });
        Keys { bundle, packages, backends: backends.clone(), lock: self.key_of_lock(tools, digests) }
    }

    /// The key of a package that is installed from a wheel. The lock lists its wheels; the target and uv decide which of them
    /// is taken.
    fn key_of_third_party(&self, package: &LockedPackage, common: &Value) -> Option<Key> {
        // A package that is compiled here depends on this machine.
        if self.request.native_builds || package.wheels.is_empty() {
            return None;
        }
        let wheels: Option<Vec<Value>> = package
            .wheels
            .iter()
            .map(|wheel| {
                let digest = wheel.digest(&self.workspace.root, &package.source)?;
                Some(json!([wheel.filename(), digest]))
            })
            .collect();
        Some(Key::of(
            "wheel",
            &json!({
                "common": common,
                "target": self.subject.target.to_string(),
                // Compiled into the bytecode. Local packages are never in a layer, so their keys have no root.
                "root": self.subject.kind.root(),
                "name": package.name,
                "version": package.version,
                "wheels": wheels?,
            }),
        ))
    }

    /// The key of a package that is built from its source. The version of uv is no part of it: uv only fetches. Nor is the target,
    /// since the wheel has to be for every platform.
    fn key_of_source(
        &self,
        source: &SourcePackage<'_>,
        tools: &ToolVersions,
        backends: &Backends,
    ) -> Option<Key> {
        Some(Key::of(
            "source",
            &json!({
                "python": tools.python,
                "root": self.subject.kind.root(),
                "name": source.package.name,
                "version": source.package.version,
                "source": source.digest.as_ref()?,
                "backend": backends.get(&source.package.name)?,
                "config": self.workspace.build_settings.config_of(&source.package.name),
            }),
        ))
    }

    /// The key of the versions to which the build requirements of a source package were resolved.
    pub fn key_of_backend(&self, source: &SourcePackage<'_>, tools: &ToolVersions) -> Option<Key> {
        let name = &source.package.name;
        Some(Key::of(
            "backend",
            &json!({
                "common": common(tools),
                "name": name,
                "source": source.digest.as_ref()?,
                "settings": self.workspace.build_settings.identity(name),
            }),
        ))
    }

    /// The key of a local package: every file that its build can see, and the git history.
    fn key_of_local(&self, package: &LocalPackage, common: &Value, digests: &SourceDigests) -> Option<Key> {
        // The user's commands may change anything beforehand, and a package that is compiled here depends on this machine.
        if !self.request.hooks.before_build.is_empty() || self.request.native_builds {
            return None;
        }
        let history = match &package.repository {
            Some(repository) => Value::String(digests.histories.get(repository).cloned().flatten()?),
            None => Value::Null,
        };
        Some(Key::of(
            "local",
            &json!({
                "common": common,
                "name": package.name,
                "version": package.version,
                "isCopy": package.shipping == Shipping::Copy,
                "history": history,
                "files": self.digests_of(package, digests),
            }),
        ))
    }

    /// The key of the check that a bundle has the handler of the request; `None` if there is nothing to check, or the layers of the
    /// function may have the module: they are no part of the key.
    pub fn key_of_handler(&self, bundle: &Key) -> Option<Key> {
        let handler = self.request.handler.as_ref()?;
        let is_in_bundle = !layers::may_hold(&self.request.layers, handler);
        is_in_bundle.then(|| Key::of("handler", &json!([bundle.to_string(), handler])))
    }

    /// The key of the check that the lock is up to date. If uv runs a build backend for the check, the sources that the backend
    /// sees are part of the key.
    pub fn key_of_lock(&self, tools: &ToolVersions, digests: &SourceDigests) -> Key {
        let computing = self.local.iter().filter(|package| self.workspace.computes_metadata(&package.folder));
        let sources: Vec<Value> = computing.map(|package| self.digests_of(package, digests)).collect();
        let others: Vec<Value> = self
            .metadata_sources
            .iter()
            .map(|file| json!([self.within_workspace(&file.path), digests.files.get(&file.path)]))
            .collect();
        Key::of(
            "lock",
            &json!({ "common": common(tools), "files": self.workspace.lock_inputs(), "sources": sources, "others": others }),
        )
    }

    fn digests_of(&self, package: &LocalPackage, digests: &SourceDigests) -> Value {
        self.inputs_of(package).map(|(name, path)| json!([name, digests.files.get(&path)])).collect()
    }

    /// The files that a build of the package can see: the path of each seen from the folder of the package, and where it lies. A
    /// build sees the manifest and the settings of the workspace as well, since uv looks for them.
    pub fn inputs_of<'a>(
        &'a self,
        package: &'a LocalPackage,
    ) -> impl Iterator<Item = (String, PathBuf)> + 'a {
        let files = package.files.inside.iter().chain(&package.files.outside);
        let settings =
            ["pyproject.toml", "uv.toml"].into_iter().filter(|_| package.shipping == Shipping::Wheel);
        files
            .map(|SourceFile { relative, path }| (relative.clone(), path.clone()))
            .chain(settings.map(|name| (format!("workspace/{name}"), self.workspace.root.join(name))))
    }

    /// A path as seen from the root of the workspace, so that it is the same on every machine.
    fn within_workspace(&self, path: &Path) -> String {
        path.strip_prefix(&self.workspace.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// The part that most keys have in common.
fn common(tools: &ToolVersions) -> Value {
    json!({ "uv": tools.uv, "settings": tools.settings, "python": tools.python })
}

/// SHA-256 in hex.
pub fn sha256(contents: &[u8]) -> String {
    wording::hex(&Sha256::digest(contents))
}
