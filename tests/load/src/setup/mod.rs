//! Starting servers and giving them the clients and people that a load needs.

mod beside;
mod ceiling;
mod doorward;
mod process;

pub(crate) use beside::{nginx, nginx_program, route};
pub(crate) use ceiling::{Durability, ceiling, plan as ceiling_plan, upstream};
pub(crate) use doorward::{Doorward, doorward};
pub(crate) use process::{Server, free_port, run_on};

/// The core that serves.
pub(crate) const SERVER_CORE: usize = 0;
/// The core that drives.
pub(crate) const CLIENT_CORE: usize = 1;
