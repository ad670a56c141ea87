//! Command line: one verb per function of the Node package. Parses the arguments, calls the function, and prints the result as
//! text, or with `--json` as the value that the function returns.

mod json_output;
mod option_flags;
mod text_output;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use clap::error::ErrorKind as UsageErrorKind;
use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use crate::cli::option_flags::{OptionFlags, in_words_of_flags};
use crate::codes::{ErrorCode, WarningCode};
use crate::error::{Error, caught};
use crate::many_bundles::finish;
use crate::pythons::pythons;
use crate::remote::RemoteStore;
use crate::report::Warning;
use crate::request::remote_settings::RemoteSettings;
use crate::request::{Options, RequestError};
use crate::statistics::Statistics;
use crate::store::{Store, default_folder};
use crate::support::byte_size::ByteSize;
use crate::verify::VerifySettings;
use crate::{bundle, diff, explain, verify};

/// How long to wait before writing again to a pipe that is full.
const READER_IS_SLOW: Duration = Duration::from_millis(1);

const EXIT_CODES: &str = "\
Exit codes:
  0  success; for `verify` and `diff`: the bytes are the same
  1  for `verify` and `diff`: the bytes differ
  2  wrong usage, wrong input, or a failure
  3  this machine cannot build the bundle, but a container may

Results go to stdout, errors and warnings to stderr, as `error[CODE]: message`.";

/// Builds byte-reproducible AWS Lambda zips from uv projects
#[derive(Debug, Parser)]
#[command(name = "uv-lambda-cdk", version, disable_help_subcommand = true, after_help = EXIT_CODES)]
struct CommandLine {
    /// Print JSON instead of text: the value that the Node function of the same name returns, or for an error
    /// `{"error": {"code", "message"}}`
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build the zip of one package
    #[command(after_help = EXIT_CODES)]
    Bundle(BundleVerb),
    /// Build the zip of one package twice, under different conditions, and compare the bytes
    ///
    /// The second build has another working folder, another number of workers, the sources in reverse order, an empty
    /// uv cache and a later clock. If the bytes differ, the output names the first file that differs and the first byte.
    #[command(after_help = EXIT_CODES)]
    Verify(VerifyVerb),
    /// Compare two zips: list the packages and files that changed, or say that only the zip format changed
    #[command(after_help = EXIT_CODES)]
    Diff(DiffVerb),
    /// Say why each package and file is in the zip of one package, and why others are left out
    #[command(after_help = EXIT_CODES)]
    Explain(ExplainVerb),
    /// Say which Python would compile for each runtime, and why; downloads nothing
    #[command(after_help = EXIT_CODES)]
    Python(PythonVerb),
    /// Show the size of the cache, and what bundles had of it; `prune` and `clear` make it smaller, `push` fills a remote cache
    #[command(after_help = EXIT_CODES)]
    Cache(CacheVerb),
}

#[derive(Debug, Args)]
struct BundleVerb {
    #[command(flatten)]
    options: OptionFlags,
    /// The folder for the zip; created if it is missing
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
}

#[derive(Debug, Args)]
struct ExplainVerb {
    #[command(flatten)]
    options: OptionFlags,
    /// List every file, not only the packages
    #[arg(long)]
    files: bool,
}

#[derive(Debug, Args)]
struct PythonVerb {
    /// Only this Lambda runtime, such as `python3.13` [default: all of them]
    #[arg(long, value_name = "RUNTIME")]
    runtime: Option<String>,
    /// The project, whose `.python-version` and settings of uv count
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    path: String,
    /// The option `python` of a bundle
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
    /// The uv executable [default: the one on PATH]
    #[arg(long, value_name = "FILE")]
    uv: Option<String>,
}

#[derive(Debug, Args)]
struct VerifyVerb {
    #[command(flatten)]
    options: OptionFlags,
    #[command(flatten)]
    settings: VerifySettings,
}

#[derive(Debug, Args)]
struct DiffVerb {
    /// The old zip
    before: PathBuf,
    /// The new zip
    after: PathBuf,
}

#[derive(Debug, Args)]
struct CacheVerb {
    /// The folder of the cache [default: `UV_LAMBDA_CDK_CACHE_DIR`, or `uv-lambda-cdk` in your folder for caches]
    #[arg(long, value_name = "FOLDER", global = true)]
    cache_dir: Option<PathBuf>,

    #[command(subcommand)]
    action: Option<CacheAction>,
}

#[derive(Debug, Subcommand)]
enum CacheAction {
    /// Remove entries that were not used for some time, or the least recently used entries until the cache is small enough
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Prune {
        /// Remove from the remote cache, and not from this machine's. A remote cache does not know when an entry was read, so the
        /// time counts from when it was written
        #[arg(long, conflicts_with = "to_size")]
        remote: bool,
        #[command(flatten)]
        address: RemoteAddress,
        /// Remove entries that were not used for this time, such as `12h` or `30days`
        #[arg(long, value_name = "TIME", group = "what", value_parser = humantime::parse_duration)]
        unused_for: Option<Duration>,
        /// Remove the least recently used entries until the cache is no larger than this: a number of bytes, or a number with a
        /// unit, such as `500 MB` or `2 GB`; 1 MB is 1,048,576 bytes
        #[arg(long, value_name = "SIZE", group = "what")]
        to_size: Option<ByteSize>,
    },
    /// Remove everything
    Clear,
    /// Write the entries of this machine's cache that a remote cache lacks into it
    Push {
        #[command(flatten)]
        address: RemoteAddress,
    },
}

#[derive(Debug, Args)]
struct RemoteAddress {
    /// The address of the remote cache [default: `UV_LAMBDA_CDK_REMOTE_CACHE`]
    #[arg(long, value_name = "ADDRESS")]
    remote_cache: Option<String>,
}

impl RemoteAddress {
    fn open(&self) -> Result<RemoteStore, Error> {
        let settings = RemoteSettings::of_environment(self.remote_cache.clone())?;
        Ok(RemoteStore::open(&settings.ok_or(RequestError::NoRemoteCache)?))
    }
}

impl CacheVerb {
    fn answer(&self) -> Result<Answer, Error> {
        let folder = match &self.cache_dir {
            Some(folder) => folder.clone(),
            None => default_folder().ok_or(Error::NoCacheFolder)?,
        };
        let failed = |source| Error::Cache { folder: folder.clone(), source };
        let pruned = match &self.action {
            None => None,
            Some(CacheAction::Push { address }) => {
                let remote = address.open()?;
                remote.push(&Store::open(&folder).map_err(failed)?);
                let warnings = remote.take_warnings();
                return Ok(Answer {
                    text: text_output::pushed(&remote),
                    value: json_output::pushed(&remote),
                    warnings: text_output::warnings(&warnings),
                    ending: Ending::of_remote(&warnings),
                });
            }
            Some(CacheAction::Prune { remote: true, address, unused_for: Some(age), .. }) => {
                let remote = address.open()?;
                let pruned = remote.prune(SystemTime::now() - *age).unwrap_or_default();
                let warnings = remote.take_warnings();
                return Ok(Answer {
                    text: text_output::pruned(pruned),
                    value: json_output::pruned(pruned),
                    warnings: text_output::warnings(&warnings),
                    ending: Ending::of_remote(&warnings),
                });
            }
            Some(CacheAction::Prune { unused_for, to_size, .. }) => {
                let store = Store::open(&folder).map_err(failed)?;
                let size = to_size.map(ByteSize::bytes);
                Some(store.prune(*unused_for, size, Duration::ZERO))
            }
            Some(CacheAction::Clear) => Some(Store::clear(&folder).map_err(failed)?),
        };
        let usage = Store::usage_of(&folder);
        let statistics = Statistics::of(&Store::at(&folder));
        Ok(Answer {
            text: text_output::cache(&folder, pruned, usage, &statistics),
            value: json_output::cache(&folder, pruned, usage, &statistics),
            warnings: String::new(),
            ending: Ending::Good,
        })
    }
}

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Good = 0,
    Differs = 1,
    Failed = 2,
    NeedsContainer = 3,
}

impl Ending {
    /// How the work with a remote cache ended. A bundle does not need one, but `push` and `prune --remote` have nothing else to do.
    fn of_remote(warnings: &[Warning]) -> Self {
        let is_problem = |warning: &Warning| warning.code == WarningCode::RemoteCacheNotUsable;
        if warnings.iter().any(is_problem) { Self::Failed } else { Self::Good }
    }
}

/// The result of a verb.
struct Answer {
    /// For people.
    text: String,
    /// For programs: `--json`.
    value: Value,
    /// For stderr, in both cases.
    warnings: String,
    ending: Ending,
}

impl Verb {
    fn answer(&self) -> Result<Answer, Error> {
        match self {
            Self::Bundle(BundleVerb { options, output }) => {
                let bundle = bundle(&options.request()?, output)?;
                Ok(Answer {
                    text: text_output::bundle(&bundle),
                    value: json_output::bundle(&bundle),
                    warnings: text_output::warnings(&bundle.warnings),
                    ending: Ending::Good,
                })
            }
            Self::Verify(VerifyVerb { options, settings }) => {
                let verification = verify(&options.request()?, *settings)?;
                Ok(Answer {
                    text: text_output::verification(&verification),
                    value: json_output::verification(&verification),
                    warnings: text_output::warnings(&verification.first.warnings),
                    ending: verification.difference.as_ref().map_or(Ending::Good, |_| Ending::Differs),
                })
            }
            Self::Python(PythonVerb { runtime, path, python, uv }) => {
                let pythons = pythons(Options {
                    runtime: runtime.clone(),
                    path: Some(path.clone()),
                    python: python.clone(),
                    uv: uv.clone(),
                    ..Options::default()
                })?;
                Ok(Answer {
                    text: text_output::pythons(&pythons),
                    value: serde_json::to_value(&pythons).unwrap_or_default(),
                    warnings: String::new(),
                    ending: Ending::Good,
                })
            }
            Self::Cache(verb) => verb.answer(),
            Self::Explain(ExplainVerb { options, files }) => {
                let explanation = explain(&options.request()?)?;
                Ok(Answer {
                    text: text_output::explanation(&explanation, *files),
                    value: json_output::explanation(&explanation),
                    warnings: String::new(),
                    ending: Ending::Good,
                })
            }
            Self::Diff(DiffVerb { before, after }) => {
                let diff = diff(before, after)?;
                Ok(Answer {
                    text: text_output::diff(&diff),
                    value: json_output::diff(&diff),
                    warnings: String::new(),
                    ending: if diff.is_identical() { Ending::Good } else { Ending::Differs },
                })
            }
        }
    }

    /// The message with the names of flags instead of those of options.
    fn in_own_words(&self, message: &str) -> String {
        match self {
            Self::Bundle(BundleVerb { options, .. })
            | Self::Verify(VerifyVerb { options, .. })
            | Self::Explain(ExplainVerb { options, .. }) => options.in_own_words(message),
            Self::Cache(_) | Self::Diff(_) | Self::Python(_) => in_words_of_flags(message),
        }
    }
}

/// Runs the command line `arguments`, of which the first is the program's name, and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let command_line = match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line,
        Err(error) => return usage(&error) as u8,
    };
    let ending = match caught(|| command_line.verb.answer()) {
        Ok(answer) => {
            print_error(&answer.warnings);
            let text = if command_line.json { pretty(&answer.value) } else { answer.text };
            print(&mut io::stdout().lock(), &text).map_or(Ending::Failed, |()| answer.ending)
        }
        Err(error) => {
            let message = command_line.verb.in_own_words(&error.message());
            if command_line.json {
                drop(print(&mut io::stdout().lock(), &pretty(&json_output::error(error.code(), &message))));
            }
            print_error(&format!("error[{}]: {message}\n", error.code()));
            if error.container_can_help() { Ending::NeedsContainer } else { Ending::Failed }
        }
    };
    print_error(&text_output::warnings(&finish()));
    ending as u8
}

/// Prints the help or the version, if it was asked for, or the mistake in the command line.
fn usage(error: &clap::Error) -> Ending {
    let text = error.to_string();
    if matches!(error.kind(), UsageErrorKind::DisplayHelp | UsageErrorKind::DisplayVersion) {
        return print(&mut io::stdout().lock(), &text).map_or(Ending::Failed, |()| Ending::Good);
    }
    let said = match text.strip_prefix("error: ") {
        Some(message) => format!("error[{}]: {message}", ErrorCode::InvalidOptions),
        // Without a verb, the text is the help.
        None => text,
    };
    print_error(&said);
    Ending::Failed
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Prints on stderr. If that fails, there is no other place to report it.
fn print_error(text: &str) {
    drop(print(&mut io::stderr().lock(), text));
}

/// Writes a text to its end. A reader that closes the pipe, as in `| head`, has read all that it wants.
fn print(stream: &mut impl Write, text: &str) -> io::Result<()> {
    match write_all(stream, text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// [`Write::write_all`], which fails where the pipe is full and does not block. Under `npx`, stdout may be such a pipe.
fn write_all(stream: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) => wait(error)?,
        }
    }
    while let Err(error) = stream.flush() {
        wait(error)?;
    }
    Ok(())
}

fn wait(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => {
            sleep(READER_IS_SLOW);
            Ok(())
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_command_of_the_readme_is_understood() {
        let line = "uv-lambda-cdk verify --path . --package demo-lambda1 --runtime python3.13 --architecture arm64 --json";
        let CommandLine { json, verb } = CommandLine::try_parse_from(line.split(' ')).unwrap();
        let Verb::Verify(VerifyVerb { options, settings }) = verb else { panic!("another verb") };
        assert!(json && settings.cold_cache == Some(true));
        let request = options.request().unwrap();
        assert_eq!(request.package.as_deref(), Some("demo-lambda1"));
        assert_eq!(request.runtime.map(|runtime| runtime.to_string()).as_deref(), Some("3.13"));
    }

    /// A pipe that takes one byte at a time, now and then none, and ends after a few.
    struct SlowPipe {
        taken: Vec<u8>,
        is_full: bool,
        ends_after: usize,
    }

    impl Write for SlowPipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_full = !self.is_full;
            if self.is_full {
                return Err(ErrorKind::WouldBlock.into());
            }
            if self.taken.len() == self.ends_after {
                return Err(ErrorKind::BrokenPipe.into());
            }
            self.taken.push(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn slow_and_closed_pipes_do_no_harm() {
        let mut slow = SlowPipe { taken: Vec::new(), is_full: false, ends_after: 100 };
        print(&mut slow, "the whole text").unwrap();
        assert_eq!(slow.taken, b"the whole text");
        let mut closed = SlowPipe { taken: Vec::new(), is_full: false, ends_after: 3 };
        print(&mut closed, "the whole text").unwrap();
        assert_eq!(closed.taken, b"the");
    }
}
