//! What Linux tells of a process: CPU seconds and memory.

use anyhow::{Context, Result};

/// `USER_HZ` is 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// CPU seconds, user and system, that all threads of a process have used so far.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    // The name in parentheses may hold spaces, so count from behind it: utime and stime are 14 and 15.
    let (_, rest) = stat.rsplit_once(')').context("unexpected /proc/PID/stat")?;
    let ticks: f64 = rest.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}

/// A `Vm…` line of a process in MiB: `VmHWM` is the peak, `VmRSS` what is resident now.
pub(crate) fn memory_mib(pid: u32, line: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let kib = status
        .lines()
        .find_map(|l| l.strip_prefix(line)?.strip_prefix(':'))
        .and_then(|value| value.split_whitespace().next()?.parse::<f64>().ok())
        .with_context(|| format!("no {line} in /proc/{pid}/status"))?;
    Ok(kib / 1024.0)
}

/// A line of text files that describe the machine, such as the model of its processor.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()))
        .unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = read("/proc/loadavg").split_whitespace().next().unwrap_or("?").to_owned();
    format!("{model}, {cores} cores, load average {load} at the start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        assert!(memory_mib(pid, "VmRSS").unwrap() > 1.0);
        // Another test's thread may raise what is resident between two readings, and the kernel counts
        // pages thread by thread, so the peak is held against a tenth of it only.
        assert!(memory_mib(pid, "VmHWM").unwrap() > memory_mib(pid, "VmRSS").unwrap() / 10.0);
        assert!(memory_mib(pid, "VmNothing").is_err());
    }
}
