//! Glances: short-lived answers about the disk, shared by all bundles of one process.
//!
//! An app asks for hundreds of bundles, one after the other. It need not look for uv again for each of them: nobody replaces uv
//! between two bundles and expects the second one to notice within a tenth of a second. Files that ship are never looked at in
//! this way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer counts.
const VALID: Duration = Duration::from_millis(100);

/// Answers with the times at which they were found.
#[derive(Debug)]
pub struct Glances<Question, Answer>(Mutex<BTreeMap<Question, (Instant, Answer)>>);

impl<Question: Ord, Answer: Clone> Glances<Question, Answer> {
    /// No answers yet.
    pub const fn none() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The answer to a question, if it was found a moment ago.
    pub fn recent(&self, question: &Question) -> Option<Answer> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, answer) = answers.get(question)?;
        (found.elapsed() < VALID).then(|| answer.clone())
    }

    /// The last answer to a question, however old.
    pub fn last(&self, question: &Question) -> Option<Answer> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(question).map(|(_, answer)| answer.clone())
    }

    /// Remembers an answer. `found` is a time before the disk was read for it.
    pub fn remember(&self, question: Question, found: Instant, answer: Answer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(question, (found, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_a_moment() {
        let glances = Glances::none();
        glances.remember("uv", Instant::now(), 1);
        assert_eq!((glances.recent(&"uv"), glances.recent(&"python")), (Some(1), None));
        glances.remember("uv", Instant::now().checked_sub(2 * VALID).unwrap(), 2);
        assert_eq!((glances.recent(&"uv"), glances.last(&"uv")), (None, Some(2)));
    }
}
