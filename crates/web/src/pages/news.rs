//! Consent to be written to about other things than the account: asked apart from everything else, never
//! ticked beforehand, kept with its time and with the words that were agreed to.

use super::{form::Tick, frame::Frame, text::Text};

/// The words that people agree to. Other words get another number, so that what somebody agreed to can
/// still be read.
const WORDS: &str = "news-1";

/// The field's name.
pub const FIELD: &str = "news";

/// The box to tick.
pub fn tick(frame: &Frame, is_ticked: bool) -> Tick {
    Tick { id: FIELD, label: frame.t(WORDS), is_ticked }
}

/// What is kept of a consent: the words, and the language in which they were read.
pub fn agreed(text: Text) -> String {
    format!("{WORDS}/{}", text.tag())
}
