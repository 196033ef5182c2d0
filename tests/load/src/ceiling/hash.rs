//! Argon2id on a pool of one thread per core, each with memory of its own that it keeps.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

use super::store::PASSWORD;

/// Argon2id parameters: 19 MiB, two passes, one lane.
pub(crate) const MEMORY_KIB: u32 = 19_456;
pub(crate) const ITERATIONS: u32 = 2;
pub(crate) const LANES: u32 = 1;

const SALT: &[u8] = b"ceiling-ceiling!";

type Waiting = (String, oneshot::Sender<bool>);

/// The way to the hashing threads.
pub(super) struct Pool(Sender<Waiting>);

impl Pool {
    pub(super) fn start() -> Result<Self> {
        let argon2 = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(MEMORY_KIB, ITERATIONS, LANES, Some(32)).map_err(|e| anyhow!("{e}"))?,
        );
        let right = hash(&argon2, PASSWORD, &mut blocks(&argon2))?;
        let (queue, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..thread::available_parallelism()?.get() {
            let (argon2, jobs) = (argon2.clone(), jobs.clone());
            thread::Builder::new()
                .name("hash".to_owned())
                .spawn(move || verify_all(&argon2, right, &jobs))?;
        }
        Ok(Self(queue))
    }

    /// Whether this is the password that everybody has here.
    pub(super) async fn verify(&self, password: String) -> Result<bool> {
        let (done, verdict) = oneshot::channel();
        self.0.send((password, done)).map_err(|_| anyhow!("the hashing threads have stopped"))?;
        Ok(verdict.await?)
    }
}

fn verify_all(argon2: &Argon2<'_>, right: [u8; 32], jobs: &Mutex<Receiver<Waiting>>) {
    let mut memory = blocks(argon2);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((password, done)) = job else { return };
        let verdict = hash(argon2, &password, &mut memory).is_ok_and(|found| found == right);
        // Whoever hung up needs no answer.
        let _ = done.send(verdict);
    }
}

fn blocks(argon2: &Argon2<'_>) -> Vec<Block> {
    vec![Block::new(); argon2.params().block_count()]
}

fn hash(argon2: &Argon2<'_>, password: &str, memory: &mut [Block]) -> Result<[u8; 32]> {
    let mut out = [0; 32];
    argon2
        .hash_password_into_with_memory(password.as_bytes(), SALT, &mut out, memory)
        .map_err(|e| anyhow!("{e}"))?;
    Ok(out)
}
