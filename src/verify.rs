//! Verify: are the bytes of a bundle the same every time? Builds the bundle twice, the second time under other conditions,
//! none of which may change a byte, and names the first byte that differs.

use std::env;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

use clap::{ArgAction, Args};
use serde::Deserialize;
use serde_json::Value;

use crate::bundle::bundle_under;
use crate::compare::{Difference, diff};
use crate::error::Error;
use crate::remote::RemoteStore;
use crate::report::Bundle;
use crate::request::options_from_json::options_from_json;
use crate::request::{Request, RequestError};
use crate::support::working_folder::WorkFolder;
use crate::tools::uv::UvCache;
use crate::workshop::{CompileOrder, Conditions, StoreUse};

/// How long to wait between the builds, so that a time in a zip would differ: the times of zips have steps of
/// two seconds, and no clock in use has longer ones.
const CLOCK_TICK: Duration = Duration::from_millis(2100);

/// How to verify. A setting that is not given is `None`.
///
/// The comments on the fields are the help of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Args)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default, expecting = "an object")]
pub struct VerifySettings {
    /// Use your uv cache in the second build too. By default that build starts with an empty uv cache and needs the network,
    /// unless `UV_OFFLINE` is set
    #[arg(long = "warm-only", action = ArgAction::SetFalse)]
    pub cold_cache: Option<bool>,
    /// Take everything that the remote cache has for the first build, and build the second one from the wheels and sources: what
    /// somebody put into the remote cache then shows as a difference
    #[arg(long, action = ArgAction::SetTrue)]
    pub remote: Option<bool>,
}

impl VerifySettings {
    /// Reads settings as JavaScript passes them (`VerifySettings` in `index.d.ts`).
    pub fn from_json(settings: &Value) -> Result<Self, RequestError> {
        options_from_json::<Option<Self>>(settings).map(Option::unwrap_or_default)
    }
}

/// The outcome of two builds of one bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The first bundle. Its zip was removed.
    pub first: Bundle,
    /// SHA-256 of the second build's zip, in hex.
    pub second_sha256: String,
    /// The uv cache that the second build began with.
    pub second_cache: SecondCache,
    /// The first difference; `None` where the bytes are the same.
    pub difference: Option<Difference>,
    /// Every file that is not the same in both, in the order of their paths' bytes.
    pub differing_files: Vec<String>,
    /// How many entries the first build took from the remote cache, if this was asked for.
    pub remote_entries: Option<u64>,
    /// How long it took.
    pub elapsed: Duration,
}

/// The uv cache that the second build began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondCache {
    /// An empty one.
    Cold,
    /// The user's own, because the caller asked for it.
    WarmAsAsked,
    /// The user's own, because uv may not use the network.
    WarmSinceOffline,
}

impl SecondCache {
    fn choose(settings: VerifySettings) -> Self {
        if settings.cold_cache == Some(false) {
            Self::WarmAsAsked
        } else if env::var("UV_OFFLINE").is_ok_and(|value| is_true(&value)) {
            Self::WarmSinceOffline
        } else {
            Self::Cold
        }
    }

    /// Why the cache was not an empty one, as a sentence.
    pub fn reason_not_cold(self) -> Option<&'static str> {
        match self {
            Self::Cold => None,
            Self::WarmAsAsked => Some("not tried, as asked"),
            Self::WarmSinceOffline => {
                Some("not tried: `UV_OFFLINE` is set, and an empty cache needs the network")
            }
        }
    }
}

/// Builds the bundle of `request` twice, and compares the bytes.
pub fn verify(request: &Request, settings: VerifySettings) -> Result<Verification, Error> {
    let start = Instant::now();
    let room = WorkFolder::new(&std::env::temp_dir()).map_err(Error::WorkFolder)?;
    let second_cache = SecondCache::choose(settings);

    let remote = match settings.remote {
        Some(true) => {
            Some(request.remote.as_ref().map(RemoteStore::open).ok_or(RequestError::NoRemoteCache)?)
        }
        _ => None,
    };
    // An empty store, so that everything comes from the remote one.
    let store = remote.as_ref().map_or(StoreUse::AsRequested, |_| StoreUse::At(room.path().join("store")));
    let hits = |remote: &RemoteStore| remote.statistics().hits;
    let hits_before = remote.as_ref().map_or(0, hits);
    let first_conditions = Conditions { store, ..Conditions::default() };
    let first = bundle_under(request, &room.path().join("first"), &first_conditions)?;
    let conditions = second_conditions(room.path(), second_cache)?;
    sleep(CLOCK_TICK);
    let second = bundle_under(request, &room.path().join("second"), &conditions)
        .map_err(|error| second_build_failed(error, second_cache))?;

    let diff = diff(&first.zip_path, &second.zip_path)?;
    Ok(Verification {
        first,
        second_sha256: second.sha256,
        second_cache,
        remote_entries: remote.map(|remote| hits(&remote) - hits_before),
        difference: diff.first,
        differing_files: diff.files.into_iter().map(|change| change.path).collect(),
        elapsed: start.elapsed(),
    })
}

/// Conditions that all differ from those of an ordinary bundle.
fn second_conditions(room: &Path, cache: SecondCache) -> Result<Conditions, Error> {
    // Another depth and another name, in case a path gets into the zip.
    let work = room.join("another/working/folder");
    fs_err::create_dir_all(&work).map_err(Error::WorkFolder)?;
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    Ok(Conditions {
        work,
        workers: NonZeroUsize::new(if cores == 1 { 4 } else { 1 }),
        order: CompileOrder::Reversed,
        uv_cache: match cache {
            SecondCache::Cold => UvCache::At(room.join("cache")),
            SecondCache::WarmAsAsked | SecondCache::WarmSinceOffline => UvCache::OfUser,
        },
        store: StoreUse::Never,
        // The only condition that shows: as a warning, and not in the zip.
        time: Conditions::default().time,
    })
}

/// Explains an error of uv in the second build: the first build succeeded, so the empty cache is the cause.
fn second_build_failed(error: Error, cache: SecondCache) -> Error {
    match (error, cache) {
        (error @ (Error::Uv(_) | Error::Install(_)), SecondCache::Cold) => Error::ColdCache(Box::new(error)),
        (error, _) => error,
    }
}

/// Whether uv reads the value of a variable as true.
fn is_true(value: &str) -> bool {
    ["1", "y", "yes", "t", "true", "on"].contains(&value.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::codes::ErrorCode;
    use crate::tools::uv::UvError;

    #[test]
    fn every_condition_of_the_second_build_is_another() {
        let room = tempfile::tempdir().unwrap();
        let Conditions { work, workers, order, uv_cache, store, time: _ } = Conditions::default();
        let second = second_conditions(room.path(), SecondCache::Cold).unwrap();
        assert!(second.work.components().count() > work.components().count());
        assert_ne!(second.workers, workers);
        assert_ne!(second.order, order);
        assert_ne!(second.uv_cache, uv_cache);
        assert_ne!(second.store, store);
    }

    #[test]
    fn settings_are_checked() {
        let read = |value: Value| VerifySettings::from_json(&value);
        assert_eq!(read(Value::Null).unwrap().cold_cache, None);
        assert_eq!(read(json!({ "coldCache": null })).unwrap().cold_cache, None);
        assert_eq!(read(json!({ "coldCache": false })).unwrap().cold_cache, Some(false));
        let misspelt = read(json!({ "coldcache": false })).unwrap_err();
        assert_eq!(
            misspelt.to_string(),
            "unknown option `coldcache` (did you mean `coldCache`?); the options are `coldCache` and `remote`"
        );
        assert_eq!(read(json!({ "coldCache": "no" })).unwrap_err().code(), ErrorCode::InvalidOptions);
        assert_eq!(read(json!("no")).unwrap_err().code(), ErrorCode::InvalidOptions);
    }

    #[test]
    fn a_failure_for_want_of_a_cache_says_so() {
        let failed = || Error::Uv(UvError::Failed { command: "sync", words: "no network".to_owned() });
        let cold = second_build_failed(failed(), SecondCache::Cold);
        assert_eq!((cold.code(), cold.container_can_help()), (ErrorCode::UvFailed, false));
        let message = cold.to_string();
        assert!(message.starts_with("`uv sync` failed:\nno network\n"), "{message}");
        assert!(message.contains("`--warm-only`"), "{message}");
        let warm = second_build_failed(failed(), SecondCache::WarmAsAsked);
        assert_eq!(warm.to_string(), failed().to_string());
    }

    #[test]
    fn what_uv_takes_for_a_yes() {
        assert!(is_true("1") && is_true("True"));
        assert!(!is_true("") && !is_true("0") && !is_true("false"));
    }
}
