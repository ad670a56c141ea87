//! Promises of work that takes long. It runs on threads of our own: Node has only four threads for such work,
//! and a bundle may occupy one for minutes.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, available_parallelism};

use napi::bindgen_prelude::{Env, Object, ToNapiValue};

use super::options_from_js::to_js;
use crate::error::{Error, caught};

/// The number of threads at work.
static AT_WORK: Mutex<usize> = Mutex::new(0);

/// Signalled when a thread has finished.
static FINISHED: Condvar = Condvar::new();

/// Does `work` on another thread, and returns a promise of the value that `convert` makes of it. At most one thread per core, and at least
/// two, work at a time. A panic becomes an error.
pub(super) fn promise<Made, Value>(
    env: &Env,
    work: impl FnOnce() -> Result<Made, Error> + Send + 'static,
    convert: impl FnOnce(Made) -> Value + Send + 'static,
) -> napi::Result<Object<'_>>
where
    Made: Send + 'static,
    Value: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    thread::spawn(move || {
        begin();
        let outcome = caught(work);
        end();
        deferred.resolve(move |env: Env| {
            outcome
                .map(convert)
                .map_err(|error| napi::Error::from(napi::JsError::from(to_js(&error)).into_unknown(env)))
        });
    });
    Ok(promise)
}

fn begin() {
    let most = available_parallelism().map_or(1, NonZeroUsize::get).max(2);
    let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
    while *at_work >= most {
        at_work = FINISHED.wait(at_work).unwrap_or_else(PoisonError::into_inner);
    }
    *at_work += 1;
}

fn end() {
    *AT_WORK.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    FINISHED.notify_one();
}
