//! The only place that knows everything: configuration, commands, wiring. It contains no rules.

pub mod config;
