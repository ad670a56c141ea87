//! The bundles of a CDK app, which asks for one after the other. When the first one has to be built, the bundles of the app's last
//! synth are prepared in the background, so that the next ones are in the cache when the app asks for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

use serde_json::{Value, json};

use super::prefetch_list;
use crate::bundle::{bundle_announced, prepare};
use crate::error::{Error, caught};
use crate::remote::Prefetch;
use crate::report::Bundle;
use crate::request::hooks::Hooks;
use crate::request::{Options, Request};
use crate::store::{Key, Store};

/// The variable by which the `cdk` command tells an app its context. Without it, the app runs in a unit test or by itself, and nothing
/// is prepared: a test of one stack must not build the functions of all.
const CONTEXT: &str = "CDK_CONTEXT_JSON";

/// The context in which the `cdk` command names the stacks whose assets are bundled.
///
/// Source: `BUNDLING_STACKS` in `aws-cdk-lib/cx-api`.
const BUNDLING_STACKS: &str = "aws:cdk:bundling-stacks";

/// The variable that takes the place of [`CONTEXT`] if the context is too large. Its stacks are not known, so nothing is prepared.
const CONTEXT_OVERFLOW: &str = "CONTEXT_OVERFLOW_LOCATION";

/// The requests of this process, by synth.
static REQUESTS: Mutex<BTreeMap<Key, Synth>> = Mutex::new(BTreeMap::new());

/// The requests of one app for one selection of stacks, in order.
#[derive(Debug)]
struct Synth {
    store: Store,
    before: Vec<Value>,
    now: Vec<Value>,
    /// Whether the requests of the last synth are being prepared.
    is_prepared: bool,
    /// The list of what other machines needed for this synth.
    prefetch: Option<Prefetch>,
    /// Whether a bundle of this synth was cached.
    has_hits: bool,
}

/// Builds the next bundle of an app. When the first one has to be built, this starts to prepare those of the last synth in the
/// background. Later calls find them cached, or wait for them.
pub fn bundle_next(options: Options, output: &Path) -> Result<Bundle, Error> {
    let asked = options.to_json();
    let request = Request::new(options)?;
    let synth = synth_of(&request);
    if let Some((key, store)) = &synth {
        add(key, store, asked);
    }
    let bundle = bundle_announced(&request, output, || {
        if let Some((key, _)) = &synth {
            prepare_last_synth(key, &request);
        }
    })?;
    if let Some((key, _)) = synth.filter(|_| bundle.reused) {
        let mut requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
        requests.entry(key).and_modify(|synth| synth.has_hits = true);
    }
    Ok(bundle)
}

/// Adds a request to those of the synth.
fn add(key: &Key, store: &Store, asked: Value) {
    let mut requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    let synth = requests.entry(key.clone()).or_insert_with(|| {
        let before = store.fact(key).and_then(|text| serde_json::from_str(&text).ok());
        Synth {
            store: store.clone(),
            before: before.unwrap_or_default(),
            now: Vec::new(),
            is_prepared: false,
            prefetch: None,
            has_hits: false,
        }
    });
    synth.now.push(asked);
}

/// Begins to fetch what other machines needed for this synth, and to prepare the requests of the last synth of this one. Does so once.
/// Nobody waits for the threads: the app may end before them.
fn prepare_last_synth(key: &Key, request: &Request) {
    let mut requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(synth) = requests.get_mut(key).filter(|synth| !synth.is_prepared) else { return };
    synth.is_prepared = true;
    let stacks = env::var(CONTEXT).ok().and_then(bundling_stacks);
    synth.prefetch = prefetch_list::of(request, &json!(["synth", stacks]));
    if let Some(prefetch) = &synth.prefetch {
        prefetch.begin_at_first_miss();
    }
    let before = synth.before.clone();
    thread::spawn(move || prepare_all(&before));
}

/// Remembers the requests of this process for the next synth, and what they needed for other machines. Called once, when the process
/// ends.
pub fn remember_synth() {
    let requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, synth) in requests.iter() {
        if synth.now != synth.before {
            synth.store.remember(key, &Value::from(synth.now.clone()).to_string());
        }
        // With hits, the list would lack what they were made of.
        if let Some(prefetch) = synth.prefetch.as_ref().filter(|_| !synth.has_hits) {
            prefetch.replace();
        }
    }
}

fn prepare_all(requests: &[Value]) {
    for options in requests {
        // An error here occurs again when the app asks for the bundle, and is reported then.
        let _ = caught(|| prepare(&Request::from_json(options)?));
    }
}

/// The key of the app's synth, and the store that remembers it: one per folder of the app and selection of stacks. `None` if there is
/// no store, if the `cdk` command did not start the app, or if the request has commands of the user: they must not run unasked.
fn synth_of(request: &Request) -> Option<(Key, Store)> {
    if request.hooks != Hooks::default() || env::var_os(CONTEXT_OVERFLOW).is_some() {
        return None;
    }
    let stacks = bundling_stacks(env::var(CONTEXT).ok()?)?;
    let store = Store::open(request.store.as_ref()?).ok()?;
    let folder = env::current_dir().ok()?;
    Some((Key::of("synth", &json!([folder.to_string_lossy(), stacks])), store))
}

/// The selection of stacks in a context, `null` where it has none; `None` if the context cannot be read. The context of an app can be
/// large and is the same for all of its functions, so the last answer is remembered.
fn bundling_stacks(context: String) -> Option<Value> {
    static LAST: Mutex<Option<(String, Option<Value>)>> = Mutex::new(None);

    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, stacks)) = last.as_ref()
        && *of == context
    {
        return stacks.clone();
    }
    let read: Option<Value> = serde_json::from_str(&context).ok();
    let stacks = read.map(|context| context.get(BUNDLING_STACKS).cloned().unwrap_or_default());
    *last = Some((context, stacks.clone()));
    stacks
}
