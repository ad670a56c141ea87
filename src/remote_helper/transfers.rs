//! Transfers: objects between the remote store and files of this machine. Each is checked on its way in and on its way out.

use std::collections::HashSet;
use std::error::Error as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use opendal::{Entry, Error, ErrorKind, Operator};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::breaker::{Breaker, Ending};
use super::operator::{Operators, words};
use super::say;
use crate::codes::WarningCode;
use crate::pack::Pack;
use crate::remote::message::{FromHelper, Transfer};
use crate::remote::object::{HEAD, Kind, ObjectDigest, ObjectName, Refusal, SigningKey};
use crate::report::Warning;
use crate::request::remote_address::Address;
use crate::store::Key;
use crate::support::unfinished_file::unfinished_file;

/// How many objects are read at once: enough to hide the time that each request takes, and few connections.
const READS: usize = 32;

/// How many objects are written at once. Each is in memory meanwhile.
const WRITES: usize = 4;

/// How long to wait before a request is repeated, once.
const BEFORE_REPEAT: Duration = Duration::from_millis(300);

/// The largest object that is taken. A larger one would only fill the disk.
const LARGEST: u64 = 2 << 30;

/// The transfers with one store.
pub struct Transfers {
    /// The address, for messages.
    label: String,
    store: Operators,
    key: Option<SigningKey>,
    breaker: Breaker,
    reads: Semaphore,
    writes: Semaphore,
    /// The problems that were told. The same one may occur with each of hundreds of objects, with another text each time.
    told: Mutex<HashSet<Problem>>,
}

/// The kinds of problems that are told, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Problem {
    Refused(Refusal),
    Store(ErrorKind),
    NoAnswer,
    Local,
}

/// Why an object was not transferred.
#[derive(Debug)]
enum Failure {
    /// The store does not have it.
    Missing,
    /// It is not taken.
    Refused(Refusal),
    /// The store failed.
    Store(Error),
    /// A file of this machine failed.
    Local(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            _ => Self::Store(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Local(error)
    }
}

impl Transfers {
    /// The transfers with a store. With a key, only objects with its signature are taken, and all that are written get it.
    pub fn new(address: &Address, store: Operators, key: Option<SigningKey>) -> Self {
        Self {
            label: address.to_string(),
            store,
            key,
            breaker: Breaker::default(),
            reads: Semaphore::new(READS),
            writes: Semaphore::new(WRITES),
            told: Mutex::default(),
        }
    }

    /// Fetches an object into its file.
    pub async fn fetch(&self, transfer: Transfer) -> FromHelper {
        let Transfer { name, path } = &transfer;
        let _permit = self.reads.acquire().await;
        let bytes = self.repeated(|| self.read(name, path)).await;
        match bytes {
            Ok(bytes) => FromHelper::Fetched { transfer, is_here: true, bytes },
            Err(failure) => {
                let hint = match &failure {
                    Failure::Store(error) if error.kind() == ErrorKind::PermissionDenied => {
                        " (a reader has to read and to list: without the permission to list, a missing object looks denied)"
                    }
                    _ => "",
                };
                self.tell(&failure, &format!("`{name}` was not read{hint}"));
                FromHelper::Fetched { transfer, is_here: false, bytes: 0 }
            }
        }
    }

    /// Writes an object from its file.
    pub async fn send(&self, transfer: Transfer) -> FromHelper {
        let Transfer { name, path } = transfer;
        let _permit = self.writes.acquire().await;
        match self.repeated(|| self.write(&name, &path)).await {
            Ok(bytes) => FromHelper::Sent { bytes },
            Err(failure) => {
                // An entry that was pruned meanwhile is no problem.
                if !matches!(&failure, Failure::Local(error) if error.kind() == io::ErrorKind::NotFound) {
                    self.tell(&failure, &format!("`{name}` was not written"));
                }
                FromHelper::Sent { bytes: 0 }
            }
        }
    }

    /// Does some work with the store, and repeats it once if the store asks for that. Does nothing if the store is not to be asked.
    async fn repeated<Work>(&self, mut work: impl FnMut() -> Work) -> Result<u64, Failure>
    where
        Work: Future<Output = Result<u64, Failure>>,
    {
        let mut is_repeated = false;
        loop {
            if self.breaker.is_open() {
                return Err(Failure::Missing);
            }
            let outcome = work().await;
            if let Err(Failure::Store(error)) = &outcome
                && error.is_temporary()
                && !has_no_answer(error)
                && !is_repeated
            {
                is_repeated = true;
                sleep(BEFORE_REPEAT).await;
                continue;
            }
            return outcome;
        }
    }

    async fn read(&self, name: &ObjectName, path: &Path) -> Result<u64, Failure> {
        let outcome = self.read_unnoted(name, path).await;
        self.note(outcome.as_ref().err());
        outcome
    }

    async fn read_unnoted(&self, name: &ObjectName, path: &Path) -> Result<u64, Failure> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let reader = self.store.reading.reader(&name.to_string()).await?;
        let mut stream = reader.into_stream(..).await?;
        let mut head = Vec::with_capacity(HEAD);
        let mut digest = ObjectDigest::begin(name);
        let mut length = 0;
        // Made when the first bytes arrive: most misses need no file.
        let mut file = None;
        while let Some(buffer) = stream.try_next().await? {
            for bytes in buffer {
                let (first, contents) = bytes.split_at((HEAD - head.len()).min(bytes.len()));
                head.extend_from_slice(first);
                digest.update(contents);
                length += contents.len() as u64;
                if length > LARGEST {
                    return Err(Failure::Refused(Refusal::Damaged));
                }
                if file.is_none() {
                    fs_err::create_dir_all(folder)?;
                    file = Some(unfinished_file(folder, "")?);
                }
                if let Some(file) = &mut file {
                    file.write_all(contents)?;
                }
            }
        }
        let file = file.ok_or(Failure::Refused(Refusal::Damaged))?;
        digest.check(&head, self.key.as_ref()).map_err(Failure::Refused)?;
        if name.kind == Kind::Pack {
            check_pack(file.path(), Refusal::NotOfWheel).await?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(length)
    }

    async fn write(&self, name: &ObjectName, path: &Path) -> Result<u64, Failure> {
        if name.kind == Kind::Pack {
            check_pack(path, Refusal::Damaged).await?;
        }
        let mut body = vec![0; HEAD];
        let mut digest = ObjectDigest::begin(name);
        File::open(path)?.read_to_end(&mut body)?;
        digest.update(&body[HEAD..]);
        body[..HEAD].copy_from_slice(&digest.head(self.key.as_ref()));
        let length = body.len() as u64;
        // That something is missing is a failure here: the bucket is.
        let outcome = self.store.writing.write(&name.to_string(), body).await.map_err(Failure::Store);
        self.note(outcome.as_ref().err());
        outcome?;
        Ok(length)
    }

    /// Splits objects into those that the store lacks and those that it has.
    pub async fn split_missing(&self, transfers: Vec<Transfer>) -> (Vec<Transfer>, Vec<Transfer>) {
        let mut there = HashSet::new();
        for folder in Kind::FOLDERS {
            match self.store.writing.list(folder).await {
                Ok(entries) => there.extend(entries.into_iter().map(|entry| entry.path().to_owned())),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // Without the list, everything is written.
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                Err(error) => self.tell(&error.into(), "its objects were not listed"),
            }
        }
        transfers.into_iter().partition(|transfer| !there.contains(&transfer.name.to_string()))
    }

    /// Removes the objects that were written before a time, in seconds since 1970. Returns their number and their size in bytes.
    pub async fn prune(&self, before: u64) -> (usize, u64) {
        let (mut objects, mut bytes) = (0, 0);
        for folder in Kind::FOLDERS {
            match self.prune_folder(&self.store.writing, folder, before).await {
                Ok(pruned) => {
                    objects += pruned.0;
                    bytes += pruned.1;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => self.tell(&error.into(), "it was not pruned"),
            }
        }
        (objects, bytes)
    }

    async fn prune_folder(&self, store: &Operator, folder: &str, before: u64) -> Result<(usize, u64), Error> {
        let (mut objects, mut bytes) = (0, 0);
        // Objects of others may lie there too.
        let is_ours = |entry: &Entry| entry.metadata().is_file() && Key::parse(entry.name()).is_some();
        for entry in store.list(folder).await?.into_iter().filter(is_ours) {
            let metadata = match entry.metadata().last_modified() {
                Some(_) => entry.metadata().clone(),
                None => store.stat(entry.path()).await?,
            };
            let written = metadata.last_modified().map(SystemTime::from);
            let seconds = written.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
            if seconds.is_some_and(|seconds| seconds.as_secs() < before) {
                store.delete(entry.path()).await?;
                objects += 1;
                bytes += metadata.content_length();
            }
        }
        Ok((objects, bytes))
    }

    /// Tells the breaker how a request ended.
    fn note(&self, failure: Option<&Failure>) {
        let ending = match failure {
            Some(Failure::Store(error)) if has_no_answer(error) => Ending::NoAnswer,
            Some(Failure::Store(_)) => Ending::Failed,
            // The disk of this machine says nothing about the store.
            Some(Failure::Local(_)) => return,
            Some(Failure::Missing | Failure::Refused(_)) | None => Ending::Good,
        };
        if self.breaker.note(ending)
            && let Some(Failure::Store(error)) = failure
            && self.is_news(problem_of(error))
        {
            let problem = describe(error);
            warn(
                WarningCode::RemoteCacheNotUsable,
                format!("the remote cache `{}` is not used for now: {problem}", self.label),
            );
        }
    }

    /// Warns of a failure, unless there was the same one before.
    fn tell(&self, failure: &Failure, what: &str) {
        let (code, problem, words) = match failure {
            Failure::Missing => return,
            Failure::Refused(refusal) => {
                (WarningCode::RemoteCacheObjectRefused, Problem::Refused(*refusal), refusal.to_string())
            }
            Failure::Store(error) => (WarningCode::RemoteCacheNotUsable, problem_of(error), describe(error)),
            Failure::Local(error) => (WarningCode::RemoteCacheNotUsable, Problem::Local, error.to_string()),
        };
        if self.is_news(problem) {
            let message = format!(
                "remote cache `{}`: {what}: {words} (further objects with this problem are not listed)",
                self.label
            );
            warn(code, message);
        }
    }

    /// Whether a problem was not told yet. It counts as told then.
    fn is_news(&self, problem: Problem) -> bool {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(problem)
    }
}

fn warn(code: WarningCode, message: String) {
    say(&FromHelper::Warning(Warning { code, message }));
}

/// Refuses a pack in which a file is not what its digest and its RECORD say.
async fn check_pack(path: &Path, refusal: Refusal) -> Result<(), Failure> {
    let path = path.to_path_buf();
    let check = tokio::task::spawn_blocking(move || Pack::open(&path)?.check_files()).await;
    match check {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Err(Failure::Refused(refusal)),
        Ok(Err(error)) => Err(error.into()),
        // A panic: what made it is not used.
        Err(_) => Err(Failure::Refused(refusal)),
    }
}

/// Whether the store did not answer: no connection, or silence.
fn has_no_answer(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            return error.is_timeout() || error.is_connect();
        }
        cause = error.source();
    }
    false
}

/// The kind of problem of an error of the store.
fn problem_of(error: &Error) -> Problem {
    if has_no_answer(error) { Problem::NoAnswer } else { Problem::Store(error.kind()) }
}

/// What went wrong, as the end of a sentence. Not all that the library says: that has addresses with parameters, and headers.
fn describe(error: &Error) -> String {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => "access denied",
        ErrorKind::NotFound => "the bucket, container or folder is missing",
        ErrorKind::RateLimited => "too many requests",
        ErrorKind::ConfigInvalid => "its address or its settings are wrong",
        _ => "it failed",
    };
    format!("{kind}: {}", words(error))
}
