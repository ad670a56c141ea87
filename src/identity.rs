//! Identity: what can change the bytes of a bundle, of a package in it, and whether the lock is right; as keys. What
//! has no key is never kept.

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::pack::root;
use crate::project::{
    LocalPackage, LockedPackage, Project, ProjectError, Reach, Shipping, SourceFile, history, source_files,
};
use crate::request::Request;
use crate::secrets::mask::remove_credentials;
use crate::store::Key;
use crate::support::wording;
use crate::tools::interpreter::Interpreter;
use crate::tools::uv::{self, Uv};

/// The tools whose versions can show in bytes, and what else concerns every package of a project.
#[derive(Debug)]
pub struct Surroundings<'a> {
    request: &'a Request,
    project: &'a Project,
    /// What is part of every key.
    common: Value,
    /// What is part of the key of every local package.
    workspace: Value,
}

/// The key of a bundle, and the parts that it is made of.
#[derive(Debug)]
pub struct Identity<'a> {
    /// The bundle's key.
    pub bundle: Option<Key>,
    /// Its packages: the local ones, the member first; then the others, by name.
    pub parts: Vec<Part<'a>>,
}

/// A package that goes into a bundle.
#[derive(Debug)]
pub struct Part<'a> {
    /// Its normalised name.
    pub name: &'a str,
    /// Whether its sources lie on this machine.
    pub is_local: bool,
    /// The key of what it brings into bundles.
    pub key: Option<Key>,
}

impl<'a> Surroundings<'a> {
    /// Looks at what concerns every package of the project.
    pub fn new(request: &'a Request, project: &'a Project, uv: &Uv, interpreter: &Interpreter) -> Self {
        let common = json!({
            "uv": uv.version.to_string(),
            "settings": uv::settings(),
            "python": interpreter.version,
        });
        Self { request, project, common, workspace: digest_of_settings(&project.root) }
    }

    /// The keys of everything that the member reaches.
    pub fn identity<'reach>(&self, reach: &'reach Reach<'_>) -> Result<Identity<'reach>, ProjectError> {
        let mut parts = Vec::with_capacity(reach.packages.len());
        for package in &reach.local {
            parts.push(Part { name: &package.name, is_local: true, key: self.local(package)? });
        }
        let others = reach.packages.iter().filter(|package| package.local_folder().is_none());
        let mut others: Vec<Part<'_>> = others
            .map(|package| Part { name: &package.name, is_local: false, key: self.third_party(package) })
            .collect();
        others.sort_by_key(|part| part.name);
        parts.append(&mut others);

        let keys: Option<Vec<String>> =
            parts.iter().map(|part| part.key.as_ref().map(Key::to_string)).collect();
        // What commands do afterwards cannot be known.
        let bundle = keys.filter(|_| self.request.hooks.after_bundling.is_empty()).map(|packages| {
            let target = self.request.target.to_string();
            let name = &self.project.member;
            Key::of(
                "bundle",
                &json!({ "common": self.common, "target": target, "name": name, "packages": packages }),
            )
        });
        Ok(Identity { bundle, parts })
    }

    /// The key of a package that is installed from a wheel. The lock says what it is; which of the wheels it lists is
    /// taken, the target and uv say.
    fn third_party(&self, package: &LockedPackage) -> Option<Key> {
        // What is compiled here depends on this machine.
        if self.request.native_builds || package.wheels.is_empty() {
            return None;
        }
        let wheels: Option<Vec<Value>> = package
            .wheels
            .iter()
            .map(|wheel| {
                let digest = wheel.digest(&self.project.root, &package.source)?;
                Some(json!([wheel.filename(), digest]))
            })
            .collect();
        let ingredients = json!({
            "common": self.common,
            "target": self.request.target.to_string(),
            // Compiled into the bytecode. What is local is never in a layer.
            "root": root(self.request.layer.is_some()),
            "name": package.name,
            "version": package.version,
            "wheels": wheels?,
        });
        Some(Key::of("wheel", &ingredients))
    }

    /// The key of a local package: its files, and what its build backend may see beside them.
    fn local(&self, package: &LocalPackage) -> Result<Option<Key>, ProjectError> {
        // What commands do beforehand cannot be known, and what is compiled here depends on this machine.
        if !self.request.hooks.before_bundling.is_empty() || self.request.native_builds {
            return Ok(None);
        }
        let Some(history) = history_of(package) else { return Ok(None) };
        Ok(Some(Key::of(
            "local",
            &json!({
                "common": self.common,
                "workspace": self.workspace,
                "name": package.name,
                "version": package.version,
                "isCopy": package.shipping == Shipping::Copy,
                "history": history,
                "files": digest_of_files(&self.project.sources(package)?.files)?,
            }),
        )))
    }

    /// The key of the answer to whether the lock matches the project.
    pub fn lock(&self) -> Result<Key, ProjectError> {
        let project = self.project;
        let mut manifests = Vec::new();
        for folder in project.local_folders() {
            let manifest = folder.join("pyproject.toml");
            let within = folder.strip_prefix(&project.root).unwrap_or(folder).to_string_lossy();
            manifests.push(json!([within, digest_of_file(&manifest)]));
            if project.manifest_computes_metadata(folder) {
                let files = source_files(folder, &project.folders_inside(folder))?;
                manifests.push(json!(digest_of_files(&files)?));
            }
        }
        let root = &project.root;
        Ok(Key::of(
            "lock",
            &json!({
                "common": self.common,
                "lock": digest_of_file(&root.join(project.lockfile())),
                "script": project.script.as_ref().and_then(|script| digest_of_file(&root.join(script))),
                "root": digest_of_file(&root.join("pyproject.toml")),
                "uv.toml": digest_of_file(&root.join("uv.toml")),
                "manifests": manifests,
            }),
        ))
    }
}

/// What a package can know of the git repository that it lies in; `None` where that cannot be told.
fn history_of(package: &LocalPackage) -> Option<Value> {
    match package.repository_of_version() {
        Some(repository) => history::digest(repository).map(Value::String),
        None => Some(Value::Null),
    }
}

/// What the workspace says to uv, of which a build of any member may depend.
fn digest_of_settings(root: &Path) -> Value {
    let manifest = fs_err::read_to_string(root.join("pyproject.toml")).unwrap_or_default();
    let table = manifest.parse::<toml::Table>().unwrap_or_default();
    let settings = table.get("tool").and_then(|tool| tool.get("uv")).map(ToString::to_string);
    json!([
        settings.map(|settings| digest(remove_credentials(&settings).as_bytes())),
        digest_of_file(&root.join("uv.toml"))
    ])
}

fn digest_of_files(files: &[SourceFile]) -> io::Result<String> {
    let mut hasher = Sha256::new();
    for file in files {
        let contents = fs_err::read(&file.path)?;
        // Lengths, so that no two lists of files read the same.
        for part in [file.relative.as_bytes(), &contents] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(wording::hex(&hasher.finalize()))
}

/// `None` where there is no such file.
fn digest_of_file(path: &Path) -> Option<String> {
    fs_err::read(path).ok().map(|contents| digest(&contents))
}

fn digest(contents: &[u8]) -> String {
    wording::hex(&Sha256::digest(contents))
}
