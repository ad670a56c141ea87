//! Threads that wait for processes or for other bundles. The threads of the pool that computes must not wait.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle, available_parallelism};

/// How many threads work for each core. They wait for processes and for the disk half of the time.
const PER_CORE: usize = 2;

/// Does `work` for each item, on more threads than there are cores. The results are in the order of the items.
pub fn on_threads<Item: Sync, Made: Send>(items: &[Item], work: impl Fn(&Item) -> Made + Sync) -> Vec<Made> {
    let threads = PER_CORE * available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = threads.min(items.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            made.push((index, work(item)));
        }
        made
    };
    let mut made: Vec<(usize, Made)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(ScopedJoinHandle::join);
        joined.flat_map(|made| made.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    made.sort_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let numbers: Vec<u64> = (0..100).collect();
        assert_eq!(on_threads(&numbers, |number| number + 1), (1..101).collect::<Vec<_>>());
    }
}
