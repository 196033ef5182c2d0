//! How often keys of issuers are used, and read. Without the feature `metrics` nobody counts.

/// Keys were looked for: `hit`, `stale` (used while they are read again), or `miss` (somebody had to wait).
pub(super) fn used(issuer: &str, outcome: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("doorward_issuer_keys_total", "issuer" => issuer.to_owned(), "outcome" => outcome)
        .increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (issuer, outcome);
}

/// An issuer was asked for its keys: `ok` or `failed`.
pub(super) fn read(issuer: &str, outcome: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("doorward_issuer_key_reads_total", "issuer" => issuer.to_owned(), "outcome" => outcome)
        .increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (issuer, outcome);
}
