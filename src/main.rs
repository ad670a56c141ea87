//! The command line as an executable of its own, for machines without Node, and for the container.

use std::process::ExitCode;

use uv_lambda_cdk::cli;
use uv_lambda_cdk::codes::ErrorCode;
use uv_lambda_cdk::container::credentials;

fn main() -> ExitCode {
    #[cfg(feature = "remote-cache")]
    if std::env::args_os().nth(1).is_some_and(|verb| verb == uv_lambda_cdk::remote::message::HELPER_VERB) {
        return match uv_lambda_cdk::remote_helper::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => {
                eprintln!("{problem}");
                ExitCode::from(2)
            }
        };
    }
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
