//! Client: what this process asks of the helper, and what it knows of the remote store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::helper_process::{Answers, HelperProcess};
use super::message::{FromHelper, ToHelper, Transfer};
use super::object::{Kind, ObjectName};
use super::prefetch::Prefetch;
use crate::codes::WarningCode;
use crate::report::Warning;
use crate::request::remote_settings::{Mode, RemoteSettings};
use crate::secrets::mask_credentials;
use crate::store::{Pruned, Store};

/// A helper is alive while it says something in this time. It does so every second, even while it waits for the store.
const LISTENING: Duration = Duration::from_secs(1);

/// How many of these times a helper may be silent. Not one long time, which would also end while the machine sleeps.
const SILENT_TIMES: usize = 10;

/// The stores of this process.
static STORES: Mutex<BTreeMap<RemoteSettings, RemoteStore>> = Mutex::new(BTreeMap::new());

/// A remote store. All bundles of a process share one.
#[derive(Debug, Clone)]
pub struct RemoteStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: RemoteSettings,
    state: Mutex<State>,
    /// Tells those that wait that the state changed.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    helper: Helper,
    /// What is known of each object that this process asked for, by its name and its file: a process may use several stores.
    objects: BTreeMap<Transfer, Progress>,
    /// How many messages the helper has sent.
    heard: usize,
    /// Warnings that no bundle has yet.
    warnings: Vec<Warning>,
    /// The list of objects to fetch as soon as one is missing.
    prefetch: Option<Prefetch>,
    /// The objects that bundles looked for, here or in the remote store.
    wanted: BTreeSet<ObjectName>,
    /// The warnings that were given out: a store that is down would be in every bundle otherwise.
    known_warnings: BTreeSet<String>,
    statistics: Statistics,
    /// The folders of the stores that objects were fetched into.
    stores: BTreeSet<PathBuf>,
    /// How many objects are still to be written.
    to_send: usize,
    /// The answer to the last pruning.
    pruned: Option<Pruned>,
}

#[derive(Debug, Default)]
enum Helper {
    #[default]
    NotStarted,
    Runs(HelperProcess),
    Ended,
}

/// What is known of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Asked,
    Fetched,
    /// The store does not have it, or not as it should be.
    Missing,
}

/// What a process had of a remote store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Objects that were fetched.
    pub hits: u64,
    /// Objects that the store did not have.
    pub misses: u64,
    /// The size of the fetched objects, in bytes.
    pub bytes_fetched: u64,
    /// Objects that were written.
    pub sent: u64,
    /// The size of the written objects, in bytes.
    pub bytes_sent: u64,
    /// How long bundles waited for objects. Two bundles that wait at one time count twice.
    pub waited: Duration,
}

impl RemoteStore {
    /// The store of these settings. Nothing is started yet.
    pub fn open(settings: &RemoteSettings) -> Self {
        let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
        let store = stores.entry(settings.clone()).or_insert_with(|| {
            let (state, changed) = (Mutex::default(), Condvar::new());
            Self(Arc::new(Shared { settings: settings.clone(), state, changed }))
        });
        store.clone()
    }

    /// The settings.
    pub fn settings(&self) -> &RemoteSettings {
        &self.0.settings
    }

    /// Fetches the objects that `store` lacks, and waits for them. Those that the remote store lacks stay missing.
    pub fn fetch(&self, store: &Store, names: &[ObjectName]) {
        let start = Instant::now();
        {
            let mut state = self.lock();
            state.wanted.extend(names.iter().cloned());
            state.stores.extend(store.folder().map(Path::to_path_buf));
        }
        let missing = missing_in(store, names);
        if missing.is_empty() {
            return;
        }
        let mut state = self.ask(missing.clone());
        if let Some(prefetch) = state.prefetch.take() {
            prefetch.begin();
        }
        let is_asked = |state: &State, transfer| state.objects.get(transfer) == Some(&Progress::Asked);
        let mut state =
            self.wait_while(state, |state| missing.iter().any(|transfer| is_asked(state, transfer)));
        state.statistics.waited += start.elapsed();
    }

    /// Waits for the helper. Gives it up if it is silent.
    fn wait_while<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        is_open: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        let mut silent = 0;
        while is_open(&state) {
            let heard = state.heard;
            let waited = self.0.changed.wait_timeout(state, LISTENING);
            let (now, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
            state = now;
            silent = if outcome.timed_out() && state.heard == heard { silent + 1 } else { 0 };
            if silent == SILENT_TIMES {
                let helper = std::mem::replace(&mut state.helper, Helper::Ended);
                self.0.lose(&mut state, "its helper does not answer");
                // Dropped without the lock: the thread that listens may need it.
                drop(state);
                drop(helper);
                state = self.lock();
            }
        }
        state
    }

    /// Sets the list of objects to fetch as soon as one is missing.
    pub(super) fn prefetch_at_first_miss(&self, prefetch: Prefetch) {
        self.lock().prefetch = Some(prefetch);
    }

    /// Begins to fetch the objects that `store` lacks.
    pub fn begin_to_fetch(&self, store: &Store, names: &[ObjectName]) {
        drop(self.ask(missing_in(store, names)));
    }

    /// Asks for the objects that nobody asked for yet.
    fn ask(&self, transfers: Vec<Transfer>) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let new: Vec<Transfer> =
            transfers.into_iter().filter(|transfer| !state.objects.contains_key(transfer)).collect();
        if new.is_empty() {
            return state;
        }
        for transfer in &new {
            state.objects.insert(transfer.clone(), Progress::Asked);
        }
        self.tell(&mut state, &ToHelper::Fetch(new));
        state
    }

    /// Writes those of these objects that the remote store did not have and `store` has now, in the background. Does nothing if this
    /// machine only reads.
    pub fn send(&self, store: &Store, names: &[ObjectName]) {
        if self.0.settings.mode == Mode::Read {
            return;
        }
        let mut state = self.lock();
        let is_missing = |transfer: &Transfer| state.objects.get(transfer) == Some(&Progress::Missing);
        let made: Vec<Transfer> =
            transfers(store, names.iter()).filter(is_missing).filter(|made| made.path.is_file()).collect();
        if made.is_empty() {
            return;
        }
        for transfer in &made {
            state.objects.insert(transfer.clone(), Progress::Fetched);
        }
        state.to_send += made.len();
        self.tell(&mut state, &ToHelper::Send(made));
    }

    /// Writes the entries of `store` that the remote store lacks, and waits until all are written or the helper has ended. The
    /// [statistics](Self::statistics) count them.
    pub fn push(&self, store: &Store) {
        let of_kind = |kind: Kind| {
            let keys = store.shared_keys(kind.shared()).into_iter();
            keys.map(move |key| ObjectName { kind, key })
        };
        let names: Vec<ObjectName> = [Kind::Pack, Kind::Fact].into_iter().flat_map(of_kind).collect();
        let transfers: Vec<Transfer> = transfers(store, names.iter()).collect();
        let mut state = self.lock();
        state.to_send += transfers.len();
        self.tell(&mut state, &ToHelper::SendMissing(transfers));
        let is_open = |state: &State| state.to_send > 0 && matches!(state.helper, Helper::Runs(_));
        drop(self.wait_while(state, is_open));
    }

    /// Writes one object anew, in the background.
    pub fn replace(&self, name: &ObjectName, path: &Path) {
        let mut state = self.lock();
        state.to_send += 1;
        self.tell(
            &mut state,
            &ToHelper::Send(vec![Transfer { name: name.clone(), path: path.to_path_buf() }]),
        );
    }

    /// Removes the objects that were written before a time. `None` if the store cannot be reached, which a warning says.
    pub fn prune(&self, before: SystemTime) -> Option<Pruned> {
        let before = before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut state = self.lock();
        state.pruned = None;
        self.tell(&mut state, &ToHelper::Prune { before });
        let waits = |state: &State| state.pruned.is_none() && matches!(state.helper, Helper::Runs(_));
        self.wait_while(state, waits).pruned
    }

    /// The objects that the bundles of this process looked for, here or in the remote store.
    pub fn wanted(&self) -> Vec<ObjectName> {
        let state = self.lock();
        state.wanted.iter().filter(|name| name.kind != Kind::Prefetch).cloned().collect()
    }

    /// The warnings that nobody took yet.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.lock().warnings)
    }

    /// What this process had of the store.
    pub fn statistics(&self) -> Statistics {
        self.lock().statistics
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message, and starts the helper for the first one. Without a helper, all objects are missing.
    fn tell(&self, state: &mut State, message: &ToHelper) {
        if matches!(state.helper, Helper::NotStarted) {
            match self.start() {
                Ok(helper) => state.helper = helper,
                Err(problem) => {
                    self.0.lose(state, &problem);
                    return;
                }
            }
        }
        match &state.helper {
            Helper::Runs(helper) => helper.tell(message),
            Helper::NotStarted | Helper::Ended => self.0.give_up(state),
        }
    }

    /// Starts a helper and tells it the address.
    fn start(&self) -> Result<Helper, String> {
        let (helper, answers) = HelperProcess::start()?;
        helper.tell(&ToHelper::Begin { address: self.0.settings.address.to_string() });
        let shared = Arc::clone(&self.0);
        let listen = thread::Builder::new().spawn(move || shared.listen(answers));
        listen.map_err(|error| error.to_string())?;
        Ok(Helper::Runs(helper))
    }

    /// Waits until the helper has written everything, and ends it. Returns a warning if it took too long.
    fn finish(&self) -> Option<Warning> {
        let mut state = self.lock();
        if !matches!(state.helper, Helper::Runs(_)) {
            return None;
        }
        self.tell(&mut state, &ToHelper::Finish);
        let limit = self.0.settings.time_to_send;
        let runs = |state: &mut State| matches!(state.helper, Helper::Runs(_));
        let waited = self.0.changed.wait_timeout_while(state, limit, runs);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        // Dropped without the lock: the thread that listens may need it.
        let helper = std::mem::replace(&mut state.helper, Helper::Ended);
        let left = state.to_send;
        drop(state);
        let is_late = matches!(helper, Helper::Runs(_));
        drop(helper);
        (is_late && left > 0).then(|| Warning {
            code: WarningCode::RemoteCacheNotUsable,
            message: format!(
                "{left} objects for the remote cache `{}` were not written within {} s: set `UV_LAMBDA_CDK_REMOTE_CACHE_UPLOAD_TIME` to more seconds, or run `uv-lambda-cdk cache push`",
                self.0.settings.address,
                limit.as_secs()
            ),
        })
    }
}

impl Shared {
    /// Hears the answers of the helper until it ends.
    fn listen(&self, answers: Answers) {
        let lock = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_finished = false;
        let words = answers.listen(|message| {
            is_finished |= message == FromHelper::Finished;
            lock().hear(message);
            self.changed.notify_all();
        });
        let mut state = lock();
        if is_finished || matches!(state.helper, Helper::Ended) {
            self.give_up(&mut state);
        } else {
            let words = words.map(|words| format!(": {words}")).unwrap_or_default();
            self.lose(&mut state, &format!("its helper ended{words}"));
        }
    }

    /// Gives up the helper, and says why.
    fn lose(&self, state: &mut State, problem: &str) {
        let message = format!("the remote cache `{}` is not used: {problem}", self.settings.address);
        state.warn(Warning { code: WarningCode::RemoteCacheNotUsable, message });
        self.give_up(state);
    }

    /// Without the helper, everything that was asked for is missing.
    fn give_up(&self, state: &mut State) {
        state.helper = Helper::Ended;
        state.to_send = 0;
        for progress in state.objects.values_mut().filter(|progress| **progress == Progress::Asked) {
            *progress = Progress::Missing;
        }
        self.changed.notify_all();
    }
}

impl State {
    fn hear(&mut self, message: FromHelper) {
        self.heard += 1;
        match message {
            FromHelper::Working => {}
            FromHelper::Fetched { transfer, is_here, bytes } => {
                if is_here {
                    self.statistics.hits += 1;
                    self.statistics.bytes_fetched += bytes;
                } else {
                    self.statistics.misses += 1;
                }
                let progress = if is_here { Progress::Fetched } else { Progress::Missing };
                self.objects.insert(transfer, progress);
            }
            FromHelper::Sent { bytes } => {
                self.to_send = self.to_send.saturating_sub(1);
                if bytes > 0 {
                    self.statistics.sent += 1;
                    self.statistics.bytes_sent += bytes;
                }
            }
            FromHelper::Warning(warning) => self.warn(warning),
            FromHelper::Pruned { entries, bytes } => self.pruned = Some(Pruned { entries, bytes }),
            FromHelper::Finished => self.helper = Helper::Ended,
        }
    }

    fn warn(&mut self, Warning { code, message }: Warning) {
        let message = mask_credentials(&message);
        if self.known_warnings.insert(message.clone()) {
            self.warnings.push(Warning { code, message });
        }
    }
}

/// What this process had of the remote stores behind a store, by their addresses.
pub fn statistics(store: &Store) -> Vec<(String, Statistics)> {
    all_stores()
        .into_iter()
        .filter(|remote| remote.lock().stores.iter().any(|folder| Some(folder.as_path()) == store.folder()))
        .map(|remote| (remote.0.settings.address.to_string(), remote.lock().statistics))
        .collect()
}

fn all_stores() -> Vec<RemoteStore> {
    STORES.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
}

/// Writes what is still to be written into all remote stores of this process, and ends their helpers. Returns the warnings that no
/// bundle has. Called once, when the process ends.
pub fn finish_all() -> Vec<Warning> {
    let finish = |store: RemoteStore| {
        let late = store.finish();
        store.take_warnings().into_iter().chain(late)
    };
    all_stores().into_iter().flat_map(finish).collect()
}

/// The objects whose files are missing.
fn missing_in(store: &Store, names: &[ObjectName]) -> Vec<Transfer> {
    transfers(store, names.iter()).filter(|transfer| !transfer.path.exists()).collect()
}

fn transfers<'a>(
    store: &'a Store,
    names: impl Iterator<Item = &'a ObjectName>,
) -> impl Iterator<Item = Transfer> {
    names.filter_map(|name| {
        let path = store.shared_path(name.kind.shared(), &name.key)?;
        Some(Transfer { name: name.clone(), path })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::remote::set_executable;
    use crate::request::remote_address::Address;
    use crate::store::Key;

    fn store_with_settings(folder: &Path, mode: Mode) -> (RemoteStore, Store, ObjectName) {
        let address = Address::of_folder(folder).unwrap();
        let remote =
            RemoteStore::open(&RemoteSettings { address, mode, time_to_send: Duration::from_secs(1) });
        let store = Store::open(&folder.join("local")).unwrap();
        (remote, store, ObjectName { kind: Kind::Pack, key: Key::of("pack", &json!(1)) })
    }

    fn transfer(name: &ObjectName, path: &str) -> Transfer {
        Transfer { name: name.clone(), path: PathBuf::from(path) }
    }

    #[test]
    fn answers_count_and_belong_to_one_file() {
        let name = ObjectName { kind: Kind::Fact, key: Key::of("fact", &json!(1)) };
        let mut state = State { to_send: 2, ..State::default() };
        let fetched =
            |path, is_here, bytes| FromHelper::Fetched { transfer: transfer(&name, path), is_here, bytes };
        for message in [
            fetched("/one", true, 10),
            fetched("/two", false, 0),
            FromHelper::Sent { bytes: 5 },
            FromHelper::Sent { bytes: 0 },
            // One more than was asked for.
            FromHelper::Sent { bytes: 0 },
            FromHelper::Working,
        ] {
            state.hear(message);
        }
        let Statistics { hits, misses, bytes_fetched, sent, bytes_sent, .. } = state.statistics;
        assert_eq!((hits, misses, bytes_fetched, sent, bytes_sent), (1, 1, 10, 1, 5));
        assert_eq!((state.to_send, state.heard), (0, 6));
        assert_eq!(state.objects[&transfer(&name, "/one")], Progress::Fetched);
        assert_eq!(state.objects[&transfer(&name, "/two")], Progress::Missing);
    }

    #[test]
    fn a_warning_is_given_once_and_has_no_credentials() {
        let mut state = State::default();
        for _ in 0..2 {
            let message = "no answer from https://key:secret@host/".to_owned();
            state.hear(FromHelper::Warning(Warning { code: WarningCode::RemoteCacheNotUsable, message }));
        }
        let messages: Vec<_> = state.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(messages, ["no answer from https://****@host/"]);
    }

    #[test]
    fn without_a_helper_everything_is_missing_and_that_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        set_executable(folder.path().join("no executable"));
        let (remote, store, name) = store_with_settings(folder.path(), Mode::ReadWrite);
        for _ in 0..2 {
            remote.fetch(&store, std::slice::from_ref(&name));
        }
        let path = store.shared_path(name.kind.shared(), &name.key).unwrap();
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, "made here").unwrap();
        remote.send(&store, std::slice::from_ref(&name));
        remote.push(&store);
        assert_eq!(remote.prune(SystemTime::now()), None);
        let warnings = [remote.take_warnings(), finish_all()].concat();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].message.contains("cannot be started"), "{warnings:?}");
        assert_eq!((remote.wanted(), remote.statistics().hits), (vec![name], 0));
    }

    #[test]
    fn settings_have_one_store_and_what_is_here_is_not_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (remote, store, name) = store_with_settings(folder.path(), Mode::Read);
        let (again, ..) = store_with_settings(folder.path(), Mode::Read);
        assert!(Arc::ptr_eq(&remote.0, &again.0));
        let path = store.shared_path(name.kind.shared(), &name.key).unwrap();
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, "here").unwrap();
        remote.fetch(&store, std::slice::from_ref(&name));
        // A machine that only reads sends nothing, whatever it knows.
        remote.lock().objects.insert(Transfer { name: name.clone(), path }, Progress::Missing);
        remote.send(&store, std::slice::from_ref(&name));
        assert!(matches!(remote.lock().helper, Helper::NotStarted) && again.take_warnings().is_empty());
    }
}
