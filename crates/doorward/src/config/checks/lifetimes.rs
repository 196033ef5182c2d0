//! How long things live: tokens, sessions, signing keys, the audit trail.

use std::time::Duration;

use super::{Concern, note, refuse};
use crate::config::{Config, values::Span};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
/// The longest lifetime of an access token that an application or an API may set for itself.
const LONGEST_TOKEN: Duration = DAY;
/// A stolen refresh token answers for as long as the reuse window is open.
const LONGEST_REUSE: Duration = Duration::from_mins(10);
/// RFC 6749 4.1.2.
const LONGEST_CODE: Duration = Duration::from_mins(10);
/// Verifiers may keep the published keys for this long without asking again.
const JWKS_CACHE: Duration = Duration::from_mins(5);

pub(super) fn tokens(config: &Config, found: &mut Vec<Concern>) {
    let (tokens, session) = (&config.tokens, &config.session);
    let zero = [
        ("tokens.code_ttl", tokens.code_ttl),
        ("tokens.access_ttl", tokens.access_ttl),
        ("tokens.id_ttl", tokens.id_ttl),
        ("tokens.refresh_ttl", tokens.refresh_ttl),
        ("tokens.refresh_absolute", tokens.refresh_absolute),
        ("session.idle", session.idle),
        ("session.absolute", session.absolute),
        ("mail.link_ttl", config.mail.link_ttl),
        ("keys.rotation", config.keys.rotation),
    ];
    for (key, _) in zero.into_iter().filter(|(_, span)| span.0.is_zero()) {
        found.push(refuse(key, format!("{key} is zero: nothing would live long enough to be used")));
    }
    if tokens.code_ttl.0 > LONGEST_CODE {
        found.push(refuse("tokens.code_ttl", "codes live ten minutes at the most (RFC 6749 4.1.2)"));
    }
    if tokens.refresh_reuse_window.0 > LONGEST_REUSE {
        found.push(refuse(
            "tokens.refresh_reuse_window",
            "a used refresh token would answer for longer than ten minutes, to a thief as well; the window is for \
             answers that got lost",
        ));
    }
    if tokens.access_ttl.0 > LONGEST_TOKEN {
        found.push(note(
            "tokens.access_ttl",
            "access tokens that live longer than a day stay usable elsewhere long after they were revoked here",
        ));
    }
    if session.idle.0 > session.absolute.0 {
        found.push(note("session.idle", "session.idle is longer than session.absolute and has no effect"));
    }
    if tokens.refresh_ttl.0 > tokens.refresh_absolute.0 {
        found.push(note(
            "tokens.refresh_ttl",
            "tokens.refresh_ttl is longer than tokens.refresh_absolute and has no effect",
        ));
    }
    if config.audit.retention.0 < DAY {
        found.push(refuse("audit.retention", "the audit trail would be gone within a day; keep it longer"));
    } else if config.audit.retention.0 < DAY * 30 {
        found.push(note(
            "audit.retention",
            "break-ins are often found later than a month after they happened",
        ));
    }
}

/// Who is billed by the month needs the whole last one.
pub(super) fn usage(config: &Config, found: &mut Vec<Concern>) {
    if config.usage.retention.0 < DAY {
        found.push(refuse("usage.retention", "usage would be gone within a day; keep it longer"));
    } else if config.usage.retention.0 < DAY * 62 {
        found.push(note("usage.retention", "the whole last month is only there if two months are kept"));
    }
}

pub(super) fn signing_keys(config: &Config, found: &mut Vec<Concern>) {
    let (keys, tokens) = (&config.keys, &config.tokens);
    let asking = [("tokens.access_ttl", tokens.access_ttl.0), ("tokens.id_ttl", tokens.id_ttl.0)]
        .into_iter()
        .filter(|(_, ttl)| *ttl > LONGEST_TOKEN)
        .max_by_key(|(_, ttl)| *ttl);
    let longest = asking.map_or(LONGEST_TOKEN, |(_, ttl)| ttl);
    if keys.overlap.0 < longest {
        let (has, needs) = (Span(keys.overlap.0), Span(longest));
        let what = match asking {
            Some((key, _)) => format!(
                "it is {has}, and {key} asks for {needs}: tokens would outlive the key that verifies them. Set \
                 keys.overlap to {needs} at least, or {key} to {has} at the most"
            ),
            None => format!(
                "it is {has}, and an application or an API may have tokens that live for a day: they would outlive \
                 the key that verifies them. Set keys.overlap to {needs} at least"
            ),
        };
        found.push(refuse("keys.overlap", what));
    }
    if keys.publish_ahead.0 < JWKS_CACHE {
        found.push(refuse(
            "keys.publish_ahead",
            "verifiers keep the published keys for five minutes: a key that signs earlier is unknown to them",
        ));
    } else if keys.publish_ahead.0 < DAY {
        found.push(note("keys.publish_ahead", "many verifiers ask for new keys once a day"));
    }
    if keys.rotation.0 < keys.publish_ahead.0.max(MINUTE * 60) {
        found.push(refuse(
            "keys.rotation",
            "keys would be replaced before they sign: make it longer than keys.publish_ahead, and an hour at least",
        ));
    }
}
