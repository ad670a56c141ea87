//! Remote: a store that a team shares, behind the one on this machine. What one machine made, no other makes again.
//!
//! The pieces of bundles travel, and no bundles: packs, and facts that would cost a process. An object that is missing here is fetched
//! into the local [store](crate::store) before it is looked up, so all other modules know only the local store. A remote store is never
//! a reason for a failure: what cannot be fetched is made.
//!
//! This process does not speak to the store itself. A helper does, the same program as an executable
//! ([`remote_helper`](crate::remote_helper)): one per process and store, started when an object is first missing.

mod client;
mod helper_process;
pub mod message;
pub mod object;
mod prefetch;

pub use client::{RemoteStore, Statistics, finish_all, statistics};
pub use helper_process::set_executable;
pub use object::{Kind, ObjectName};
pub use prefetch::Prefetch;
