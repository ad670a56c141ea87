//! Command line: the same work as the functions of the Node package, by verbs. Parses, calls, and says what came of
//! it: in sentences, or with `--json` as the values that those functions return.

mod json_output;
mod text_output;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use clap::error::ErrorKind as UsageErrorKind;
use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use crate::error::{Error, caught};
use crate::store::{Store, default_folder};
use crate::support::byte_size::ByteSize;
use crate::verify::VerifySettings;
use crate::{Request, bundle, diff, explain, verify};

/// How long to wait for a reader that takes no more at the moment.
const READER_IS_SLOW: Duration = Duration::from_millis(1);

const EXIT_CODES: &str = "\
Exit codes:
  0  it went well; for `verify` and `diff`: the bytes are the same
  1  for `verify` and `diff`: the bytes differ
  2  wrong usage, wrong input, or it failed
  3  it failed here, and could be done in a container

What is asked for goes to stdout, errors and warnings to stderr, as `error[CODE]: message`.";

/// Builds byte-reproducible AWS Lambda zips from uv projects
#[derive(Debug, Parser)]
#[command(name = "uv-lambda-cdk", version, disable_help_subcommand = true, after_help = EXIT_CODES)]
struct CommandLine {
    /// Print JSON instead of text: the value that the function of that name in the Node package returns; for an error
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
    /// uv cache and a later clock. Where the bytes differ, the first file and the first byte in it are named.
    #[command(after_help = EXIT_CODES)]
    Verify(VerifyVerb),
    /// Say what changed from one zip to another: packages, files, or only the zip around them
    #[command(after_help = EXIT_CODES)]
    Diff(DiffVerb),
    /// Say why each file would be in the zip of one package, and why what is left out would not
    #[command(after_help = EXIT_CODES)]
    Explain(ExplainVerb),
    /// Say how large the cache is; with `prune` or `clear`, make it smaller
    #[command(after_help = EXIT_CODES)]
    Cache(CacheVerb),
}

/// What to build: `BundleOptions` in `index.d.ts`.
#[derive(Debug, Args)]
struct What {
    /// The uv workspace, or any folder in it
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    path: String,
    /// The workspace member [default: the one that `--path` lies in, or the only one]
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// The function that Lambda will call, such as `app.main.handler`: checked to be in the zip
    #[arg(long, value_name = "HANDLER")]
    handler: Option<String>,
    /// The Python of the Lambda runtime, such as `3.13` [default: the one in `.python-version`, or the newest that Lambda
    /// has and the project allows]
    #[arg(long, value_name = "VERSION")]
    python: Option<String>,
    /// The CPU of the Lambda function: `x86_64` or `arm64`
    #[arg(long, value_name = "CPU", default_value = "x86_64")]
    architecture: String,
    /// The Python that compiles: its path, or a full version such as `3.13.5` [default: the one in `.python-version`, or
    /// what this machine has]
    #[arg(long, value_name = "PYTHON")]
    interpreter: Option<String>,
    /// The uv executable [default: the one on PATH]
    #[arg(long, value_name = "PATH")]
    uv: Option<String>,
    /// Compile here what has no wheel: right only where this system is the runtime's
    #[arg(long)]
    native_builds: bool,
    /// An extra of the package (`[project.optional-dependencies]`) that goes in; may be repeated
    #[arg(long, value_name = "NAME")]
    extra: Vec<String>,
    /// A dependency group of the package (`[dependency-groups]`) that goes in; may be repeated
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// A package that stays out, with what only it needs: for what the runtime or a layer has; may be repeated
    #[arg(long, value_name = "NAME")]
    exclude_package: Vec<String>,
    /// Files of the package that go in though git ignores them or they look like tests: a gitignore pattern; may be repeated
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    include: Vec<String>,
    /// Files of the package that stay out: a gitignore pattern; may be repeated
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    exclude: Vec<String>,
    /// A command to run in the copy of the package before it is built: a line for `sh`, or an array of texts as JSON
    #[arg(long, value_name = "COMMAND")]
    before_bundling: Vec<String>,
    /// A command to run in a folder with the files that ship, before they are compiled and zipped
    #[arg(long, value_name = "COMMAND")]
    after_bundling: Vec<String>,
    /// Build a layer: the third-party packages of the member, or of every one, below `python/`
    #[arg(long)]
    layer: bool,
    /// A member whose packages the layer holds
    #[arg(long, value_name = "NAME", requires = "layer")]
    layer_of: Vec<String>,
    /// A package that the layer holds, with all that it needs [default: all]
    #[arg(long, value_name = "PACKAGE", requires = "layer")]
    layer_package: Vec<String>,
    /// The layers of the function, whose packages it leaves out, as JSON
    #[arg(long, value_name = "JSON")]
    layers: Option<String>,
    /// Make everything new, and keep nothing for the next time
    #[arg(long)]
    no_cache: bool,
    /// The folder in which is kept what was made [default: `UV_LAMBDA_CDK_CACHE_DIR`, or `uv-lambda-cdk` in your folder for
    /// caches]
    #[arg(long, value_name = "FOLDER")]
    cache_dir: Option<String>,
    /// The most that the unpacked files may take: a number of bytes, or with a unit, such as `100 MB` [default: 250 MB,
    /// Lambda's limit]
    #[arg(long, value_name = "SIZE")]
    max_size_unzipped: Option<String>,
    /// The most that the zip may take [default: 50 MB, and larger is only a warning]
    #[arg(long, value_name = "SIZE")]
    max_size_zipped: Option<String>,
    /// What a bundle is that is larger than you allow: `fail`, an error, or `warn`, a warning [default: fail]
    #[arg(long, value_name = "WORD")]
    max_size_on_exceed: Option<String>,
}

/// Each flag, by the name of its option in messages.
const FLAGS: [(&str, &str); 22] = [
    ("path", "--path"),
    ("packageName", "--package"),
    ("handler", "--handler"),
    ("pythonVersion", "--python"),
    ("architecture", "--architecture"),
    ("python", "--interpreter"),
    ("uv", "--uv"),
    ("nativeBuilds", "--native-builds"),
    ("extras", "--extra"),
    ("groups", "--group"),
    ("excludePackages", "--exclude-package"),
    ("include", "--include"),
    ("exclude", "--exclude"),
    ("beforeBundling", "--before-bundling"),
    ("afterBundling", "--after-bundling"),
    ("layer", "--layer"),
    ("layers", "--layers"),
    ("cache", "--no-cache"),
    ("cacheDir", "--cache-dir"),
    ("maxSize.unzipped", "--max-size-unzipped"),
    ("maxSize.zipped", "--max-size-zipped"),
    ("maxSize.onExceed", "--max-size-on-exceed"),
];

impl What {
    fn request(&self) -> Result<Request, Error> {
        let Self {
            path,
            package,
            handler,
            python,
            architecture,
            interpreter,
            uv,
            native_builds,
            extra,
            group,
            exclude_package,
            include,
            exclude,
            before_bundling,
            after_bundling,
            layer,
            layer_of,
            layer_package,
            layers,
            no_cache,
            cache_dir,
            max_size_unzipped,
            max_size_zipped,
            max_size_on_exceed,
        } = self;
        Ok(Request::from_options(&serde_json::json!({
            "path": path,
            "packageName": package,
            "handler": handler,
            "pythonVersion": python,
            "architecture": architecture,
            "python": interpreter,
            "uv": uv,
            "nativeBuilds": native_builds,
            "layer": layer.then(|| serde_json::json!({ "packageNames": layer_of, "packages": layer_package })),
            "layers": layers.as_ref().map(|json| serde_json::from_str(json).unwrap_or(Value::String(json.clone()))),
            "cache": !no_cache,
            "cacheDir": cache_dir,
            "extras": extra,
            "groups": group,
            "excludePackages": exclude_package,
            "include": include,
            "exclude": exclude,
            "commandHooks": { "beforeBundling": commands(before_bundling), "afterBundling": commands(after_bundling) },
            "maxSize": {
                "unzipped": max_size_unzipped,
                "zipped": max_size_zipped,
                "onExceed": max_size_on_exceed,
            },
        }))?)
    }
}

/// Commands as options have them: what is no array in JSON is a line.
fn commands(texts: &[String]) -> Vec<Value> {
    let array = |text: &String| serde_json::from_str(text).ok().filter(Value::is_array);
    texts.iter().map(|text| array(text).unwrap_or_else(|| Value::String(text.clone()))).collect()
}

#[derive(Debug, Args)]
struct BundleVerb {
    #[command(flatten)]
    what: What,
    /// The folder that the zip is written to; made where it is missing
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
}

#[derive(Debug, Args)]
struct ExplainVerb {
    #[command(flatten)]
    what: What,
    /// List every file, and not only the packages
    #[arg(long)]
    files: bool,
}

#[derive(Debug, Args)]
struct VerifyVerb {
    #[command(flatten)]
    what: What,
    /// Let the second build use your uv cache as well, and not an empty one, which takes the network; the default where
    /// `UV_OFFLINE` is set
    #[arg(long)]
    warm_only: bool,
}

#[derive(Debug, Args)]
struct DiffVerb {
    /// The zip before
    before: PathBuf,
    /// The zip after
    after: PathBuf,
}

#[derive(Debug, Args)]
struct CacheVerb {
    /// The folder of the cache [default: `UV_LAMBDA_CDK_CACHE_DIR`, or `uv-lambda-cdk` in your folder for caches]
    #[arg(long, value_name = "FOLDER", global = true)]
    cache_dir: Option<PathBuf>,

    #[command(subcommand)]
    act: Option<CacheAct>,
}

#[derive(Debug, Subcommand)]
enum CacheAct {
    /// Remove what was not used for some time, or the longest unused until the cache is small enough
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Prune {
        /// Remove what was not used for this time, such as `12h` or `30days`
        #[arg(long, value_name = "TIME", group = "what", value_parser = humantime::parse_duration)]
        unused_for: Option<Duration>,
        /// Remove the longest unused until the cache is no larger than this: a number of bytes, or with a unit, such as
        /// `500 MB` or `2 GB`, where 1 MB is 1,048,576 bytes
        #[arg(long, value_name = "SIZE", group = "what")]
        to_size: Option<ByteSize>,
    },
    /// Remove everything
    Clear,
}

impl CacheVerb {
    fn answer(&self) -> Result<Answer, Error> {
        let folder = match &self.cache_dir {
            Some(folder) => folder.clone(),
            None => default_folder().ok_or(Error::NoCacheFolder)?,
        };
        let failed = |source| Error::Cache { folder: folder.clone(), source };
        let tidied = match &self.act {
            None => None,
            Some(CacheAct::Prune { unused_for, to_size }) => {
                let store = Store::open(&folder).map_err(failed)?;
                let size = to_size.map(ByteSize::bytes);
                Some(store.prune(*unused_for, size, Duration::ZERO))
            }
            Some(CacheAct::Clear) => Some(Store::clear(&folder).map_err(failed)?),
        };
        let usage = Store::usage_of(&folder);
        Ok(Answer {
            text: text_output::cache(&folder, tidied, usage),
            value: json_output::cache(&folder, tidied, usage),
            warnings: String::new(),
            ending: Ending::Good,
        })
    }
}

/// How it ended: the exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Good = 0,
    Differs = 1,
    Failed = 2,
    NeedsContainer = 3,
}

/// What a verb has to say.
struct Answer {
    /// To people.
    text: String,
    /// To programs.
    value: Value,
    /// To people who read one of the two: warnings, on stderr.
    warnings: String,
    ending: Ending,
}

impl Verb {
    fn answer(&self) -> Result<Answer, Error> {
        match self {
            Self::Bundle(BundleVerb { what, output }) => {
                let bundle = bundle(&what.request()?, output)?;
                Ok(Answer {
                    text: text_output::bundle(&bundle),
                    value: json_output::bundle(&bundle),
                    warnings: text_output::warnings(&bundle.warnings),
                    ending: Ending::Good,
                })
            }
            Self::Verify(VerifyVerb { what, warm_only }) => {
                let verification = verify(&what.request()?, VerifySettings { cold_cache: !warm_only })?;
                Ok(Answer {
                    text: text_output::verification(&verification),
                    value: json_output::verification(&verification),
                    warnings: text_output::warnings(&verification.first.warnings),
                    ending: good_where(verification.difference.is_none()),
                })
            }
            Self::Cache(verb) => verb.answer(),
            Self::Explain(ExplainVerb { what, files }) => {
                let explanation = explain(&what.request()?)?;
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
                    ending: good_where(diff.is_identical()),
                })
            }
        }
    }
}

fn good_where(is_same: bool) -> Ending {
    if is_same { Ending::Good } else { Ending::Differs }
}

/// Runs the command line `arguments`, of which the first is the program's name, and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let command_line = match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line,
        Err(error) => return usage(&error) as u8,
    };
    let ending = match caught(|| command_line.verb.answer()) {
        Ok(answer) => {
            write(&mut io::stderr().lock(), &answer.warnings);
            let text = if command_line.json { pretty(&answer.value) } else { answer.text };
            if write(&mut io::stdout().lock(), &text) { answer.ending } else { Ending::Failed }
        }
        Err(error) => {
            let message = in_terms_of_flags(&error.message());
            if command_line.json {
                write(&mut io::stdout().lock(), &pretty(&json_output::error(error.code(), &message)));
            }
            write(&mut io::stderr().lock(), &format!("error[{}]: {message}\n", error.code()));
            if error.container_can_help() { Ending::NeedsContainer } else { Ending::Failed }
        }
    };
    ending as u8
}

/// Says how the command line is meant: because somebody asked, or because it was wrong.
fn usage(error: &clap::Error) -> Ending {
    let text = error.to_string();
    if matches!(error.kind(), UsageErrorKind::DisplayHelp | UsageErrorKind::DisplayVersion) {
        write(&mut io::stdout().lock(), &text);
        return Ending::Good;
    }
    let said = match text.strip_prefix("error: ") {
        Some(message) => format!("error[INVALID_OPTIONS]: {message}"),
        // No verb at all: the help, as it is.
        None => text,
    };
    write(&mut io::stderr().lock(), &said);
    Ending::Failed
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A message as the command line says it: options have the names of their flags here.
fn in_terms_of_flags(message: &str) -> String {
    FLAGS.iter().fold(message.to_owned(), |message, (option, flag)| {
        message.replace(&format!("option `{option}`"), &format!("option `{flag}`"))
    })
}

/// Writes the text, the only place that does. Returns whether it could be written.
fn write(stream: &mut impl Write, text: &str) -> bool {
    match write_all(stream, text.as_bytes()) {
        Ok(()) => true,
        // Who reads no more, as in `| head`, has what it wants.
        Err(error) => error.kind() == ErrorKind::BrokenPipe,
    }
}

/// As the standard library does, and with patience: under npx, the pipe of stdout may be one that does not wait for
/// its reader.
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
        let line =
            "uv-lambda-cdk verify --path . --package demo-lambda1 --python 3.13 --architecture arm64 --json";
        let CommandLine { json, verb } = CommandLine::try_parse_from(line.split(' ')).unwrap();
        let Verb::Verify(VerifyVerb { what, warm_only }) = verb else { panic!("another verb") };
        assert!(json && !warm_only);
        let request = what.request().unwrap();
        assert_eq!(request.package.as_deref(), Some("demo-lambda1"));
        assert_eq!(request.target.to_string(), "python3.13 on arm64");
    }

    #[test]
    fn messages_name_flags() {
        assert_eq!(
            in_terms_of_flags("the option `pythonVersion` is required; name it in the option `python`"),
            "the option `--python` is required; name it in the option `--interpreter`"
        );
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
        assert!(write(&mut slow, "the whole text"));
        assert_eq!(slow.taken, b"the whole text");
        let mut closed = SlowPipe { taken: Vec::new(), is_full: false, ends_after: 3 };
        assert!(write(&mut closed, "the whole text"));
        assert_eq!(closed.taken, b"the");
    }
}
