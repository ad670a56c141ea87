//! Orphans: a watchdog ends the children of this process if this process dies before them, by Ctrl-C, by a kill, by a crash.
//!
//! Every child leads a process group of its own. The watchdog is a shell that knows these groups. Its standard
//! input is a pipe that only this process can write to; the system closes it, however this process ends. The
//! watchdog starts before the first child and serves all of them. It gets the signals of the terminal too, since the children, in
//! groups of their own, do not: Node may have a handler for Ctrl-C, which runs only when the children have ended.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// The program of the watchdog.
const PROGRAM: &str = include_str!("orphans.sh");

/// The only watchdog of this process.
static WATCHDOG: Mutex<Watchdog> = Mutex::new(Watchdog { shell: None, groups: BTreeSet::new() });

struct Watchdog {
    shell: Option<Child>,
    /// The groups that live, for a watchdog that has to be started again.
    groups: BTreeSet<i32>,
}

/// The process group of a child that lives. Dropped after the child is reaped.
#[derive(Debug)]
pub(super) struct Group(Pid);

impl Group {
    /// Makes `command` lead a group of its own. The watchdog is started before it, so that hardly any time passes in which it does
    /// not know the group.
    pub(super) fn prepare(command: &mut Command) {
        command.process_group(0);
        WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner).begin();
    }

    /// Tells the watchdog of the group that `child` leads.
    pub(super) fn watch(child: &Child) -> Self {
        let group = Self(Pid::from_child(child));
        let mut watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
        watchdog.groups.insert(group.0.as_raw_pid());
        if watchdog.shell.is_some() {
            watchdog.tell(&format!("+{}\n", group.0));
        }
        watchdog.begin();
        group
    }

    /// Kills every process of the group. Only for a group whose leader is not reaped yet: afterwards the number may
    /// be another group's.
    pub(super) fn kill(&self) {
        // It fails only if all have ended.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
        watchdog.groups.remove(&self.0.as_raw_pid());
        watchdog.tell(&format!("-{}\n", self.0));
    }
}

impl Watchdog {
    /// Starts the shell, if it does not run, and tells it the groups that live.
    fn begin(&mut self) {
        if self.shell.is_none() {
            // Without a shell, there is no watchdog; everything else works.
            self.shell = start().ok();
            let lines: Vec<String> = self.groups.iter().map(|group| format!("+{group}\n")).collect();
            self.tell(&lines.concat());
        }
    }

    /// Writes lines to the watchdog. If it is gone, forgets it: the next child starts another one.
    fn tell(&mut self, lines: &str) {
        let Some(shell) = &mut self.shell else { return };
        let told = shell.stdin.as_mut().map(|input| input.write_all(lines.as_bytes()));
        if !matches!(told, Some(Ok(()))) {
            let _ = shell.kill();
            let _ = shell.wait();
            self.shell = None;
        }
    }
}

fn start() -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", PROGRAM, "uv-lambda-cdk-watchdog"])
        // The script has only commands of the shell's own.
        .env_clear()
        // It would hold a folder that somebody wants to remove.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // It stays in the group of this process, so the Ctrl-C of a terminal reaches it, and through it the children.
        .spawn()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// A `sleep` that leads a group.
    fn sleeper() -> Child {
        Command::new("sleep").arg("60").process_group(0).spawn().unwrap()
    }

    #[test]
    fn at_the_end_of_its_input_the_watchdog_kills_the_groups_that_are_left() {
        let mut sleepers: Vec<Child> = (0..3).map(|_| sleeper()).collect();
        let ids: Vec<u32> = sleepers.iter().map(Child::id).collect();
        let mut watchdog = start().unwrap();
        let mut input = watchdog.stdin.take().unwrap();
        let lines = format!("+{}\n+{}\n+{}\n-{}\n-1\n", ids[0], ids[1], ids[2], ids[1]);
        input.write_all(lines.as_bytes()).unwrap();
        drop(input);
        watchdog.wait().unwrap();
        for victim in [0, 2] {
            assert_eq!(sleepers[victim].wait().unwrap().signal(), Some(9));
        }
        assert!(sleepers[1].try_wait().unwrap().is_none());
        sleepers[1].kill().unwrap();
        sleepers[1].wait().unwrap();
    }
}
