//! The programs that a bundle is made with: uv, the Python that compiles, commands of the user. The only folder that starts processes.

mod bounded_output;
pub mod build_backend;
pub mod git;
pub mod interpreter;
pub mod keyring;
#[cfg(unix)]
mod orphans;
pub mod process;
pub mod python;
pub mod python_download;
pub mod run_hooks;
pub mod uv;
