//! Long computations beside the backend's own thread.
//!
//! A fit inside a library cannot be interrupted, and a backend that does not look for interrupts cannot be cancelled. So the
//! work runs on a thread of its own, and the backend's thread waits for it and looks for interrupts meanwhile: a cancel answers at
//! once, and the thread, which looks at a flag with every beat, stops and gives its memory back.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use pgrx::check_for_interrupts;

/// How often the backend's thread looks for interrupts.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How long a cancelled backend waits for the thread, so that its memory is given back before the error is told.
const STOP_WITHIN: Duration = Duration::from_millis(150);

/// Says when to stop.
#[derive(Clone)]
pub struct Stop {
    cancelled: Arc<AtomicBool>,
    began: Instant,
}

impl Stop {
    /// Whether the statement was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Seconds since the work began.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

/// What went wrong beside the work itself.
pub enum Fault {
    /// The system gave no thread.
    NoThread(String),
    /// The work panicked.
    Panicked,
}

/// Sets the flag when the backend's thread leaves the wait, however it does: an interrupt unwinds through it.
struct Waiting<'a, T> {
    stop: &'a Stop,
    ended: &'a mpsc::Receiver<T>,
    has_ended: bool,
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.stop.cancelled.store(true, Ordering::Relaxed);
            // The answer, or the end of the thread: either means that the work has stopped.
            let _ = self.ended.recv_timeout(STOP_WITHIN);
            give_memory_back();
        }
    }
}

/// The allocator keeps what a thread has freed; a backend may live for days after one training.
fn give_memory_back() {
    // SAFETY: malloc_trim only releases what is free.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Runs `work` on a thread of its own and answers what it answers.
///
/// The thread must not call Postgres. Raises when the statement is cancelled or the backend is told to end.
pub fn run<T: Send + 'static>(work: impl FnOnce(Stop) -> T + Send + 'static) -> Result<T, Fault> {
    let stop = Stop {
        cancelled: Arc::default(),
        began: Instant::now(),
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    let theirs = stop.clone();
    let thread = with_signals_blocked(|| {
        thread::Builder::new()
            .name("offline_sync train".to_owned())
            .spawn(move || {
                let told = theirs.clone();
                let answer = panic::catch_unwind(panic::AssertUnwindSafe(|| work(theirs)));
                if told.is_cancelled() {
                    // The backend may have stopped waiting by now.
                    give_memory_back();
                }
                // Nobody listens any more after a cancel.
                let _ = sender.send(answer);
            })
    })
    .map_err(|error| Fault::NoThread(error.to_string()))?;
    let mut waiting = Waiting {
        stop: &stop,
        ended: &receiver,
        has_ended: false,
    };
    let answer = loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(answer) => break Some(answer),
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => {
                check_for_interrupts!();
            }
        }
    };
    waiting.has_ended = true;
    drop(waiting);
    // It has sent its answer: there is nothing left to wait for.
    let _ = thread.join();
    give_memory_back();
    answer.and_then(Result::ok).ok_or(Fault::Panicked)
}

/// A thread inherits what is blocked. Postgres' handlers belong to the backend's own thread: on another they would find the state of
/// a process half way through something.
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: sets of signals are plain values that sigfillset and pthread_sigmask write before they are read.
    unsafe {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        started
    }
}
