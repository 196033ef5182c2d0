//! What time it is, as whoever mounts this tells it: a test moves its own clock.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use doorward_proto::time::Time;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The clock of the machine.
pub fn system() -> Clock {
    Arc::new(now)
}

#[expect(clippy::disallowed_methods, reason = "this is what a clock is made of")]
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
