//! The programs that a bundle is made with: uv, the Python that compiles, commands of the user. The only folder that starts processes.

mod bounded_output;
pub mod command_hooks;
pub mod git;
pub mod interpreter;
pub mod keyring;
pub mod process;
pub mod uv;
#[cfg(unix)]
mod watchdog;
