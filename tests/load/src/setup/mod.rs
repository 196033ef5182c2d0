//! Starting servers and giving them the clients and people that a load needs.

mod ceiling;
mod doorward;
mod process;

#[cfg(test)]
pub(crate) use ceiling::plan as ceiling_plan;
pub(crate) use ceiling::{Durability, ceiling};
pub(crate) use doorward::{Doorward, doorward};
pub(crate) use process::{Server, run_on};

/// The core that serves.
pub(crate) const SERVER_CORE: usize = 0;
/// The core that drives.
pub(crate) const CLIENT_CORE: usize = 1;
