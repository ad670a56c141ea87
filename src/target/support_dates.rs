//! Support dates: until when AWS supports each runtime of Lambda, and from when it refuses functions of it.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>, as it was in October 2026, read from a copy in a public
//! repository. AWS has put off the days from which it refuses functions more than once, so messages name the page and [`TABLE_OF`].

use std::time::SystemTime;

use super::PythonVersion;

/// The month whose dates these are.
pub const TABLE_OF: &str = "October 2026";

/// The page on which AWS publishes the dates.
pub const PAGE: &str = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html";

/// The dates of a runtime, each as `YYYY-MM-DD`: this form sorts by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportDates {
    /// From this day, the runtime gets no more security patches, and AWS calls it deprecated.
    pub deprecated: &'static str,
    /// From this day, Lambda refuses to create functions of the runtime.
    pub no_creation: &'static str,
    /// From this day, Lambda refuses to update functions of the runtime too.
    pub no_update: &'static str,
}

/// How far AWS is with the end of a runtime. A runtime goes through these one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SupportPhase {
    /// AWS patches it.
    Supported,
    /// It works, but gets no more patches.
    Deprecated,
    /// Lambda refuses to create functions of it.
    NoCreation,
    /// Lambda refuses to create and to update functions of it.
    NoUpdate,
}

/// The dates by the minor version of the Python. `python3.15` has none yet.
const DATES: [(u8, SupportDates); 6] = [
    (9, dates("2025-12-15", "2027-07-29", "2027-08-31")),
    (10, dates("2026-10-31", "2027-07-29", "2027-08-31")),
    (11, dates("2027-06-30", "2027-07-29", "2027-08-31")),
    (12, dates("2028-10-31", "2028-11-30", "2029-01-10")),
    (13, dates("2029-06-30", "2029-07-31", "2029-08-31")),
    (14, dates("2029-06-30", "2029-07-31", "2029-08-31")),
];

const fn dates(deprecated: &'static str, no_creation: &'static str, no_update: &'static str) -> SupportDates {
    SupportDates { deprecated, no_creation, no_update }
}

impl SupportDates {
    /// The dates of the runtime with this Python; `None` if AWS has not published any.
    pub fn of(python: PythonVersion) -> Option<Self> {
        DATES.into_iter().find(|(minor, _)| *minor == python.minor).map(|(_, dates)| dates)
    }

    /// The phase of the runtime at a time, by the day in UTC.
    pub fn phase_at(self, time: SystemTime) -> SupportPhase {
        let text = humantime::format_rfc3339_seconds(time).to_string();
        let day = text.split('T').next().unwrap_or_default();
        if day < self.deprecated {
            SupportPhase::Supported
        } else if day < self.no_creation {
            SupportPhase::Deprecated
        } else if day < self.no_update {
            SupportPhase::NoCreation
        } else {
            SupportPhase::NoUpdate
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    #[test]
    fn each_date_begins_a_phase() {
        let dates = SupportDates::of(PythonVersion { major: 3, minor: 12 }).unwrap();
        let at = |time: &str| dates.phase_at(humantime::parse_rfc3339(time).unwrap());
        assert_eq!(at("2028-10-30T23:59:59Z"), SupportPhase::Supported);
        assert_eq!(at("2028-10-31T00:00:00Z"), SupportPhase::Deprecated);
        assert_eq!(at("2028-11-29T12:00:00Z"), SupportPhase::Deprecated);
        assert_eq!(at("2028-11-30T00:00:00Z"), SupportPhase::NoCreation);
        assert_eq!(at("2029-01-09T12:00:00Z"), SupportPhase::NoCreation);
        assert_eq!(at("2029-01-10T00:00:00Z"), SupportPhase::NoUpdate);
        assert_eq!(dates.phase_at(SystemTime::UNIX_EPOCH), SupportPhase::Supported);
    }

    #[test]
    fn every_released_runtime_has_dates_in_order() {
        for python in Target::released() {
            let dates = SupportDates::of(python).unwrap();
            assert!(dates.deprecated < dates.no_creation, "{python}");
            assert!(dates.no_creation < dates.no_update, "{python}");
            for date in [dates.deprecated, dates.no_creation, dates.no_update] {
                assert!(humantime::parse_rfc3339(&format!("{date}T00:00:00Z")).is_ok(), "{date}");
            }
        }
    }
}
