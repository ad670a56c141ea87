//! `uv-lambda-cdk` builds byte-reproducible AWS Lambda zips from uv projects.
//!
//! This crate is the core of the npm package of that name; Node loads it as an add-on. One bundle is one straight walk through the
//! modules below, in their order:
//!
//! ```no_run
//! use uv_lambda_cdk::{Request, bundle};
//!
//! let request = Request::from_json(&serde_json::json!({
//!     "path": ".",
//!     "packageName": "demo-lambda1",
//!     "pythonVersion": "3.13",
//!     "architecture": "x86_64",
//! }))?;
//! let bundle = bundle(&request, "out".as_ref())?;
//! println!("{} {}", bundle.sha256, bundle.path.display());
//! # Ok::<(), uv_lambda_cdk::Error>(())
//! ```
//!
//! Three values travel: the [`Workspace`] is what lies on disk and knows no request; the [`Plan`](plan::Plan) is what a request needs
//! of it; the [`Workshop`](workshop::Workshop) is what the bundle is made with.
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
mod finished;
mod unchanged;
pub mod report;
pub mod error;

// What is done with bundles.
pub mod compare;
pub mod explain;
pub mod many_bundles;
pub mod verify;

// What several stages need.
pub mod secrets;
pub mod support;

// The doors.
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
