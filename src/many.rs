//! Many bundles: all that are asked for at once, and in a CDK app, which asks for one after the other, those that it asked
//! for the last time.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, available_parallelism};

use serde_json::{Value, json};

use crate::bundle::{bundle, prepare};
use crate::error::{Error, caught};
use crate::report::Bundle;
use crate::request::Request;
use crate::request::command_hooks::CommandHooks;
use crate::store::{Key, Store};
use crate::workspace::find_root;

/// Builds many bundles, each into the folder beside it, on all cores. What several of them need is made once. The results are
/// in the order of the requests.
pub fn bundle_all(requests: &[(Request, PathBuf)]) -> Vec<Result<Bundle, Error>> {
    // Threads of their own: a bundle waits for what another one makes, which no thread of a pool may.
    let workers = available_parallelism().map_or(1, NonZeroUsize::get).min(requests.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        while let Some((index, (request, output))) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            requests.get(index).map(|request| (index, request))
        } {
            made.push((index, caught(|| bundle(request, output))));
        }
        made
    };
    let mut made: Vec<(usize, Result<Bundle, Error>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    made.sort_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, result)| result).collect()
}

/// What this process was asked for so far, as options, in one app.
static ASKED: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Builds a bundle of an app that asks for one after the other. At the first, those that the app asked for the last time are begun
/// in the background, and the bundles to come find them made, or wait for them.
pub fn bundle_next(options: &Value, output: &Path) -> Result<Bundle, Error> {
    let request = Request::from_json(options)?;
    if let Some(app) = App::of(&request) {
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.is_empty() {
            let before = app.asked_before();
            // Not waited for: the app may end before, and whoever needs what is half made makes it.
            thread::spawn(move || prepare_all(&before));
        }
        asked.push(options.clone());
        app.remember(&asked);
    }
    bundle(&request, output)
}

fn prepare_all(asked: &[Value]) {
    for options in asked {
        // What fails here fails again when it is asked for, and is reported then.
        let _ = caught(|| prepare(&Request::from_json(options)?));
    }
}

/// An app: a process in one folder, about one workspace.
struct App {
    store: Store,
    key: Key,
}

impl App {
    /// `None` where nothing is kept, and where commands of the caller's run, which nobody should run unasked.
    fn of(request: &Request) -> Option<Self> {
        if request.hooks != CommandHooks::default() {
            return None;
        }
        let store = Store::open(request.store.as_ref()?).ok()?;
        let folder = std::env::current_dir().ok()?;
        let root = find_root(&request.path).ok()?;
        let key = Key::of("app", &json!([folder.to_string_lossy(), root.to_string_lossy()]));
        Some(Self { store, key })
    }

    fn asked_before(&self) -> Vec<Value> {
        let asked = self.store.fact(&self.key).and_then(|text| serde_json::from_str(&text).ok());
        asked.unwrap_or_default()
    }

    fn remember(&self, asked: &[Value]) {
        self.store.remember(&self.key, &Value::from(asked).to_string());
    }
}
