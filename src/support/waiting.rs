//! Waiting: names on stderr the reason of a long wait, so that nobody takes it for a hang.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// When the first line is due: shorter waits are not reported.
const FIRST_LINE: Duration = Duration::from_secs(10);

/// When the second line is due.
const SECOND_LINE: Duration = Duration::from_secs(30);

/// When the third line is due, and the time between all further lines.
const MINUTE: Duration = Duration::from_mins(1);

/// A wait that has begun.
#[derive(Debug)]
pub struct Waiting {
    what: String,
    start: Instant,
    lines: Lines,
}

impl Waiting {
    /// Begins a wait for `what`, which stands after "waiting for": a command in backticks, or
    /// "the lock of `...`, held by process 123".
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), start: Instant::now(), lines: Lines::default() }
    }

    /// How long the wait has lasted.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Writes a line if one is due. Returns the time until the next one. For a caller that waits in steps.
    pub fn tick(&mut self) -> Duration {
        let elapsed = self.elapsed();
        if let Some(duration) = self.lines.due(elapsed) {
            // Without a stderr, nobody reads it.
            let _ = writeln!(io::stderr(), "uv-lambda-cdk: waiting for {} ({duration})", self.what);
        }
        self.lines.next.saturating_sub(elapsed)
    }

    /// Does `work`, which waits for `what` in a call that cannot be interrupted. Starts a thread: try
    /// without waiting first.
    pub fn during<Made>(what: impl Into<String>, work: impl FnOnce() -> Made) -> Made {
        let mut waiting = Self::new(what);
        let (end, ended) = channel::<()>();
        thread::scope(|scope| {
            let speaker = move || {
                while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(waiting.tick()) {}
            };
            // Without a thread, the wait is silent.
            let _ = thread::Builder::new().spawn_scoped(scope, speaker);
            let made = work();
            drop(end);
            made
        })
    }
}

/// The lines of one wait.
#[derive(Debug)]
struct Lines {
    /// When the next one is due.
    next: Duration,
}

impl Default for Lines {
    fn default() -> Self {
        Self { next: FIRST_LINE }
    }
}

impl Lines {
    /// The duration to name, if a line is due after `elapsed`.
    fn due(&mut self, elapsed: Duration) -> Option<String> {
        let mut due = None;
        // A late caller gets one line for all lines that it missed.
        while self.next <= elapsed {
            due = Some(self.next);
            self.next = match self.next {
                FIRST_LINE => SECOND_LINE,
                SECOND_LINE => MINUTE,
                later => later.saturating_add(MINUTE),
            };
        }
        due.map(|duration| match duration.as_secs() {
            seconds if seconds < 60 => format!("{seconds} s"),
            seconds => format!("{} min", seconds / 60),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_due_after_10_seconds_30_seconds_and_every_minute() {
        let mut lines = Lines::default();
        let said: Vec<(u64, String)> =
            (0..=250).filter_map(|second| Some((second, lines.due(Duration::from_secs(second))?))).collect();
        let said: Vec<(u64, &str)> = said.iter().map(|(second, text)| (*second, text.as_str())).collect();
        assert_eq!(
            said,
            [(10, "10 s"), (30, "30 s"), (60, "1 min"), (120, "2 min"), (180, "3 min"), (240, "4 min")]
        );
    }

    #[test]
    fn a_late_look_gives_one_line() {
        let mut lines = Lines::default();
        assert_eq!(lines.due(Duration::from_millis(9_999)), None);
        assert_eq!(lines.due(Duration::from_secs(150)).as_deref(), Some("2 min"));
        assert_eq!(lines.due(Duration::from_secs(151)), None);
        assert_eq!(lines.next, Duration::from_mins(3));
    }

    #[test]
    fn a_wait_gives_what_the_work_made_as_soon_as_it_is_made() {
        let start = Instant::now();
        assert_eq!(Waiting::during("a test", || 7), 7);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(Waiting::new("a test").tick() > Duration::from_secs(9));
    }
}
