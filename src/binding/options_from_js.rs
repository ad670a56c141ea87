//! Options that come in from JavaScript, and the errors that go out.

use std::path::PathBuf;

use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
use napi::sys;
use serde_json::Value;

use crate::request::{Options, RequestError};
use crate::verify::VerifySettings;
use crate::{Error, Request};

/// A stable error code, which napi puts into `error.code`.
pub struct Code(String);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<napi::Status> for Code {
    fn from(status: napi::Status) -> Self {
        Self(status.as_ref().to_owned())
    }
}

/// The result of every exported function.
pub(super) type Result<T> = napi::Result<T, Code>;

/// An error as JavaScript gets it. Its message begins with the code, since in other languages of jsii only the message arrives.
pub(super) fn to_js(error: &Error) -> napi::Error<Code> {
    let code = error.code();
    napi::Error::new(Code(code.to_string()), format!("{code}: {}", error.message()))
}

/// Options as JavaScript passes them. Reading them never fails here: a value that is not plain (a function, a symbol, a
/// circle) becomes an error of the request, which has a code.
pub struct JsOptions(std::result::Result<Value, String>);

impl FromNapiValue for JsOptions {
    #[expect(unsafe_code, reason = "napi reads values by raw handles; these are passed on as they came")]
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let value = unsafe { Option::<Value>::from_napi_value(env, value) };
        Ok(Self(value.map(Option::unwrap_or_default).map_err(|error| error.reason.clone())))
    }
}

impl TypeName for JsOptions {
    fn type_name() -> &'static str {
        "BundleOptions"
    }

    fn value_type() -> napi::ValueType {
        napi::ValueType::Unknown
    }
}

impl ValidateNapiValue for JsOptions {}

impl JsOptions {
    /// The options, as plain values.
    pub(super) fn plain(&self) -> std::result::Result<&Value, RequestError> {
        self.0.as_ref().map_err(|problem| RequestError::NotPlain { problem: problem.clone() })
    }

    /// The request that they make.
    pub(super) fn request(&self) -> std::result::Result<Request, Error> {
        Ok(Request::from_json(self.plain()?)?)
    }

    /// The options, not checked yet.
    pub(super) fn options(&self) -> std::result::Result<Options, Error> {
        Ok(Options::from_json(self.plain()?)?)
    }

    /// The settings of a verification.
    pub(super) fn verify_settings(&self) -> std::result::Result<VerifySettings, Error> {
        Ok(VerifySettings::from_json(self.plain()?)?)
    }
}

/// An output folder as JavaScript passes it. If it is missing or not a string, the error is one of the request.
pub struct OutputDir(Option<String>);

impl FromNapiValue for OutputDir {
    #[expect(unsafe_code, reason = "napi reads values by raw handles; these are passed on as they came")]
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Ok(Self(unsafe { String::from_napi_value(env, value) }.ok()))
    }
}

impl TypeName for OutputDir {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> napi::ValueType {
        napi::ValueType::Unknown
    }
}

impl ValidateNapiValue for OutputDir {}

impl OutputDir {
    /// The folder, absolute.
    pub(super) fn path(&self) -> std::result::Result<PathBuf, Error> {
        let missing =
            RequestError::Missing { name: "outputDir", meaning: "the folder that the zip is written to" };
        let given = self.0.as_deref().filter(|given| !given.is_empty()).ok_or(missing)?;
        std::path::absolute(given).map_err(Error::WorkFolder)
    }
}
