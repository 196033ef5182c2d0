//! The binary: picks the allocator and the cryptographic provider, runs a command, ends with its code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything that may speak TLS: rustls has no default of its own here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    ExitCode::from(doorward::commands::run(std::env::args_os()) as u8)
}
