//! Checks the size of a bundle against the limits of Lambda, which otherwise fail the deployment, and against
//! those of the caller.

use std::cmp::Reverse;
use std::collections::HashSet;

use crate::codes::{ErrorCode, WarningCode};
use crate::install::is_about_the_project;
use crate::plan::{Plan, Shipping};
use crate::report::{PackageReport, Warning};
use crate::request::layers;
use crate::request::size_limits::{OnExceed, SizeLimits};
use crate::support::byte_size::ByteSize;
use crate::support::wording;

const MEGABYTE: u64 = 1024 * 1024;

/// Lambda's limit for an unpacked function with its layers, in bytes.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>: "250 MB ... unzipped", and
/// Lambda's own refusal: "Unzipped size must be smaller than 262144000 bytes".
const LAMBDA_UNZIPPED: u64 = 250 * MEGABYTE;

/// The largest zip that Lambda takes without S3, in bytes. Source: the same page.
const DIRECT_UPLOAD: u64 = 50 * MEGABYTE;

/// The number of packages that a message lists. Smaller ones change little.
const PACKAGES_SHOWN: usize = 5;

/// Packages that every Python runtime has. Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html>.
const IN_THE_RUNTIME: [&str; 2] = ["boto3", "botocore"];

/// The bundle is too large.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SizeError(String);

impl SizeError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::BundleTooLarge
    }
}

/// The size of a bundle before it is zipped.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The package that is bundled.
    pub member: &'a str,
    /// The packages in the bundle.
    pub packages: &'a [PackageReport],
    /// Size of all unpacked files in bytes.
    pub unzipped_bytes: u64,
    /// Size of the unpacked layers of the function in bytes, as far as it is known.
    pub layer_bytes: u64,
}

impl Measured<'_> {
    /// Checks the unpacked size. Returns a warning, or an error where the bundle is too large.
    pub fn check_unzipped(&self, limits: SizeLimits) -> Result<Option<Warning>, SizeError> {
        let Self { member, unzipped_bytes: code, layer_bytes: layers, .. } = *self;
        let limit = limits.unzipped.map(ByteSize::bytes);
        // A caller who allows more than Lambda does not deploy the zip as a function.
        let not_for_lambda = limit.is_some_and(|own| own > LAMBDA_UNZIPPED);
        if code + layers > LAMBDA_UNZIPPED && !not_for_lambda {
            let layers = match layers {
                0 => String::new(),
                layers => format!(" with its layers ({})", wording::size(layers)),
            };
            return Err(SizeError(format!(
                "the bundle of `{member}` is {} unzipped{layers}, {} more than Lambda takes ({}, layers included); {}: \
                 leave out what the function does not need (options `excludePackages` and `exclude`){}; a layer does not \
                 help, since it counts too, but a `PythonLambdaImageFunction` takes 10 GB",
                wording::size(code + self.layer_bytes),
                wording::size(code + self.layer_bytes - LAMBDA_UNZIPPED),
                wording::size(LAMBDA_UNZIPPED),
                self.largest(),
                self.in_the_runtime(),
            )));
        }
        limit.filter(|limit| code > *limit).map_or(Ok(None), |limit| {
            let message = format!(
                "the bundle of `{member}` is {} unzipped, {} more than the option `maxSize.unzipped` allows ({}); {}: {}",
                wording::size(code),
                wording::size(code - limit),
                wording::size(limit),
                self.largest(),
                self.advice("maxSize.unzipped"),
            );
            exceeded(limits, message)
        })
    }

    /// Checks the size of the zip. Returns a warning, or an error where the zip is too large.
    pub fn check_zipped(&self, zip_bytes: u64, limits: SizeLimits) -> Result<Option<Warning>, SizeError> {
        let limit = limits.zipped.map_or(DIRECT_UPLOAD, ByteSize::bytes);
        if zip_bytes <= limit {
            return Ok(None);
        }
        let (zip, more, most) =
            (wording::size(zip_bytes), wording::size(zip_bytes - limit), wording::size(limit));
        if limits.zipped.is_none() {
            return Ok(Some(warning(format!(
                "the zip of `{}` is {zip}, {more} more than Lambda takes by direct upload ({most}): CDK uploads it \
                 through S3, which works; {}; to turn this warning off, set the option `maxSize.zipped`",
                self.member,
                self.largest(),
            ))));
        }
        let message = format!(
            "the zip of `{}` is {zip}, {more} more than the option `maxSize.zipped` allows ({most}); unpacked, {}: {}",
            self.member,
            self.largest(),
            self.advice("maxSize.zipped"),
        );
        exceeded(limits, message)
    }

    /// The largest packages, as a clause. Files that belong to no package count as one package.
    fn largest(&self) -> String {
        let owned: u64 = self.packages.iter().map(|package| package.bytes).sum();
        let unowned = self.unzipped_bytes.saturating_sub(owned);
        let mut parts: Vec<(u64, String)> =
            self.packages.iter().map(|package| (package.bytes, format!("`{}`", package.name))).collect();
        if unowned > 0 {
            parts.push((unowned, "files of no package".to_owned()));
        }
        // Packages of one size stay in the order of the report.
        parts.sort_by_key(|(bytes, _)| Reverse(*bytes));
        parts.truncate(PACKAGES_SHOWN);
        let listed: Vec<String> =
            parts.iter().map(|(bytes, name)| format!("{name} {}", wording::size(*bytes))).collect();
        match listed.as_slice() {
            [] => "it has no packages".to_owned(),
            [only] => format!("all of it is {only}"),
            [first @ .., last] => format!("the largest packages are {} and {last}", first.join(", ")),
        }
    }

    /// The end of a sentence: the packages that the runtime has anyway.
    fn in_the_runtime(&self) -> String {
        let had: Vec<&PackageReport> =
            self.packages.iter().filter(|package| IN_THE_RUNTIME.contains(&package.name.as_str())).collect();
        if had.is_empty() {
            return String::new();
        }
        let names: Vec<&str> = had.iter().map(|package| package.name.as_str()).collect();
        let bytes = had.iter().map(|package| package.bytes).sum();
        format!(", such as {} ({}), which the runtime has", wording::list(&names), wording::size(bytes))
    }

    /// Advice on a limit of the caller's own.
    fn advice(&self, option: &str) -> String {
        format!(
            "leave out what the function does not need (options `excludePackages` and `exclude`){}, move packages into \
             a layer, or raise the limit in the option `{option}`",
            self.in_the_runtime()
        )
    }
}

/// The files that are copied unchanged from the project. Their sizes are known before any file is read.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The package that is bundled.
    pub member: &'a str,
    /// Size of all files in bytes.
    pub bytes: u64,
    /// The path of the largest file, relative to its package's folder, and its size in bytes.
    pub largest: (&'a str, u64),
    /// Size of the unpacked layers of the function in bytes, as far as it is known.
    pub layer_bytes: u64,
}

impl Sources<'_> {
    /// Fails if the files alone are larger than the bundle may be. A caller's limit below Lambda's is not
    /// checked here: the check of the whole bundle names the packages too.
    pub fn check(&self, limits: SizeLimits) -> Result<(), SizeError> {
        let Self { member, bytes, largest: (largest, largest_bytes), layer_bytes } = *self;
        let own = limits.unzipped.map(ByteSize::bytes).filter(|own| *own > LAMBDA_UNZIPPED);
        // Lambda counts the layers, the caller's limit does not.
        let (bytes, limit) = match own {
            Some(_) if limits.on_exceed == OnExceed::Warn => return Ok(()),
            Some(own) => (bytes, own),
            None => (bytes + layer_bytes, LAMBDA_UNZIPPED),
        };
        if bytes <= limit {
            return Ok(());
        }
        let more = wording::size(bytes - limit);
        let than = match (own, layer_bytes) {
            (Some(_), _) => {
                format!(", {more} more than the option `maxSize.unzipped` allows ({})", wording::size(limit))
            }
            (None, layers) => {
                let with_layers = match layers {
                    0 => String::new(),
                    layers => format!(" with the layers ({})", wording::size(layers)),
                };
                format!(
                    "{with_layers}, {more} more than Lambda takes ({}, layers included)",
                    wording::size(limit)
                )
            }
        };
        // A caller with a limit above Lambda's makes no function from a zip.
        let image = match own {
            Some(_) => "",
            None => ", or make the function a `PythonLambdaImageFunction`, which takes 10 GB",
        };
        Err(SizeError(format!(
            "the sources of `{member}` are {}{than}; the largest file is `{largest}` ({}): leave out what the function does not \
             need (option `exclude`), or let the function fetch it when it starts{image}",
            wording::size(bytes),
            wording::size(largest_bytes),
        )))
    }
}

/// Fails if the files that are copied unchanged are larger than the bundle may be. Reads no contents.
pub fn check_sources(plan: &Plan<'_>) -> Result<(), SizeError> {
    // Nobody knows which files the user's commands remove.
    let hooks = &plan.request.hooks;
    if !hooks.before_build.is_empty() || !hooks.before_zip.is_empty() {
        return Ok(());
    }
    let copied = plan.local.iter().filter(|package| package.shipping == Shipping::Copy);
    let (mut bytes, mut largest, mut seen) = (0, ("", 0), HashSet::new());
    for file in copied.flat_map(|package| &package.files.inside) {
        // If two files have one path, the first one ships.
        if !seen.insert(file.relative.as_str()) || is_about_the_project(plan, &file.relative) {
            continue;
        }
        // A later stage reports a missing file.
        let size = fs_err::metadata(&file.path).map_or(0, |metadata| metadata.len());
        bytes += size;
        if size > largest.1 {
            largest = (&file.relative, size);
        }
    }
    let layer_bytes = layers::unzipped_bytes(&plan.request.layers);
    Sources { member: &plan.subject.member, bytes, largest, layer_bytes }.check(plan.request.max_size)
}

fn warning(message: String) -> Warning {
    Warning { code: WarningCode::BundleTooLarge, message }
}

/// The outcome for a bundle that is larger than a limit of the caller's own.
fn exceeded(limits: SizeLimits, message: String) -> Result<Option<Warning>, SizeError> {
    match limits.on_exceed {
        OnExceed::Fail => Err(SizeError(message)),
        OnExceed::Warn => Ok(Some(warning(message))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, megabytes: u64) -> PackageReport {
        PackageReport { name: name.to_owned(), version: "1.0".to_owned(), bytes: megabytes * MEGABYTE }
    }

    fn packages() -> Vec<PackageReport> {
        vec![
            package("app", 1),
            package("boto3", 2),
            package("botocore", 20),
            package("scipy", 110),
            package("z", 3),
        ]
    }

    fn measured(packages: &[PackageReport], megabytes: u64) -> Measured<'_> {
        Measured { member: "app", packages, unzipped_bytes: megabytes * MEGABYTE, layer_bytes: 0 }
    }

    fn limits(value: Value) -> SizeLimits {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn lambdas_limit_is_met_by_the_last_byte_and_counts_layers() {
        let (packages, none) = (packages(), SizeLimits::default());
        assert_eq!(measured(&packages, 250).check_unzipped(none).unwrap(), None);
        let own = limits(json!({ "unzipped": "300 MB" }));
        assert_eq!(measured(&packages, 260).check_unzipped(own).unwrap(), None);
        let more = Measured { layer_bytes: 1, ..measured(&packages, 250) };
        let message = more.check_unzipped(none).unwrap_err().to_string();
        assert!(
            message.starts_with(
                "the bundle of `app` is 250.0 MB unzipped with its layers (1 B), 1 B more than Lambda takes"
            ),
            "{message}"
        );
    }

    #[test]
    fn a_bundle_over_lambdas_limit_names_the_largest_packages_and_what_helps() {
        let error = measured(&packages(), 300).check_unzipped(SizeLimits::default()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BundleTooLarge);
        assert_eq!(
            error.to_string(),
            "the bundle of `app` is 300.0 MB unzipped, 50.0 MB more than Lambda takes (250.0 MB, layers included); \
             the largest packages are files of no package 164.0 MB, `scipy` 110.0 MB, `botocore` 20.0 MB, `z` 3.0 MB and \
             `boto3` 2.0 MB: leave out what the function does not need (options `excludePackages` and `exclude`), such as \
             `boto3` and `botocore` (22.0 MB), which the runtime has; a layer does not help, since it counts too, but a \
             `PythonLambdaImageFunction` takes 10 GB"
        );
    }

    #[test]
    fn lambdas_limit_is_an_error_unless_the_caller_allows_more() {
        let warn = limits(json!({ "unzipped": "1 MB", "onExceed": "warn" }));
        assert!(measured(&packages(), 300).check_unzipped(warn).is_err());
    }

    #[test]
    fn sources_are_refused_if_no_bundle_of_them_is_small_enough() {
        let refused = |megabytes: u64, layers: u64, limits: SizeLimits| {
            let (bytes, layer_bytes) = (megabytes * MEGABYTE, layers * MEGABYTE);
            let sources =
                Sources { member: "app", bytes, largest: ("data/a.bin", 200 * MEGABYTE), layer_bytes };
            sources.check(limits).err().map(|error| error.to_string())
        };
        let limit = |value: &str, action: &str| limits(json!({ "unzipped": value, "onExceed": action }));
        assert_eq!(refused(250, 0, SizeLimits::default()), None);
        assert_eq!(
            refused(251, 0, SizeLimits::default()).unwrap(),
            "the sources of `app` are 251.0 MB, 1.0 MB more than Lambda takes (250.0 MB, layers included); the largest file is \
             `data/a.bin` (200.0 MB): leave out what the function does not need (option `exclude`), or let the function fetch it \
             when it starts, or make the function a `PythonLambdaImageFunction`, which takes 10 GB"
        );
        let with_layers = refused(250, 1, SizeLimits::default()).unwrap();
        assert!(
            with_layers
                .starts_with("the sources of `app` are 251.0 MB with the layers (1.0 MB), 1.0 MB more")
        );
        let own = refused(301, 0, limit("300 MB", "fail")).unwrap();
        assert!(
            own.contains("are 301.0 MB, 1.0 MB more than the option `maxSize.unzipped` allows (300.0 MB);"),
            "{own}"
        );
        assert_eq!(refused(300, 9, limit("300 MB", "fail")), None);
        assert_eq!(refused(301, 0, limit("300 MB", "warn")), None);
        assert_eq!(refused(100, 0, limit("1 MB", "fail")), None);
        assert!(refused(251, 0, limit("1 MB", "warn")).is_some());
    }

    #[test]
    fn a_limit_of_ones_own_fails_or_warns_as_asked() {
        let only = [package("app", 12)];
        let measured = measured(&only, 12);
        let message =
            measured.check_unzipped(limits(json!({ "unzipped": "10 MB" }))).unwrap_err().to_string();
        assert_eq!(
            message,
            "the bundle of `app` is 12.0 MB unzipped, 2.0 MB more than the option `maxSize.unzipped` allows (10.0 MB); \
             all of it is `app` 12.0 MB: leave out what the function does not need (options `excludePackages` and \
             `exclude`), move packages into a layer, or raise the limit in the option `maxSize.unzipped`"
        );
        let warn = limits(json!({ "unzipped": "10 MB", "zipped": 1000, "onExceed": "warn" }));
        assert_eq!(measured.check_unzipped(warn).unwrap(), Some(warning(message)));
        assert!(measured.check_zipped(1001, warn).unwrap().is_some());
        assert_eq!(measured.check_zipped(1000, warn).unwrap(), None);
        assert!(measured.check_zipped(1001, limits(json!({ "zipped": 1000 }))).is_err());
        assert_eq!(measured.check_unzipped(limits(json!({ "unzipped": "12 MB" }))).unwrap(), None);
    }

    #[test]
    fn a_zip_over_50_mb_is_a_warning_unless_the_caller_has_a_limit() {
        let packages = packages();
        let measured = measured(&packages, 200);
        let told = measured.check_zipped(51 * MEGABYTE, SizeLimits::default()).unwrap().unwrap();
        assert!(
            told.message.contains("1.0 MB more than Lambda takes by direct upload (50.0 MB)"),
            "{}",
            told.message
        );
        assert_eq!(measured.check_zipped(50 * MEGABYTE, SizeLimits::default()).unwrap(), None);
        assert_eq!(
            measured.check_zipped(51 * MEGABYTE, limits(json!({ "zipped": "200 MB" }))).unwrap(),
            None
        );
    }
}
