//! Unchanged bundles: found by the stamps of files alone. No lock, manifest or source is read.
//!
//! A record in the store names the last zip of a request and the paths that it depended on. While the stamps of all these paths are
//! the same, the zip is the same. A lookup costs one `stat` per path, and reads two small files. git finds changed files in the same
//! way, and has the same rule for files that were written shortly before they were read.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::finished::Finished;
use crate::plan::Plan;
use crate::plan::cache_keys::{ToolVersions, sha256};
use crate::report::Warning;
use crate::request::layers::without_names;
use crate::request::{Options, Request};
use crate::store::{Key, Store};
use crate::support::glance::Glances;
use crate::target::PythonVersion;
use crate::workshop::{Tools, Workshop};
use crate::workspace::Workspace;
use crate::workspace::snapshot::Snapshot;

/// The last zip of a request, and everything that it depended on.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// The key of the zip.
    bundle: String,
    /// The file name of the zip.
    zip_name: String,
    /// The warnings of the build.
    warnings: Vec<Warning>,
    /// The Python of the runtime.
    python: PythonVersion,
    /// The full Python version in `.python-version`.
    pinned_python: Option<String>,
    /// A digest of the versions of uv and Python, and of the user's settings.
    tools: String,
    /// The lock. Its inputs have a record of their own, which all functions of a workspace share.
    lock: String,
    /// The digest of the files that decide whether the lock is up to date.
    lock_inputs: String,
    /// The files of the local packages, and all other paths that decide which files these are.
    snapshot: Snapshot,
}

/// The files that decide whether a lock is up to date, and their digest.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LockInputs {
    digest: String,
    snapshot: Snapshot,
}

/// The inputs of the locks, shared by all bundles of this process. They include the manifests of all members: otherwise each of 1,000
/// functions would look at 1,000 manifests.
static LOCK_INPUTS: Glances<String, Arc<LockInputs>> = Glances::none();

/// The finished bundle of a request, if nothing changed since it was recorded.
pub fn find(request: &Request, store: &Store) -> Option<Finished> {
    let record: Record = serde_json::from_str(&store.fact(&key_of(request))?).ok()?;
    if !record.snapshot.is_unchanged() || lock_inputs(&record.lock, store)?.digest != record.lock_inputs {
        return None;
    }
    let tools = Tools::find(
        request,
        Path::new(&record.lock).parent()?,
        record.python,
        record.pinned_python.as_deref(),
        store,
    )
    .ok()?;
    if digest_of(&tools.versions) != record.tools {
        return None;
    }
    let cached = store.bundle(&Key::parse(&record.bundle)?)?;
    // The Python may be another one for another reason than at the time of the record.
    let warnings = record.warnings.into_iter().chain(tools.python_warning).collect();
    Some(Finished::unchanged(cached, record.zip_name, warnings))
}

/// Records a finished bundle for the next time. `begun` is a time before any file was read.
pub fn record(plan: &Plan<'_>, workshop: &Workshop, finished: &Finished, begun: SystemTime) {
    let (Some(key), Some(observed)) = (finished.key(), plan.observed()) else { return };
    let Plan { request, workspace, subject, .. } = plan;
    let record = Record {
        bundle: key.to_string(),
        zip_name: subject.zip_name(),
        warnings: finished.warnings().to_vec(),
        python: subject.target.python,
        pinned_python: subject.pinned_python.clone(),
        tools: digest_of(&workshop.versions),
        lock: workspace.lockfile().to_string_lossy().into_owned(),
        lock_inputs: workspace.lock_inputs().to_owned(),
        snapshot: Snapshot::of(observed),
    };
    if record.snapshot.is_settled_at(begun)
        && record_lock_inputs(workspace, &workshop.store)
        && let Ok(text) = serde_json::to_string(&record)
    {
        workshop.store.remember(&key_of(request), &text);
    }
}

/// The key of the record of a request. Unlike the digest of a request, it contains paths of this machine.
fn key_of(request: &Request) -> Key {
    let python = request.python.as_ref().map(|python| format!("{python:?}"));
    let layers = request.options().layers.as_deref().map(without_names);
    let options = Options { layers, ..request.options().clone() };
    Key::of("unchanged", &json!([options.to_json(), request.path, request.uv, python]))
}

fn key_of_lock(lock: &str) -> Key {
    Key::of("lock inputs", &json!(lock))
}

fn digest_of(versions: &ToolVersions) -> String {
    sha256(json!([versions.uv, versions.settings, versions.python]).to_string().as_bytes())
}

/// The inputs of a lock, if none of them changed since they were read.
fn lock_inputs(lock: &str, store: &Store) -> Option<Arc<LockInputs>> {
    let question = lock.to_owned();
    if let Some(recent) = LOCK_INPUTS.recent(&question) {
        return Some(recent);
    }
    let start = Instant::now();
    let recorded = || serde_json::from_str(&store.fact(&key_of_lock(lock))?).ok().map(Arc::new);
    let inputs = LOCK_INPUTS.last(&question).filter(|inputs| inputs.snapshot.is_unchanged());
    let inputs =
        inputs.or_else(|| recorded().filter(|inputs: &Arc<LockInputs>| inputs.snapshot.is_unchanged()))?;
    LOCK_INPUTS.remember(question, start, Arc::clone(&inputs));
    Some(inputs)
}

/// Records the inputs of the lock, unless they are recorded already. Returns whether they are recorded now.
fn record_lock_inputs(workspace: &Workspace, store: &Store) -> bool {
    let lock = workspace.lockfile().to_string_lossy().into_owned();
    if lock_inputs(&lock, store).is_some_and(|inputs| inputs.digest == workspace.lock_inputs()) {
        return true;
    }
    let Some(snapshot) = workspace.settled_snapshot() else { return false };
    let inputs = LockInputs { digest: workspace.lock_inputs().to_owned(), snapshot: snapshot.clone() };
    let Ok(text) = serde_json::to_string(&inputs) else { return false };
    store.remember(&key_of_lock(&lock), &text);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_has_what_is_in_layers_and_not_their_names() {
        let key = |name: &str, version: &str| {
            let layer = json!({
                "name": name,
                "runtime": "python3.13",
                "architecture": "x86_64",
                "packages": [{ "name": "one", "version": version }],
            });
            let options = json!({ "path": env!("CARGO_MANIFEST_DIR"), "layers": [layer] });
            key_of(&Request::from_json(&options).unwrap()).to_string()
        };
        assert_eq!(key("Packages", "1.0"), key("Stage/Packages", "1.0"));
        assert_ne!(key("Packages", "1.0"), key("Packages", "2.0"));
    }
}
