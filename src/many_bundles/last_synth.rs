//! The bundles of a CDK app, which asks for one after the other. Those that it asked for in its last synth are prepared in the
//! background when it asks for the first one, so that the later ones are cached, or nearly.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

use serde_json::{Value, json};

use crate::bundle::{bundle, prepare};
use crate::error::{Error, caught};
use crate::report::Bundle;
use crate::request::command_hooks::CommandHooks;
use crate::request::{Options, Request};
use crate::store::{Key, Store};
use crate::workspace::find_root;

/// The variables by which the `cdk` command tells an app its context. Without them the app runs in a unit test or by itself, and nothing
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
}

/// Builds the next bundle of an app. At the first one, those of the last synth are begun in the background; the later ones find
/// them cached, or wait for them.
pub fn bundle_next(options: Options, output: &Path) -> Result<Bundle, Error> {
    let asked = options.to_json();
    let request = Request::new(options)?;
    if let Some((key, store)) = synth_of(&request) {
        let mut requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
        let synth = requests.entry(key.clone()).or_insert_with(|| {
            let before = store.fact(&key).and_then(|text| serde_json::from_str(&text).ok());
            let before: Vec<Value> = before.unwrap_or_default();
            let prepared = before.clone();
            // Nobody waits for this thread: the app may end before it.
            thread::spawn(move || prepare_all(&prepared));
            Synth { store, before, now: Vec::new() }
        });
        synth.now.push(asked);
    }
    bundle(&request, output)
}

/// Remembers the requests of this process for the next synth. Called once, when the process ends.
pub fn remember_synth() {
    let requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, synth) in requests.iter() {
        if synth.now != synth.before {
            synth.store.remember(key, &Value::from(synth.now.clone()).to_string());
        }
    }
}

fn prepare_all(requests: &[Value]) {
    for options in requests {
        // An error here comes again when the bundle is asked for, and is reported then.
        let _ = caught(|| prepare(&Request::from_json(options)?));
    }
}

/// The key of the app's synth, and the store that remembers it: one per folder, workspace and selection of stacks. `None` if there is
/// no store, if the `cdk` command did not start the app, and if commands of the user run, which must not run unasked.
fn synth_of(request: &Request) -> Option<(Key, Store)> {
    if request.hooks != CommandHooks::default() || env::var_os(CONTEXT_OVERFLOW).is_some() {
        return None;
    }
    let context: Value = serde_json::from_str(&env::var(CONTEXT).ok()?).ok()?;
    let store = Store::open(request.store.as_ref()?).ok()?;
    let folder = env::current_dir().ok()?;
    let root = find_root(&request.path).ok()?;
    let stacks = context.get(BUNDLING_STACKS);
    let key = Key::of("synth", &json!([folder.to_string_lossy(), root.to_string_lossy(), stacks]));
    Some((key, store))
}
