//! `uv-lambda-cdk` builds byte-reproducible AWS Lambda zips from uv projects.
//!
//! This crate is the core of the npm package of that name; Node loads it as an add-on. One bundle walks straight through the
//! modules below, in their order:
//!
//! ```no_run
//! use uv_lambda_cdk::{Request, bundle};
//!
//! let request = Request::from_json(&serde_json::json!({
//!     "path": ".",
//!     "packageName": "demo-lambda1",
//!     "runtime": "python3.13",
//!     "architecture": "x86_64",
//! }))?;
//! let bundle = bundle(&request, "out".as_ref())?;
//! println!("{} {}", bundle.sha256, bundle.zip_path.display());
//! # Ok::<(), uv_lambda_cdk::Error>(())
//! ```
//!
//! Three values travel: the [`Workspace`] is the project on disk, the same for all requests; the [`Plan`](plan::Plan) lists the packages,
//! files and keys of one request; the [`Workshop`](workshop::Workshop) has the tools: uv, Python and the store.
//!
//! Terms: a *member* is a package of the uv workspace; a *local package* is any package whose sources lie on this machine; the *target* is
//! the Lambda runtime and CPU that the bundle is for; a *pack* is a file with everything that one package brings into bundles, compiled and
//! compressed.

// One bundle, from the request to the output folder.
mod bundle;
pub mod request;
pub mod target;
pub mod workspace;
pub mod plan;
pub mod workshop;
pub mod tools;
pub mod install;
pub mod select;
pub mod bytecode;
pub mod elf;
pub mod pack;
pub mod check;
pub mod archive;
pub mod store;
pub mod remote;
mod finished;
mod unchanged;
pub mod report;
pub mod statistics;
pub mod error;
pub mod codes;

// Operations on bundles.
pub mod compare;
pub mod explain;
pub mod many_bundles;
pub mod pythons;
pub mod verify;
#[cfg(feature = "remote-cache")]
pub mod remote_helper;

// Shared by several stages.
pub mod secrets;
pub mod support;

// The entry points.
#[cfg(feature = "binding")]
pub mod binding;
pub mod cli;
pub mod container;

pub use bundle::{bundle, bundle_under};
pub use compare::diff;
pub use error::Error;
pub use explain::explain;
pub use report::Bundle;
pub use request::{Options, Request};
pub use verify::verify;
pub use workshop::Conditions;
pub use workspace::{Workspace, find_root};
