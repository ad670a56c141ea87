//! Which list of objects belongs to the bundles of this process, so that another machine finds it again.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use crate::remote::{Prefetch, RemoteStore};
use crate::request::Request;
use crate::store::Store;
use crate::workspace::Workspace;

/// The list of the objects that some bundles need; `None` if the request has no remote store. `bundles` tells the bundles from others of
/// the workspace. Nothing in it may depend on this machine.
pub fn of(request: &Request, bundles: &Value) -> Option<Prefetch> {
    let remote = RemoteStore::open(request.remote.as_ref()?);
    let store = Store::open(request.store.as_ref()?).ok()?;
    let workspace = Workspace::open(&request.path).ok()?;
    let packages = workspace.lock.packages().iter();
    // The names of the local packages tell workspaces apart.
    let local: Vec<&str> = packages
        .filter(|package| package.local_folder().is_some())
        .map(|package| package.name.as_str())
        .collect();
    let folder =
        std::env::current_dir().map(|folder| seen_from(&workspace.root, &folder)).unwrap_or_default();
    Some(Prefetch::of(remote, store, &json!([local, folder, bundles])))
}

/// A folder as seen from another, with `/` on every system.
fn seen_from(from: &Path, folder: &Path) -> String {
    let common = from.components().zip(folder.components()).take_while(|(left, right)| left == right).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(folder.components().skip(common)).collect();
    let names: Vec<_> =
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_as_seen_from_the_workspace() {
        let seen = |from: &str, folder: &str| seen_from(Path::new(from), Path::new(folder));
        assert_eq!(seen("/home/a/project", "/home/a/project/infra"), "infra");
        assert_eq!(seen("/ci/b/project/services", "/ci/b/project/infra"), "../infra");
        assert_eq!(seen("/project", "/project"), "");
    }
}
