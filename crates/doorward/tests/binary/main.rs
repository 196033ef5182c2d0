//! The real program, started in folders of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up ends there"
)]

mod access;
mod behind;
mod bootstrap;
mod config;
mod follow;
mod frames;
mod manage;
mod max_body;
mod moving;
mod raw;
mod rekey;
mod serve;
mod smuggling;
mod support;
mod tokens;
mod tools;
