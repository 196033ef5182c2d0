//! The only place that knows everything: configuration, commands, wiring. It contains no rules.

pub mod commands;
pub mod config;
pub mod data;
pub mod dns;
pub mod fetch;
pub mod serve;
pub mod smtp;
