//! Statistics: what bundles had of the cache on this machine and of remote caches. Each process counts, and adds its counts to those in
//! the store when it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::remote;
use crate::report::Bundle;
use crate::store::{Key, Store};

/// The counts of this process, by the folder of the store.
static COUNTS: Mutex<BTreeMap<PathBuf, Statistics>> = Mutex::new(BTreeMap::new());

/// What bundles had of a store, and of the remote stores behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// The bundles that were cached.
    pub hits: Bundles,
    /// The bundles that were built.
    pub misses: Bundles,
    /// What was fetched and written, by the address of the remote store.
    pub remote: BTreeMap<String, Remote>,
}

/// Some bundles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundles {
    /// How many.
    pub bundles: u64,
    /// The size of their zips in bytes.
    pub bytes: u64,
    /// How long they took, in seconds.
    pub seconds: f64,
}

/// What was fetched from a remote store, and written into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remote {
    /// Objects that were fetched.
    pub hits: u64,
    /// Objects that the store did not have.
    pub misses: u64,
    /// The size of the fetched objects, in bytes.
    pub bytes: u64,
    /// How long bundles waited for objects, in seconds.
    pub seconds: f64,
    /// Objects that were written.
    pub sent: u64,
    /// The size of the written objects, in bytes.
    pub bytes_sent: u64,
}

/// Counts a bundle for the store in a folder.
pub fn count(store: &Path, bundle: &Bundle) {
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    if !counts.contains_key(store) {
        counts.insert(store.to_path_buf(), Statistics::default());
    }
    let Some(counts) = counts.get_mut(store) else { return };
    let bundles = if bundle.reused { &mut counts.hits } else { &mut counts.misses };
    bundles.bundles += 1;
    bundles.bytes += bundle.zip_bytes;
    bundles.seconds += bundle.elapsed.as_secs_f64();
}

/// Adds the counts of this process to those in its stores. A store that cannot be written has none. Called once, when the process
/// ends.
pub fn remember() {
    let counts = std::mem::take(&mut *COUNTS.lock().unwrap_or_else(PoisonError::into_inner));
    for (folder, mut counts) in counts {
        let Ok(store) = Store::open(&folder) else { continue };
        for (address, fetched) in remote::statistics(&store) {
            counts.remote.insert(address, fetched.into());
        }
        let key = key();
        let _lock = store.lock([&key], "counts hits and misses");
        if let Ok(text) = serde_json::to_string(&Statistics::of(&store).and(&counts)) {
            store.remember(&key, &text);
        }
    }
}

fn key() -> Key {
    Key::of("statistics", &json!(null))
}

impl Statistics {
    /// The statistics in a store.
    pub fn of(store: &Store) -> Self {
        store.fact(&key()).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn and(mut self, other: &Self) -> Self {
        for (sum, more) in [(&mut self.hits, other.hits), (&mut self.misses, other.misses)] {
            sum.bundles += more.bundles;
            sum.bytes += more.bytes;
            sum.seconds += more.seconds;
        }
        for (address, more) in &other.remote {
            let sum = self.remote.entry(address.clone()).or_default();
            sum.hits += more.hits;
            sum.misses += more.misses;
            sum.bytes += more.bytes;
            sum.seconds += more.seconds;
            sum.sent += more.sent;
            sum.bytes_sent += more.bytes_sent;
        }
        self
    }
}

impl From<remote::Statistics> for Remote {
    fn from(statistics: remote::Statistics) -> Self {
        let remote::Statistics { hits, misses, bytes_fetched, sent, bytes_sent, waited } = statistics;
        Self { hits, misses, bytes: bytes_fetched, seconds: Duration::as_secs_f64(&waited), sent, bytes_sent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_processes_add_up() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let built = Bundle { zip_bytes: 10, elapsed: Duration::from_secs(2), ..Bundle::default() };
            count(folder.path(), &built);
            count(folder.path(), &Bundle { reused: true, elapsed: Duration::ZERO, ..built });
            remember();
        }
        let Statistics { hits, misses, .. } = Statistics::of(&Store::open(folder.path()).unwrap());
        assert_eq!(hits, Bundles { bundles: 2, bytes: 20, seconds: 0.0 });
        assert_eq!(misses, Bundles { bundles: 2, bytes: 20, seconds: 4.0 });
    }
}
