//! Runtime support: a warning if AWS no longer supports the runtime of a bundle.

use std::time::SystemTime;

use crate::codes::WarningCode;
use crate::report::Warning;
use crate::target::PythonVersion;
use crate::target::support_dates::{PAGE, SupportDates, SupportPhase, TABLE_OF};

/// A warning, if AWS no longer supports the runtime of this Python at this time.
pub fn check_runtime_support(python: PythonVersion, time: SystemTime) -> Option<Warning> {
    let dates = SupportDates::of(python)?;
    let SupportDates { deprecated, no_creation, no_update } = dates;
    let runtime = python.runtime_name();
    let (code, problem) = match dates.phase_at(time) {
        SupportPhase::Supported => return None,
        SupportPhase::Deprecated => (
            WarningCode::RuntimeDeprecated,
            format!(
                "the runtime `{runtime}` is deprecated: AWS has not patched it since {deprecated}. Lambda will refuse to create \
                 functions of it from {no_creation}, and to update them from {no_update}"
            ),
        ),
        SupportPhase::NoCreation => (
            WarningCode::RuntimeBlocked,
            format!(
                "the runtime `{runtime}` is blocked: Lambda refuses to create functions of it since {no_creation}, and will refuse to \
                 update them from {no_update}"
            ),
        ),
        SupportPhase::NoUpdate => (
            WarningCode::RuntimeBlocked,
            format!(
                "the runtime `{runtime}` is blocked: Lambda refuses to create and to update functions of it since {no_update}"
            ),
        ),
    };
    let message = format!(
        "{problem}. Choose a newer runtime. These are the dates of {TABLE_OF}, and AWS has changed such dates before: {PAGE}"
    );
    Some(Warning { code, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code and the first sentence for Python 3.12 at the beginning of a day.
    fn warned(day: &str) -> Option<(WarningCode, String)> {
        let time = humantime::parse_rfc3339(&format!("{day}T00:00:00Z")).unwrap();
        let warning = check_runtime_support(PythonVersion { major: 3, minor: 12 }, time)?;
        let (problem, advice) = warning.message.split_once(". Choose a newer runtime. ").unwrap();
        assert!(advice.contains(TABLE_OF) && advice.ends_with(PAGE), "{advice}");
        Some((warning.code, problem.to_owned()))
    }

    #[test]
    fn a_supported_runtime_has_no_warning() {
        assert_eq!(warned("2028-10-30"), None);
        assert_eq!(check_runtime_support(PythonVersion { major: 3, minor: 15 }, SystemTime::now()), None);
    }

    #[test]
    fn the_warning_says_what_lambda_refuses() {
        let (code, problem) = warned("2028-10-31").unwrap();
        assert_eq!(code, WarningCode::RuntimeDeprecated);
        assert_eq!(
            problem,
            "the runtime `python3.12` is deprecated: AWS has not patched it since 2028-10-31. Lambda will refuse to create functions of \
             it from 2028-11-30, and to update them from 2029-01-10"
        );
        let (code, problem) = warned("2028-11-30").unwrap();
        assert_eq!(code, WarningCode::RuntimeBlocked);
        assert!(
            problem.ends_with("since 2028-11-30, and will refuse to update them from 2029-01-10"),
            "{problem}"
        );
        let (code, problem) = warned("2029-01-10").unwrap();
        assert_eq!(code, WarningCode::RuntimeBlocked);
        assert!(problem.ends_with("to create and to update functions of it since 2029-01-10"), "{problem}");
    }
}
