//! `uv-lambda-cdk` builds byte-reproducible AWS Lambda zips from uv projects.
//!
//! This crate is the core of the npm package of that name; Node loads it as an add-on. One bundle
//! is one straight walk through the modules below, in their order:
//!
//! ```no_run
//! use uv_lambda_cdk::{Request, bundle};
//!
//! let request = Request::from_options(&serde_json::json!({
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
//! Terms: a *member* is a package of the uv workspace; a *local package* is any package whose
//! sources lie on this machine; the *target* is the Lambda runtime and CPU that the bundle is for.

// The walk.
mod bundle;
pub mod many;
pub mod request;
pub mod target;
pub mod tag;
pub mod layer;
pub mod project;
pub mod uv;
pub mod interpreter;
pub mod hooks;
pub mod install;
pub mod select;
pub mod check;
pub mod bytecode;
pub mod archive;
pub mod pack;
pub mod gather;
pub mod store;

// What is done with bundles.
pub mod compare;
pub mod explain;
pub mod verify;

// Around the walk.
pub mod cli;
pub mod conditions;
pub mod container;
pub mod handover;
pub mod keyring;
pub mod error;
pub mod identity;
pub mod process;
pub mod report;
mod secrets;
mod dist_info;
mod files;
mod text;
mod work;

#[cfg(feature = "binding")]
pub mod binding;

pub use bundle::{bundle, bundle_under};
pub use compare::diff;
pub use conditions::Conditions;
pub use error::Error;
pub use explain::explain;
pub use project::find_root;
pub use report::Bundle;
pub use request::Request;
pub use verify::verify;
