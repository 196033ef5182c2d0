//! Signing in elsewhere: what a provider says, and what is made of it.

pub(crate) mod kit;
mod lies;
mod manage;
mod of_org;
mod people;
mod presets;
mod reach;
