//! What a password must be: long enough, not in the list of known ones, hard to guess.
//!
//! NIST SP 800-63B-4 3.1.1: a length, a block list and a strength meter; no composition rules, no
//! expiry. The range API sees five hexadecimal digits of a SHA-1 and nothing else (k-anonymity), asks
//! for padding, and its failure is a setting, never a silent pass.

use aws_lc_rs::digest;
use data_encoding::HEXUPPER;
use doorward_proto::secret::SecretText;

use super::offline;
use crate::{
    audit::{self, Event},
    call::Call,
    env::FetchRequest,
    outcome::{Code, Error, Refusal, Result},
    settings::{BreachCheck, BreachFailure},
};

/// Bytes; a longer one is refused before anything looks at it.
const LONGEST: usize = 1024;
/// The strength meter's work grows faster than the text; what follows can only add strength.
const JUDGED: usize = 72;
/// A password needs this many characters that are not the person's names.
const OWN_CHARACTERS: usize = 4;

/// How easily a password is guessed.
#[derive(Debug, Clone)]
pub(super) struct Judgement {
    score: u8,
    is_known: bool,
}

/// Runs on the pool's threads: the strength meter takes up to some tens of milliseconds.
pub(super) fn judge(password: &SecretText, inputs: &[String]) -> Judgement {
    let text = password.expose();
    let begin: String = text.chars().take(JUDGED).collect();
    let words: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let is_names = without_words(&begin, &words) < OWN_CHARACTERS;
    let score = if is_names { 0 } else { u8::from(zxcvbn::zxcvbn(&begin, &words).score()) };
    Judgement { score, is_known: offline::contains(text) }
}

/// How many characters are left when the person's own names are taken out: the meter counts each word
/// as a guess, and so finds three names in a row strong.
fn without_words(text: &str, words: &[&str]) -> usize {
    let mut rest = text.to_lowercase();
    let mut words: Vec<&str> = words.iter().copied().filter(|word| word.chars().count() > 3).collect();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        rest = rest.replace(word, "");
    }
    rest.chars().count()
}

/// Refuses a password that may not be set. `about` is what others know of the person: names, address.
pub async fn check(call: &Call, password: &SecretText, about: &[&str]) -> Result<()> {
    let (rules, text) = (&call.realm.settings.password, password.expose());
    let refused = |code| Err(Error::from(Refusal::new(code).field("password")));
    if text.chars().count() < rules.min_length {
        return Err(Refusal::new(Code::PasswordShort)
            .field("password")
            .hint(format!("Use at least {} characters", rules.min_length))
            .into());
    }
    if text.len() > LONGEST {
        return refused(Code::PasswordLong);
    }
    let judgement = call.realm.passwords.judge(password, known_words(about)).await?;
    if rules.breach_check != BreachCheck::Off && judgement.is_known {
        return refused(Code::PasswordBreached);
    }
    if judgement.score < rules.min_strength {
        return refused(Code::PasswordWeak);
    }
    if rules.breach_check == BreachCheck::RangeApi && is_in_range_api(call, text).await? {
        return refused(Code::PasswordBreached);
    }
    Ok(())
}

/// Names and addresses, whole and in parts.
fn known_words(about: &[&str]) -> Vec<String> {
    let mut words = vec!["doorward".to_owned()];
    for text in about {
        words.push((*text).to_lowercase());
        words.extend(
            text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 2).map(str::to_lowercase),
        );
    }
    words.truncate(32);
    words
}

async fn is_in_range_api(call: &Call, password: &str) -> Result<bool> {
    let rules = &call.realm.settings.password;
    let sha1 =
        HEXUPPER.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref());
    let (Some(api), Some((head, tail))) = (&rules.breach_api, sha1.split_at_checked(5)) else {
        return Ok(false);
    };
    let why = match ask_range_api(call, api, head).await {
        Ok(lines) => return Ok(has_suffix(&lines, tail)),
        Err(why) => why,
    };
    tracing::warn!(%why, "the range API of known passwords did not answer");
    match rules.breach_failure {
        BreachFailure::Open => {
            audit::note(call, Event::new(call, "password.breach_check_skipped")?).await?;
            Ok(false)
        }
        BreachFailure::Closed => Err(Refusal::new(Code::Unavailable).retry_after(60).into()),
    }
}

async fn ask_range_api(call: &Call, api: &url::Url, head: &str) -> std::result::Result<String, String> {
    let url = url::Url::parse(&format!("{}/{head}", api.as_str().trim_end_matches('/')))
        .map_err(|error| error.to_string())?;
    let headers = vec![("add-padding", "true".to_owned()), ("accept", "text/plain".to_owned())];
    let request = FetchRequest { method: "GET", url, headers, body: Vec::new() };
    let answer = call.fetch(request).await.map_err(|error| format!("{error:?}"))?;
    if answer.status != 200 {
        return Err(format!("status {}", answer.status));
    }
    String::from_utf8(answer.body).map_err(|error| error.to_string())
}

/// `SUFFIX:COUNT` lines; padding has a count of 0.
fn has_suffix(lines: &str, tail: &str) -> bool {
    lines.lines().filter_map(|line| line.trim().split_once(':')).any(|(suffix, count)| {
        suffix.eq_ignore_ascii_case(tail) && count.trim().parse::<u64>().is_ok_and(|count| count > 0)
    })
}
