//! How far long work is: a bar with rate and time left on a terminal, plain lines otherwise.

use std::{io::Write as _, time::Duration};

use anyhow::Result;
use doorward_core::env::{Env, no_fetch};
use indicatif::{ProgressBar, ProgressStyle};

/// Between two plain lines.
const EVERY: Duration = Duration::from_secs(5);

/// One piece of work.
pub(super) struct Shown {
    bar: ProgressBar,
    env: Env,
    told: Duration,
}

impl Shown {
    /// Nothing is shown before there is something to tell.
    pub(super) fn new() -> Self {
        let env = Env::system(no_fetch());
        Self { bar: ProgressBar::no_length(), told: env.monotonic(), env }
    }

    /// That many of those were done; a total of 0 is not known yet.
    pub(super) fn tell(&mut self, what: &str, done: u64, total: u64) -> Result<()> {
        if self.bar.is_hidden() {
            return self.line(what, done, total);
        }
        let style = match total {
            0 => "{human_pos} {msg}, {per_sec}",
            _ => "[{bar:30}] {percent} %, {human_pos} of {human_len} {msg}, {per_sec}, {eta} left",
        };
        if self.bar.length() != (total > 0).then_some(total) {
            self.bar.set_style(ProgressStyle::with_template(style)?.progress_chars("=> "));
            self.bar.reset();
            if total > 0 {
                self.bar.set_length(total);
            }
        }
        self.bar.set_message(format!("records {what}"));
        self.bar.set_position(done);
        Ok(())
    }

    fn line(&mut self, what: &str, done: u64, total: u64) -> Result<()> {
        let now = self.env.monotonic();
        if done < total && now.saturating_sub(self.told) < EVERY || total == 0 {
            return Ok(());
        }
        self.told = now;
        writeln!(std::io::stderr(), "{done} of {total} records {what}")?;
        Ok(())
    }

    /// Leaves the terminal as it was.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}
