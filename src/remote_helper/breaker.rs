//! Breaker: after a store did not answer, or failed many times, it is not asked for a while. A dead store costs one time-out, and not
//! one for each object.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many failures in a row are enough.
const FAILURES: usize = 8;

/// How long the store is not asked then. A process that watches files lives for hours.
const PAUSE: Duration = Duration::from_mins(1);

/// Counts the failures of a store.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: usize,
    until: Option<Instant>,
}

/// How a request ended, for the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The store did what it was asked, or does not have the object.
    Good,
    /// It answered with an error.
    Failed,
    /// It did not answer.
    NoAnswer,
}

impl Breaker {
    /// Whether the store is not to be asked now.
    pub fn is_open(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.until.is_some_and(|until| Instant::now() < until)
    }

    /// Notes how a request ended. Returns whether the breaker opened.
    pub fn note(&self, ending: Ending) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ending {
            Ending::Good => state.failures = 0,
            Ending::Failed => state.failures += 1,
            Ending::NoAnswer => state.failures = FAILURES,
        }
        let now = Instant::now();
        if state.failures < FAILURES || state.until.is_some_and(|until| now < until) {
            return false;
        }
        *state = State { failures: 0, until: Some(now + PAUSE) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_without_an_answer_is_enough_and_is_told_once() {
        let breaker = Breaker::default();
        assert!(!breaker.is_open());
        assert!(breaker.note(Ending::NoAnswer) && breaker.is_open());
        assert!(!breaker.note(Ending::NoAnswer));
    }

    #[test]
    fn other_failures_have_to_be_many_in_a_row() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert!(!breaker.note(Ending::Failed));
        }
        breaker.note(Ending::Good);
        for _ in 1..FAILURES {
            assert!(!breaker.note(Ending::Failed));
        }
        assert!(!breaker.is_open());
        assert!(breaker.note(Ending::Failed) && breaker.is_open());
    }
}
