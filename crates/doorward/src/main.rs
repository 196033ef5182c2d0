//! The binary: picks the allocator and the cryptographic provider, runs a command, ends with its code.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use doorward::commands::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything that may speak TLS: rustls has no default of its own here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match Cli::parse().run() {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "doorward: {error:#}");
            ExitCode::FAILURE
        }
    }
}
