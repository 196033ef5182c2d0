//! The real program, started for one test on a free loopback port over a temporary data folder, and
//! what talks to it: clients of other people's making, a real browser, `kill -9`.
//!
//! Nothing in here knows a type of Doorward's: a test sees what an outsider sees.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up ends there"
)]

pub mod certificates;
pub mod docs;
pub mod pooler;
pub mod program;
pub mod scripts;

pub use program::{Options, Server};
