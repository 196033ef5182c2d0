//! Times as people say them, with the exact instant as a tooltip and in the markup.

use askama::Template;
use doorward_proto::time::Time;

use super::text::Text;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A past instant.
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
        let words = match now.since(time).as_secs() {
            0..MINUTE => text.get("when-now"),
            past @ MINUTE..HOUR => text.count("when-minutes", past / MINUTE),
            past @ HOUR..DAY => text.count("when-hours", past / HOUR),
            past if past < 30 * DAY => text.count("when-days", past / DAY),
            _ => time.to_human().chars().take(10).collect(),
        };
        Self { instant: time.to_string(), exact: time.to_human(), words }
    }
}
