//! Times as people say them, in their zone, with the exact instant in UTC as a tooltip and in the markup.

use askama::Template;
use doorward_proto::time::Time;

use super::text::Text;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Further ahead a date says more than a number of days.
const AHEAD: u64 = 90 * DAY;

/// An instant, past or to come.
#[derive(Template, Debug, Clone)]
#[template(ext = "html", source = r#"<time datetime="{{ instant }}" title="{{ exact }}">{{ words }}</time>"#)]
pub struct When {
    instant: String,
    exact: String,
    words: String,
}

impl When {
    /// `time`, seen from `now`.
    pub fn new(text: Text, time: Time, now: Time) -> Self {
        let words = if time > now { ahead(text, time, now) } else { past(text, time, now) };
        Self { instant: time.to_string(), exact: time.to_human(), words }
    }
}

fn past(text: Text, time: Time, now: Time) -> String {
    match now.since(time).as_secs() {
        0..MINUTE => text.get("when-now"),
        past @ MINUTE..HOUR => text.count("when-minutes", past / MINUTE),
        past @ HOUR..DAY => text.count("when-hours", past / HOUR),
        past if past < 30 * DAY => text.count("when-days", past / DAY),
        _ => time.to_human_in(text.zone()),
    }
}

/// Rounded up, as people count: what was given thirty days has thirty days.
fn ahead(text: Text, time: Time, now: Time) -> String {
    match time.since(now).as_secs() {
        left if left <= HOUR => text.count("when-in-minutes", left.div_ceil(MINUTE).max(1)),
        left if left <= DAY => text.count("when-in-hours", left.div_ceil(HOUR)),
        left if left <= AHEAD => text.count("when-in-days", left.div_ceil(DAY)),
        _ => time.to_human_in(text.zone()),
    }
}

#[cfg(test)]
mod tests;
