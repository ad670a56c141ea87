//! The command line as an executable of its own, for machines without Node, and for the container.

use std::process::ExitCode;

use uv_lambda_cdk::cli;
use uv_lambda_cdk::codes::ErrorCode;
use uv_lambda_cdk::container::credentials;

fn main() -> ExitCode {
    // Lives until the end: uv reads the files in it.
    let _files = match credentials::take() {
        Ok(files) => files,
        Err(error) => {
            eprintln!(
                "error[{}]: failed to read the file that the variable `{}` names: {error}; share the folder of temporary files (`TMPDIR`) with the container engine",
                ErrorCode::Io,
                credentials::VARIABLE
            );
            return ExitCode::from(2);
        }
    };
    ExitCode::from(cli::run(std::env::args_os()))
}
