//! Load for Doorward, one developer binary.
//!
//! `ceiling` serves the least that any server of this kind must do, `limits` measures what the machine
//! allows, `drive` puts one load on one server, and `bench` does all of it in turns and prints the table
//! that `cargo xtask bench` shows. `seed` fills a database with millions of rows, and `scale` asks a server on one
//! for every list. Nothing here is shipped, and nothing here may be used by the server:
//! the crate exists to be measured against.

#![expect(clippy::disallowed_methods, reason = "measuring needs the machine's own clock and randomness")]
#![expect(clippy::print_stdout, reason = "a command-line tool")]

mod bench;
mod ceiling;
mod drive;
mod limits;
mod plan;
mod proc;
mod route;
mod scale;
mod seed;
mod setup;

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

#[derive(Parser)]
#[command(name = "doorward-load", about = "Load for Doorward")]
enum Command {
    /// Serve the ceiling that Doorward is compared with.
    Ceiling {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// Store one row per issuance in this SQLite file and answer after its commit.
        #[arg(long)]
        durable: Option<PathBuf>,
    },
    /// Serve one axum route, to see what the library's layer costs.
    Route {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// Guard it by the layer.
        #[arg(long)]
        guarded: bool,
    },
    /// Measure the machine; prints JSON.
    Limits(limits::Options),
    /// Put one load on one server; prints JSON.
    Drive(drive::Options),
    /// Compare Doorward with the ceiling and print the table.
    Bench(bench::Options),
    /// Fill an empty database with people, organisations, credentials, events and usage.
    Seed(seed::Options),
    /// Ask a server on a filled database for every list, and hold its answers to a time.
    Scale(scale::Options),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Ceiling { listen, durable } => {
            ceiling::serve(std::net::TcpListener::bind(listen)?, durable.as_deref())
        }
        Command::Route { listen, guarded } => route::serve(std::net::TcpListener::bind(listen)?, guarded),
        Command::Limits(options) => limits::run(&options),
        Command::Drive(options) => drive::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Seed(options) => seed::run(&options),
        Command::Scale(options) => scale::run(&options),
    }
}
