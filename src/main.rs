//! The command line as an executable of its own, for machines without Node.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(uv_lambda_cdk::cli::run(std::env::args_os()))
}
