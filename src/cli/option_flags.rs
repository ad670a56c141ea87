//! The flags that ask for a bundle: one for each of the [`Options`], or all of them as one JSON value.

use clap::{Args, Command, Id};
use serde_json::Value;

use crate::Request;
use crate::error::Error;
use crate::request::Options;
use crate::request::options::name_in_json;

/// The flags that `bundle`, `verify` and `explain` have in common.
#[derive(Debug, Args)]
pub(super) struct OptionFlags {
    #[command(flatten)]
    options: Options,
    /// Build a layer: the third-party packages of `--package`, or of every member, in the folder `python/`
    #[arg(long)]
    layer: bool,
    /// All options as one JSON object, as the Node functions take them; not together with the flags of options
    #[arg(id = "options", long, value_name = "JSON", value_parser = json, conflicts_with_all = ids_of_options())]
    json: Option<Value>,
}

impl OptionFlags {
    /// The request that the flags make.
    pub(super) fn request(&self) -> Result<Request, Error> {
        if let Some(options) = &self.json {
            return Ok(Request::from_json(options)?);
        }
        let mut options = self.options.clone();
        if self.layer {
            options.layer.get_or_insert_default();
        }
        Ok(Request::new(options)?)
    }

    /// The message with the names by which the options were given: those of flags, or those of JSON.
    pub(super) fn in_own_words(&self, message: &str) -> String {
        if self.json.is_some() { message.to_owned() } else { in_words_of_flags(message) }
    }
}

fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

fn ids_of_options() -> Vec<Id> {
    let flags = Options::augment_args(Command::new(""));
    flags.get_arguments().map(|flag| flag.get_id().clone()).chain([Id::from("layer")]).collect()
}

/// The message with the names of flags instead of those of options.
pub(super) fn in_words_of_flags(message: &str) -> String {
    option_flags().into_iter().fold(message.to_owned(), |message, (option, flag)| {
        message.replace(&format!("option `{option}`"), &format!("option `--{flag}`"))
    })
}

/// The name of each option in messages, and the name of its flag.
fn option_flags() -> Vec<(String, String)> {
    let command = OptionFlags::augment_args(Command::new(""));
    let flags = command.get_arguments();
    flags
        .filter_map(|flag| Some((name_in_json(flag.get_id().as_str()), flag.get_long()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::request::hooks::Hooks;
    use crate::request::layers::LayerContents;
    use crate::request::size_limits::SizeLimits;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        flags: OptionFlags,
    }

    fn read(arguments: &[&str]) -> Result<OptionFlags, clap::Error> {
        Line::try_parse_from([&["program"], arguments].concat()).map(|line| line.flags)
    }

    /// The names of all options that JSON can have, nested ones by their path.
    fn names_in_json(value: &Value, path: &str) -> Vec<String> {
        match value {
            Value::Object(fields) if path != "layers" => fields
                .iter()
                .flat_map(|(name, value)| {
                    names_in_json(
                        value,
                        &if path.is_empty() { name.clone() } else { format!("{path}.{name}") },
                    )
                })
                .collect(),
            _ => vec![path.to_owned()],
        }
    }

    #[test]
    fn every_option_has_a_flag_and_every_flag_an_option() {
        let full = Options {
            hooks: Some(Hooks::default()),
            max_size: Some(SizeLimits::default()),
            layer: Some(LayerContents::default()),
            ..Options::default()
        };
        let mut options = names_in_json(&json!(full), "");
        let names = options.iter().flat_map(|option| option.split('.').map(str::to_owned));
        assert_eq!(Options::names(), names.collect());
        // `--layer` asks for a layer of everything, and `--options` gives all options at once.
        options.extend(["layer".to_owned(), "options".to_owned()]);
        options.sort();
        let mut flags: Vec<String> = option_flags().into_iter().map(|(option, _)| option).collect();
        flags.sort();
        assert_eq!(flags, options);
    }

    #[test]
    fn flags_and_json_make_the_same_options() {
        let flags = [
            ["--path", "."],
            ["--package", "app"],
            ["--runtime", "python3.13"],
            ["--extra", "a"],
            ["--extra", "b"],
            ["--exclude", "-x"],
            ["--before-build", "make"],
            ["--before-build", r#"["cp", "a b"]"#],
            ["--max-size-zipped", "1 kB"],
            ["--layer-of", "app"],
        ];
        let OptionFlags { options, .. } = read(&[&flags.concat()[..], &["--no-cache"]].concat()).unwrap();
        let json = json!({
            "path": ".",
            "packageName": "app",
            "runtime": "python3.13",
            "architecture": "x86_64",
            "nativeBuilds": false,
            "sourceBuilds": true,
            "extras": ["a", "b"],
            "exclude": ["-x"],
            "hooks": { "beforeBuild": ["make", ["cp", "a b"]] },
            "cache": false,
            "maxSize": { "zipped": 1024 },
            "layer": { "packageNames": ["app"] },
        });
        assert_eq!(options, Options::from_json(&json).unwrap());
    }

    #[test]
    fn options_that_nobody_gives_are_not_there() {
        let OptionFlags { options, .. } = read(&[]).unwrap();
        assert_eq!(
            (options.layer, options.max_size, options.hooks, options.layers),
            (None, None, None, None)
        );
        let flags =
            read(&["--layer", "--path", env!("CARGO_MANIFEST_DIR"), "--runtime", "python3.13"]).unwrap();
        assert!(flags.request().unwrap().layer.is_some());
    }

    #[test]
    fn options_in_json_go_alone_and_keep_their_names_in_messages() {
        let options = json!({ "path": env!("CARGO_MANIFEST_DIR"), "runtime": "python3.13" }).to_string();
        let flags = read(&["--options", &options]).unwrap();
        let request = flags.request().unwrap();
        assert_eq!(request.runtime.map(|runtime| runtime.to_string()).as_deref(), Some("3.13"));
        assert_eq!(request.architecture, crate::target::Architecture::X86_64);
        assert_eq!(flags.in_own_words("the option `python` is"), "the option `python` is");
        for flag in [["--package", "app"], ["--max-size-zipped", "1 kB"]] {
            assert!(read(&[&["--options", &options], &flag[..]].concat()).is_err(), "{flag:?}");
        }
        assert!(read(&["--options", &options, "--layer"]).is_err());
    }

    #[test]
    fn messages_name_flags() {
        assert_eq!(
            in_words_of_flags(
                "the option `packageName` is required; name it in the option `python`; the option `maxSize.zipped`"
            ),
            "the option `--package` is required; name it in the option `--python`; the option `--max-size-zipped`"
        );
    }
}
