//! What the machine allows: signatures, Argon2id, durable appends, rows.
//!
//! Cryptography is counted per CPU second of this process, the disk by the clock.

use std::{collections::BTreeMap, io::Write as _, time::Instant};

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, VerificationAlgorithm,
    },
};

use crate::{
    ceiling::{ITERATIONS, LANES, MEMORY_KIB, Row, Table},
    proc,
};

/// What is signed: about the size of a token's header and claims.
const MESSAGE: [u8; 700] = [0x61; 700];
/// What is hashed and thrown away in one look at the clock.
const BATCH: u32 = 16;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long to look at each.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Only the limits whose name starts like this.
    #[arg(long)]
    only: Option<String>,
}

/// Limits by name, per second.
pub(crate) type Limits = BTreeMap<String, f64>;

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut gauge = Gauge { options, found: Limits::new() };
    rsa_limits(&mut gauge)?;
    curve_limits(&mut gauge)?;
    argon2_limit(&mut gauge)?;
    disk_limits(&mut gauge)?;
    println!("{}", serde_json::to_string(&gauge.found)?);
    Ok(())
}

/// Which clock a rate is by.
#[derive(Clone, Copy)]
enum Clock {
    Cpu,
    Wall,
}

struct Gauge<'o> {
    options: &'o Options,
    found: Limits,
}

impl Gauge<'_> {
    /// Repeats `work`, which says how much it has done, and notes how much that is per second.
    fn rate(&mut self, name: &str, clock: Clock, mut work: impl FnMut() -> Result<u32>) -> Result<()> {
        if self.options.only.as_ref().is_some_and(|only| !name.starts_with(only.as_str())) {
            return Ok(());
        }
        work()?;
        let (start, pid) = (Instant::now(), std::process::id());
        let cpu = proc::cpu_seconds(pid)?;
        let mut done = 0_u32;
        while start.elapsed().as_secs_f64() < self.options.seconds {
            done += work()?;
        }
        let spent = match clock {
            Clock::Cpu => proc::cpu_seconds(pid)? - cpu,
            Clock::Wall => start.elapsed().as_secs_f64(),
        };
        self.found.insert(name.to_owned(), f64::from(done) / spent.max(0.01));
        Ok(())
    }

    /// The rate of work that is too short to look at the clock after each.
    fn many(&mut self, name: &str, mut work: impl FnMut() -> Result<()>) -> Result<()> {
        self.rate(name, Clock::Cpu, || {
            for _ in 0..BATCH {
                work()?;
            }
            Ok(BATCH)
        })
    }

    fn verify(
        &mut self,
        name: &str,
        algorithm: &'static dyn VerificationAlgorithm,
        key: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let key = ParsedPublicKey::new(algorithm, key).map_err(|_| anyhow!("cannot read a key"))?;
        self.many(name, || key.verify_sig(&MESSAGE, signature).map_err(|_| anyhow!("a signature is wrong")))
    }
}

fn rsa_limits(gauge: &mut Gauge<'_>) -> Result<()> {
    let failed = |_| anyhow!("RSA failed");
    let random = SystemRandom::new();
    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?;
    let mut signature = [0; 256];
    let sign =
        |signature: &mut [u8]| key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, signature).map_err(failed);
    sign(&mut signature)?;
    gauge.many("RS256 sign", || sign(&mut signature.clone()))?;
    gauge.verify("RS256 verify", &RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref(), &signature)
}

fn curve_limits(gauge: &mut Gauge<'_>) -> Result<()> {
    let failed = |_| anyhow!("a curve failed");
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
    gauge.many("ES256 sign", || key.sign(&random, &MESSAGE).map(drop).map_err(failed))?;
    let signature = key.sign(&random, &MESSAGE).map_err(failed)?;
    gauge.verify("ES256 verify", &ECDSA_P256_SHA256_FIXED, key.public_key().as_ref(), signature.as_ref())?;
    let key = Ed25519KeyPair::generate().map_err(failed)?;
    gauge.many("EdDSA sign", || {
        std::hint::black_box(key.sign(&MESSAGE));
        Ok(())
    })?;
    let signature = key.sign(&MESSAGE);
    gauge.verify("EdDSA verify", &ED25519, key.public_key().as_ref(), signature.as_ref())
}

fn argon2_limit(gauge: &mut Gauge<'_>) -> Result<()> {
    let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, Some(32)).map_err(|e| anyhow!("{e}"))?;
    let mut memory = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; 32];
    gauge.rate(ARGON2, Clock::Cpu, || {
        argon2
            .hash_password_into_with_memory(b"correct horse", b"0123456789abcdef", &mut out, &mut memory)
            .map_err(|e| anyhow!("{e}"))?;
        Ok(1)
    })
}

/// The name of the limit that password sign-in is compared with.
pub(crate) const ARGON2: &str = "Argon2id, memory reused";

fn disk_limits(gauge: &mut Gauge<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut file = std::fs::File::create(folder.path().join("append"))?;
    gauge.rate("4 KiB append and fsync", Clock::Wall, || {
        file.write_all(&[0x61; 4096])?;
        file.sync_all()?;
        Ok(1)
    })?;
    for group in [1, 64] {
        let mut table = Table::open(&folder.path().join(format!("rows-{group}.db")))?;
        let rows: Vec<Row> = (0..group).map(|at| Row::new(at, "limit")).collect();
        let done = u32::try_from(group)?;
        gauge.rate(&format!("SQLite rows in groups of {group}"), Clock::Wall, || {
            table.commit(rows.iter())?;
            Ok(done)
        })?;
    }
    Ok(())
}
