//! The threads on which passwords are hashed: one less than there are cores, at least one.
//!
//! The queue is bounded: beyond it the answer is an honest `overloaded` with a time to come back. A
//! thread keeps Argon2's memory from one password to the next and gives it back after 30 s without
//! work. Work whose caller has gone is skipped. Requests are never served on these threads, and
//! passwords never hashed elsewhere.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use argon2::Block;
use doorward_proto::secret::SecretText;
use tokio::sync::oneshot;

use super::{hash::Hashed, policy};
use crate::{
    env::Env,
    outcome::{Code, Error, Refusal, Result},
};

const IDLE: Duration = Duration::from_secs(30);
/// After which the allocator is ready to hand freed memory on to the operating system.
const SETTLING: Duration = Duration::from_secs(2);
/// Per thread; at some 40 a second and core, the last in the queue waits two to three seconds.
const QUEUE: usize = 96;

/// The hashing threads of one process. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct Pool(Arc<Handle>);

struct Handle(Arc<Shared>);

struct Shared {
    env: Env,
    queue: Mutex<Queue>,
    work: Condvar,
    limit: usize,
    /// How long a verification takes here, by scheme: a slowly falling maximum.
    costs: Mutex<HashMap<String, Duration>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Task>,
    closed: bool,
}

enum Task {
    Make(SecretText, [u8; 16], oneshot::Sender<Result<Hashed>>),
    Verify(SecretText, Hashed, oneshot::Sender<Result<Verified>>),
    Judge(SecretText, Vec<String>, oneshot::Sender<Result<policy::Judgement>>),
}

/// What a verification found, and how long it ran once it had a thread.
#[derive(Debug, Clone, Copy)]
pub struct Verified {
    /// Whether the password is right.
    pub is_right: bool,
    /// How long the hashing itself took.
    pub took: Duration,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// A fault when the operating system gives no threads.
    pub fn start(env: &Env) -> Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.saturating_sub(1).max(1);
        let shared = Arc::new(Shared {
            env: env.clone(),
            queue: Mutex::default(),
            work: Condvar::new(),
            limit: threads * QUEUE,
            costs: Mutex::default(),
        });
        let pool = Self(Arc::new(Handle(Arc::clone(&shared))));
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("password-{number}")).spawn(move || shared.run())?;
        }
        Ok(pool)
    }

    /// Hashes a password for storing.
    pub async fn make(&self, password: &SecretText) -> Result<Hashed> {
        let salt = self.0.0.env.bytes()?;
        let (answer, answered) = oneshot::channel();
        self.put(Task::Make(password.clone(), salt, answer))?;
        answered.await?
    }

    /// Verifies a password against a stored hash, or against nobody's where there is none: an unknown
    /// account costs as much as a known one.
    pub async fn verify(&self, password: &SecretText, stored: Option<&Hashed>) -> Result<Verified> {
        let hashed = stored.cloned().unwrap_or_else(Hashed::nobody);
        let (answer, answered) = oneshot::channel();
        self.put(Task::Verify(password.clone(), hashed, answer))?;
        let mut verified = answered.await??;
        verified.is_right &= stored.is_some();
        Ok(verified)
    }

    /// Judges how easily a password is guessed.
    pub(super) async fn judge(
        &self,
        password: &SecretText,
        inputs: Vec<String>,
    ) -> Result<policy::Judgement> {
        let (answer, answered) = oneshot::channel();
        self.put(Task::Judge(password.clone(), inputs, answer))?;
        answered.await?
    }

    /// How long the slowest of these verifications takes here. What has not been measured yet is.
    pub(super) async fn slowest(&self, examples: &[Hashed]) -> Result<Duration> {
        let mut slowest = Duration::ZERO;
        for example in examples.iter().chain([&Hashed::nobody()]) {
            let known = lock(&self.0.0.costs).get(&example.scheme().name()).copied();
            let cost = match known {
                Some(cost) => cost,
                None => self.verify(&SecretText::default(), Some(example)).await?.took,
            };
            slowest = slowest.max(cost);
        }
        Ok(slowest)
    }

    /// How many passwords wait for a thread.
    pub fn waiting(&self) -> usize {
        lock(&self.0.0.queue).waiting.len()
    }

    fn put(&self, task: Task) -> Result<()> {
        let shared = &self.0.0;
        let mut queue = lock(&shared.queue);
        if queue.waiting.len() >= shared.limit {
            return Err(Refusal::new(Code::Overloaded).retry_after(3).into());
        }
        queue.waiting.push_back(task);
        drop(queue);
        shared.work.notify_one();
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.0.queue).closed = true;
        self.0.work.notify_all();
    }
}

/// Frees a large piece once more: the allocator looks for what it can hand on to the operating system when
/// one is freed, at what was freed a while before, and an idle server frees nothing else.
fn nudge() -> Vec<Block> {
    const BLOCKS: usize = 4096;
    drop(std::hint::black_box(Vec::<Block>::with_capacity(BLOCKS)));
    Vec::new()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn run(&self) {
        let mut memory = Vec::new();
        while let Some(task) = self.next(&mut memory) {
            // A panic answers nobody (the sender is dropped, a fault for the caller) and the thread goes on.
            let done = catch_unwind(AssertUnwindSafe(|| self.perform(task, &mut memory)));
            if done.is_err() {
                memory = Vec::new();
            }
        }
    }

    /// Waits for work; gives the memory back when none has come for a while. `None` ends the thread.
    fn next(&self, memory: &mut Vec<Block>) -> Option<Task> {
        let mut queue = lock(&self.queue);
        let mut is_settled = true;
        loop {
            if let Some(task) = queue.waiting.pop_front() {
                return Some(task);
            }
            if queue.closed {
                return None;
            }
            if memory.capacity() == 0 && is_settled {
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let patience = if memory.capacity() == 0 { SETTLING } else { IDLE };
            let waited = self.work.wait_timeout(queue, patience);
            let (returned, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = returned;
            if timeout.timed_out() && queue.waiting.is_empty() {
                is_settled = memory.capacity() == 0;
                *memory = if is_settled { nudge() } else { Vec::new() };
            }
        }
    }

    fn perform(&self, task: Task, memory: &mut Vec<Block>) {
        match task {
            Task::Make(password, salt, answer) => {
                if !answer.is_closed() {
                    let _ = answer.send(Hashed::make(password.expose().as_bytes(), salt, memory));
                }
            }
            Task::Verify(password, hashed, answer) => {
                if !answer.is_closed() {
                    let _ = answer.send(self.verify(&password, &hashed, memory));
                }
            }
            Task::Judge(password, inputs, answer) => {
                if !answer.is_closed() {
                    let _ = answer.send(Ok(policy::judge(&password, &inputs)));
                }
            }
        }
    }

    fn verify(&self, password: &SecretText, hashed: &Hashed, memory: &mut Vec<Block>) -> Result<Verified> {
        let began = self.env.monotonic();
        let is_right = hashed.verify(password.expose().as_bytes(), memory).map_err(|error| match error {
            Error::Fault(fault) => Error::Fault(fault.during("verifying a password")),
            refused @ Error::Refused(_) => refused,
        })?;
        let took = self.env.monotonic().saturating_sub(began);
        metrics::histogram!("doorward_password_verification_seconds").record(took.as_secs_f64());
        let mut costs = lock(&self.costs);
        let cost = costs.entry(hashed.scheme().name()).or_insert(took);
        // Falls by a sixteenth of the difference, so that a quick one between slow ones is not told apart.
        *cost = if took >= *cost { took } else { (*cost * 15 + took) / 16 };
        Ok(Verified { is_right, took })
    }
}
