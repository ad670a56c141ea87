//! Prefetch: the objects that an app needed last, so that a process with an empty local store fetches all of them at once. Otherwise
//! each of hundreds of functions would wait for its own.
//!
//! The list is an object too. It decides only when something is fetched, and not what is used: each object is still checked, and
//! looked up by its key.

use std::thread;

use serde_json::Value;

use super::RemoteStore;
use super::object::{Kind, ObjectName};
use crate::request::remote_settings::Mode;
use crate::store::{Key, Store};

/// The list of the objects of an app.
#[derive(Debug, Clone)]
pub struct Prefetch {
    remote: RemoteStore,
    store: Store,
    name: ObjectName,
}

impl Prefetch {
    /// The list of the app that `identity` tells from others, on any machine.
    pub fn of(remote: RemoteStore, store: Store, identity: &Value) -> Self {
        let name = ObjectName { kind: Kind::Prefetch, key: Key::of("prefetch", identity) };
        Self { remote, store, name }
    }

    /// Lets the remote store fetch the objects in the list, in the background, as soon as the first object is missing here.
    pub fn begin_at_first_miss(&self) {
        self.remote.prefetch_at_first_miss(self.clone());
    }

    /// Fetches the list, and begins to fetch the objects in it.
    pub(super) fn begin(self) {
        // Without the thread, each bundle waits for its own objects.
        let _ = thread::Builder::new().spawn(move || {
            let Self { remote, store, name } = self;
            let Some(path) = store.shared_path(name.kind.shared(), &name.key) else { return };
            // The one that is here may be older.
            let _ = fs_err::remove_file(path);
            remote.fetch(&store, std::slice::from_ref(&name));
            let list = store.prefetch_list(&name.key).unwrap_or_default();
            if let Ok(names) = serde_json::from_str::<Vec<ObjectName>>(&list) {
                remote.begin_to_fetch(&store, &names);
            }
        });
    }

    /// Writes the list anew, with the objects that the bundles of this process looked for. Does nothing if this machine only reads.
    pub fn replace(&self) {
        let Self { remote, store, name } = self;
        let Ok(list) = serde_json::to_string(&remote.wanted()) else { return };
        if remote.settings().mode == Mode::Read || store.prefetch_list(&name.key).as_deref() == Some(&list) {
            return;
        }
        store.remember_prefetch_list(&name.key, &list);
        if let Some(path) = store.shared_path(name.kind.shared(), &name.key) {
            remote.replace(name, &path);
        }
    }
}
