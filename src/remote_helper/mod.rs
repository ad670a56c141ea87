//! Remote helper: the process that talks to the remote store. It reads messages from standard input and answers on standard output
//! ([`message`](crate::remote::message)).
//!
//! It is a process of its own, and a feature of the executable, because what it is made of is larger than all the rest: nothing of it is
//! loaded into Node, and a build of the add-on does not compile it.

mod breaker;
mod operator;
mod transfers;

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use self::operator::operators;
use self::transfers::Transfers;
use crate::remote::message::{FromHelper, ToHelper};
use crate::remote::object::{KEY_VARIABLE, SigningKey};
use crate::request::remote_address::Address;

/// The threads that wait for the network. Checks of packs have threads of their own.
const THREADS: usize = 2;

/// How often the helper says that it is alive. The client gives up one that is silent for many times as long.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Serves a client until it is done. An error says why the store cannot be used.
pub fn run() -> Result<(), String> {
    // Fails only if there is one already, which is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut lines = io::stdin().lock().lines().map_while(Result::ok);
    let Some(Ok(ToHelper::Begin { address })) = lines.next().map(|line| serde_json::from_str(&line)) else {
        return Err("its first message has to be `begin`".to_owned());
    };
    drop(lines);
    let address = Address::parse(&address)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let key = std::env::var(KEY_VARIABLE).ok().and_then(|key| SigningKey::of(&key));
    let (sender, messages) = unbounded_channel();
    thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for message in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    thread::spawn(|| {
        loop {
            thread::sleep(HEARTBEAT);
            say(&FromHelper::Working);
        }
    });
    runtime.block_on(async {
        let operators = operators(&address)?;
        serve(messages, Arc::new(Transfers::new(&address, operators, key))).await;
        Ok(())
    })
}

async fn serve(mut messages: UnboundedReceiver<ToHelper>, transfers: Arc<Transfers>) {
    let mut sends = JoinSet::new();
    // The channel is closed if the client is gone: then nobody wants the rest.
    while let Some(message) = messages.recv().await {
        match message {
            ToHelper::Begin { .. } => {}
            ToHelper::Fetch(asked) => {
                for transfer in asked {
                    let transfers = Arc::clone(&transfers);
                    tokio::spawn(async move { say(&transfers.fetch(transfer).await) });
                }
            }
            ToHelper::Send(made) => {
                for transfer in made {
                    let transfers = Arc::clone(&transfers);
                    sends.spawn(async move { say(&transfers.send(transfer).await) });
                }
            }
            ToHelper::SendMissing(made) => {
                let (missing, there) = transfers.split_missing(made).await;
                for _ in there {
                    say(&FromHelper::Sent { bytes: 0 });
                }
                for transfer in missing {
                    let transfers = Arc::clone(&transfers);
                    sends.spawn(async move { say(&transfers.send(transfer).await) });
                }
            }
            ToHelper::Prune { before } => {
                let (entries, bytes) = transfers.prune(before).await;
                say(&FromHelper::Pruned { entries, bytes });
            }
            ToHelper::Finish => {
                while sends.join_next().await.is_some() {}
                say(&FromHelper::Finished);
                return;
            }
        }
    }
}

/// Sends a message to the client. If the client is gone, its end of the pipe is closed, and the helper ends soon.
fn say(message: &FromHelper) {
    if let Ok(line) = serde_json::to_string(message) {
        let _ = writeln!(io::stdout().lock(), "{line}");
    }
}
