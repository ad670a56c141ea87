//! Glances: short-lived answers about the disk, shared by all bundles of one process.
//!
//! An app asks for hundreds of bundles, one after the other. If each of them looked at the manifests of all the others, the time
//! would grow with the square of their number. So an answer counts for some times as long as it took to find: all looks together
//! take a small part of the time, and a change is noticed after 50 ms at the latest. Files that ship are never looked
//! at in this way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many times longer an answer counts than it took to find it.
const TIMES_LONGER: u32 = 20;

/// The longest time that an answer counts: one that was found slowly, since the machine was busy, need not count longer.
const LONGEST: Duration = Duration::from_millis(50);

/// Answers, with the times until which they count.
#[derive(Debug)]
pub struct Glances<Question, Answer>(Mutex<BTreeMap<Question, (Instant, Answer)>>);

impl<Question: Ord, Answer: Clone> Glances<Question, Answer> {
    /// No answers yet.
    pub const fn none() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The answer to a question, if it still counts.
    pub fn recent(&self, question: &Question) -> Option<Answer> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, answer) = answers.get(question)?;
        (Instant::now() < *until).then(|| answer.clone())
    }

    /// The last answer to a question, whether or not it still counts.
    pub fn last(&self, question: &Question) -> Option<Answer> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(question).map(|(_, answer)| answer.clone())
    }

    /// Remembers an answer that was found now, by a look that began at `start`.
    pub fn remember(&self, question: Question, start: Instant, answer: Answer) {
        let until = Instant::now() + LONGEST.min(start.elapsed() * TIMES_LONGER);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(question, (until, answer));
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn an_answer_counts_for_a_moment() {
        let glances = Glances::none();
        // Longer than any answer counts.
        let start = Instant::now().checked_sub(2 * LONGEST).unwrap();
        glances.remember("uv", start, 1);
        assert_eq!((glances.recent(&"uv"), glances.recent(&"python")), (Some(1), None));
        sleep(2 * LONGEST);
        assert_eq!((glances.recent(&"uv"), glances.last(&"uv")), (None, Some(1)));
    }
}
