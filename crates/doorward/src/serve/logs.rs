//! The log: lines on standard error, written by a thread of their own so that no request waits on it.
//!
//! The queue is bounded; lines that do not fit are counted and the count is written when there is room.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use tracing_subscriber::{
    EnvFilter, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::{Config, LogFormat, LogLevel};

/// Lines that may wait.
const QUEUE: usize = 8192;
/// How long a line waits for others to be written with.
const MOMENT: Duration = Duration::from_millis(5);
/// Bytes that are written at once at the most, give or take a line.
const TOGETHER: usize = 64 * 1024;

enum Message {
    Line(Vec<u8>),
    End,
}

/// Writes what is left when it is dropped.
pub struct LogGuard {
    queue: SyncSender<Message>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let _ = self.queue.send(Message::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the log as the configuration wants it.
///
/// # Errors
/// When the thread cannot be started or a log runs already.
pub fn start(config: &Config) -> Result<LogGuard> {
    let (queue, lines) = sync_channel(QUEUE);
    let lost = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&lost);
    let thread =
        thread::Builder::new().name("log".to_owned()).spawn(move || write_lines(&lines, &counted))?;
    let writer = Queue { queue: queue.clone(), lost };
    let is_text = match config.log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter(config));
    if is_text {
        let layer =
            tracing_subscriber::fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(writer);
        registry.with(layer).try_init()?;
    } else {
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(writer);
        registry.with(layer).try_init()?;
    }
    Ok(LogGuard { queue, thread: Some(thread) })
}

fn filter(config: &Config) -> EnvFilter {
    let level = match config.log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let others = if matches!(config.log.level, LogLevel::Error) { "error" } else { "warn" };
    let targets = ["doorward", "doorward_core", "doorward_web", "access"];
    let ours: Vec<String> = targets.iter().map(|target| format!("{target}={level}")).collect();
    EnvFilter::new(format!("{others},{}", ours.join(",")))
}

/// Lines of the same moment share one write: on a busy server waking this thread and calling the system
/// for each would cost more than the lines do.
#[expect(clippy::disallowed_methods, reason = "the log begins before there is an `Env`")]
fn write_lines(lines: &Receiver<Message>, lost: &AtomicU64) {
    let mut out = io::stderr().lock();
    let mut together = Vec::with_capacity(TOGETHER);
    let mut is_over = false;
    while !is_over {
        let Ok(Message::Line(first)) = lines.recv() else { break };
        together.extend_from_slice(&first);
        let until = Instant::now() + MOMENT;
        while together.len() < TOGETHER {
            match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Line(line)) => together.extend_from_slice(&line),
                Err(RecvTimeoutError::Timeout) => break,
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => {
                    is_over = true;
                    break;
                }
            }
        }
        let _ = out.write_all(&together);
        together.clear();
        let missing = lost.swap(0, Ordering::AcqRel);
        if missing > 0 {
            let _ =
                writeln!(out, "{missing} log lines were lost: the log cannot be written as fast as it grows");
        }
    }
    let _ = out.flush();
}

#[derive(Clone)]
struct Queue {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

struct Line {
    bytes: Vec<u8>,
    to: Queue,
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line;
    fn make_writer(&'a self) -> Line {
        Line { bytes: Vec::with_capacity(256), to: self.clone() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let line = Message::Line(std::mem::take(&mut self.bytes));
        if self.to.queue.try_send(line).is_err() {
            self.to.lost.fetch_add(1, Ordering::AcqRel);
        }
    }
}
