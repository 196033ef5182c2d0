//! Everything a person sees.

pub mod error;
