//! Snapshot: the state of files and folders on disk, to see later whether any of them changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::git_history::GIT;
use crate::support::file_stamp::ObservedStamp;

/// A file that was written so shortly before it was read may be written again without a new modification time: the clocks of file
/// systems tick up to every two seconds. git has the same rule ("racy git").
const CLOCK_TICK: Duration = Duration::from_secs(2);

/// The state of files and folders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot {
    states: BTreeMap<PathBuf, State>,
}

/// The state of one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum State {
    /// The stamp of the file or folder.
    Stamp(ObservedStamp),
    /// Whether the path exists.
    IsThere(bool),
}

impl State {
    fn of(path: &Path) -> Self {
        // git writes into its folder all the time: only whether there is one counts.
        if path.file_name().is_some_and(|name| name == GIT) {
            return Self::IsThere(path.exists());
        }
        ObservedStamp::of(path).map_or(Self::IsThere(false), Self::Stamp)
    }
}

impl Snapshot {
    /// The state of these paths at this moment. A path may be missing.
    pub fn of<Name: Into<PathBuf>>(paths: impl IntoIterator<Item = Name>) -> Self {
        let states = paths.into_iter().map(Into::into).map(|path: PathBuf| {
            let state = State::of(&path);
            (path, state)
        });
        let mut states: BTreeMap<PathBuf, State> = states.collect();
        // A missing path needs no state, unless it is a link: when it appears, the stamp of its folder changes.
        let is_shown = |path: &Path| {
            if path.is_symlink() {
                return false;
            }
            let around = path.ancestors().skip(1).find(|folder| folder.exists());
            matches!(around.and_then(|folder| states.get(folder)), Some(State::Stamp(_)))
        };
        let shown: Vec<PathBuf> = states
            .iter()
            .filter(|(path, state)| **state == State::IsThere(false) && is_shown(path))
            .map(|(path, _)| path.clone())
            .collect();
        for path in shown {
            states.remove(&path);
        }
        Self { states }
    }

    /// Adds the state of a path at this moment.
    pub fn add(&mut self, path: &Path) {
        self.states.insert(path.to_path_buf(), State::of(path));
    }

    /// Whether all paths are in the same state now.
    pub fn is_unchanged(&self) -> bool {
        self.states.iter().all(|(path, before)| State::of(path) == *before)
    }

    /// Whether one of the paths is in the same state now.
    pub fn has_unchanged(&self, path: &Path) -> bool {
        self.states.get(path).is_some_and(|before| State::of(path) == *before)
    }

    /// Whether all paths were last changed long enough before `time`. A path that changed later could change again under one stamp.
    pub fn is_settled_at(&self, time: SystemTime) -> bool {
        let Some(settled) = time.checked_sub(CLOCK_TICK) else { return false };
        self.states.values().all(|state| match state {
            State::Stamp(stamp) => stamp.is_older_than(settled),
            State::IsThere(_) => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_sees_files_that_come_change_and_go_and_survives_json() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["one", "two", "new", "inner", ".git"].map(|name| folder.path().join(name));
        let [one, two, new, inner, git] = &paths;
        fs_err::write(one, "1").unwrap();
        fs_err::write(two, "2").unwrap();
        fs_err::create_dir(inner).unwrap();
        fs_err::create_dir(git).unwrap();
        let take = || {
            let text = serde_json::to_string(&Snapshot::of(paths.clone())).unwrap();
            serde_json::from_str::<Snapshot>(&text).unwrap()
        };
        let before = take();
        assert!(before.is_unchanged());
        // Inside the folder of git, everything may change.
        fs_err::write(git.join("index"), "").unwrap();
        assert!(before.is_unchanged());
        for touch in [
            &|| fs_err::write(new, "") as std::io::Result<()>,
            &|| fs_err::write(inner.join("file"), ""),
            &|| fs_err::write(one, "changed"),
            &|| fs_err::remove_file(two),
            &|| fs_err::remove_dir_all(git),
        ] as [&dyn Fn() -> std::io::Result<()>; 5]
        {
            let before = take();
            touch().unwrap();
            assert!(!before.is_unchanged());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_modification_time_that_is_set_back_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs_err::write(&path, "one").unwrap();
        let time = fs_err::metadata(&path).unwrap().modified().unwrap();
        let before = Snapshot::of([path.clone()]);
        std::thread::sleep(Duration::from_millis(20));
        fs_err::write(&path, "two").unwrap();
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        assert!(!before.is_unchanged());
    }

    #[test]
    fn a_file_is_settled_two_seconds_after_it_was_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs_err::write(&path, "").unwrap();
        let snapshot = Snapshot::of([path, folder.path().join("missing")]);
        let now = SystemTime::now();
        assert!(!snapshot.is_settled_at(now) && snapshot.is_settled_at(now + Duration::from_secs(3)));
    }
}
