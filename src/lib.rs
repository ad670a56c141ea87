//! Core of `uv-lambda-cdk`.

pub mod interpreter;
pub mod process;
pub mod target;
