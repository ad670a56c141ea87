//! The option `maxSize`: the size limits of the caller.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::request::options_from_json::null_as_default;
use crate::support::byte_size::ByteSize;

/// The limits of the caller. They apply beside the limits of Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Args)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(expecting = "an object such as `{ unzipped: '100 MB' }`")]
pub struct SizeLimits {
    /// The largest size of the unpacked files: a number of bytes, or a number with a unit, such as `100 MB`; 1 MB is
    /// 1,048,576 bytes [default: 250 MB, Lambda's limit]
    #[arg(id = "maxSize.unzipped", long = "max-size-unzipped", value_name = "SIZE")]
    pub unzipped: Option<ByteSize>,
    /// The largest size of the zip [default: 50 MB; a larger zip is only a warning]
    #[arg(id = "maxSize.zipped", long = "max-size-zipped", value_name = "SIZE")]
    pub zipped: Option<ByteSize>,
    /// The outcome if the bundle is larger than these limits
    #[arg(id = "maxSize.onExceed", long = "max-size-on-exceed", value_name = "WORD", default_value = "fail")]
    #[serde(deserialize_with = "null_as_default")]
    pub on_exceed: OnExceed,
}

/// The outcome if a bundle is larger than the caller allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase", expecting = "`fail` or `warn`")]
pub enum OnExceed {
    /// The build fails
    #[default]
    Fail,
    /// The bundle has a warning
    Warn,
}
