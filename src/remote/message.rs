//! Messages between this process and the helper that talks to the remote store: one line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::object::ObjectName;
use crate::report::Warning;

/// The verb of the executable that starts a helper.
pub const HELPER_VERB: &str = "remote-cache-helper";

/// A message to the helper. The first one is [`Begin`](Self::Begin).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ToHelper {
    /// The store.
    Begin {
        /// Its address.
        address: String,
    },
    /// Fetch these objects, the first ones first. A [`Fetched`](FromHelper::Fetched) answers for each.
    Fetch(Vec<Transfer>),
    /// Write these objects when there is time.
    Send(Vec<Transfer>),
    /// Write these objects, but not those that the store has.
    SendMissing(Vec<Transfer>),
    /// Remove the objects that were written before this time, in seconds since 1970. A [`Pruned`](FromHelper::Pruned) answers.
    Prune {
        /// The time.
        before: u64,
    },
    /// Write what is still to be written, and end. A [`Finished`](FromHelper::Finished) answers.
    Finish,
}

/// An object, and its file on this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transfer {
    /// The name.
    pub name: ObjectName,
    /// The file.
    pub path: PathBuf,
}

/// A message from the helper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FromHelper {
    /// The helper is alive. It says so every second.
    Working,
    /// What became of an object to fetch.
    Fetched {
        /// The object, and its file.
        transfer: Transfer,
        /// Whether its file is there now.
        is_here: bool,
        /// Its size in bytes.
        bytes: u64,
    },
    /// An object was written.
    Sent {
        /// Its size in bytes.
        bytes: u64,
    },
    /// Something went wrong. The helper goes on.
    Warning(Warning),
    /// Objects were removed.
    Pruned {
        /// How many.
        entries: usize,
        /// Their size in bytes.
        bytes: u64,
    },
    /// The helper ends.
    Finished,
}
