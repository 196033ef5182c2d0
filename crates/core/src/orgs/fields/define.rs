//! What is asked: making, changing, ordering and removing fields.

use super::{Field, Kind, MOST, MOST_IN_CLAIMS, sql, value};
use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    orgs::{self, OrgScope, manage::conflict},
    outcome::{Code, Refusal, Result, refuse},
};

const SEE: &str = "org:settings:read";
const DEFINE: &str = "org:settings:write";
/// What there is to choose from, at the most.
const MOST_OPTIONS: usize = 50;
/// The longest label and the longest option, in characters.
const LONGEST_WORDS: usize = 100;

/// A field to make.
#[derive(Debug, Clone)]
pub struct NewField {
    /// Its name in tokens: `[a-z][a-z0-9_]{0,39}`.
    pub key: String,
    /// What kind of answer it takes, for good.
    pub kind: Kind,
    /// What it asks.
    pub change: Change,
}

/// What a field shall be.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What people are asked.
    pub label: String,
    /// Of a choice, what there is to choose from.
    pub options: Vec<String>,
    /// Whether nobody acts for the organisation without an answer.
    pub is_required: bool,
    /// Whether applications are told the answer.
    pub in_claims: bool,
    /// Where it stands among the others, from 0; none leaves it, and puts a new one behind them.
    pub position: Option<usize>,
}

/// Every field, in the order in which people are asked.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope) -> Result<Vec<Field>> {
    scope.must(SEE).or_else(|_| scope.must(DEFINE))?;
    let read = call
        .realm
        .db
        .read("orgs.fields.list", scope.id(), |tx, org| Box::pin(async move { sql::all(tx, *org).await }));
    read.await
}

/// One field.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn get(call: &Call, scope: &OrgScope, key: &str) -> Result<Field> {
    let all = list(call, scope).await?;
    all.into_iter().find(|field| field.key == key).map_or_else(|| refuse(Code::NotFound), Ok)
}

#[derive(Clone)]
struct Ask {
    call: Call,
    scope: OrgScope,
    key: String,
    change: Change,
}

/// Adds a field. Where it is required, people are asked before they next act for the organisation.
///
/// # Errors
/// `ScopeMissing`; `RequestInvalid`; `Conflict` where there is one of that key, or no room for another.
pub async fn create(call: &Call, scope: &OrgScope, new: NewField) -> Result<Field> {
    check_key(&new.key)?;
    let change = checked(new.kind, new.change)?;
    let ask = Ask::new(call, scope, (&new.key, change))?;
    call.realm
        .db
        .write("orgs.fields.create", (ask, new.kind), |tx, (ask, kind)| {
            Box::pin(async move {
                let org = ask.scope.id();
                ask.scope.lock(tx).await?;
                let mut all = sql::all(tx, org).await?;
                if all.iter().any(|field| field.key == ask.key) {
                    return Err(Refusal::new(Code::Conflict).field("key").hint("The key is taken").into());
                }
                if all.len() >= MOST {
                    return Err(full("fields", "An organisation has 30 profile fields at most").into());
                }
                let field = ask.applied(&Field {
                    key: ask.key.clone(),
                    kind: *kind,
                    label: String::new(),
                    options: Vec::new(),
                    is_required: false,
                    in_claims: false,
                    position: all.len(),
                    version: 1,
                });
                room_in_claims(&all, &field)?;
                sql::insert(tx, org, &field, ask.call.now).await?;
                all.push(field);
                ask.order(tx, all).await?;
                ask.finish(tx, "org.field_created").await
            })
        })
        .await
}

/// Changes a field that is still at the version seen. Answers that do not fit any more count as none.
///
/// # Errors
/// `ScopeMissing`, `NotFound`, `RequestInvalid`, `VersionMismatch`; `Conflict` where too many would be in tokens.
pub async fn update(call: &Call, scope: &OrgScope, key: &str, seen: i64, change: Change) -> Result<Field> {
    let ask = Ask::new(call, scope, (key, change))?;
    call.realm
        .db
        .write("orgs.fields.update", (ask, seen), |tx, (ask, seen)| {
            Box::pin(async move {
                let org = ask.scope.id();
                ask.scope.lock(tx).await?;
                let all = sql::all(tx, org).await?;
                let Some(before) = all.iter().find(|field| field.key == ask.key) else {
                    return refuse(Code::NotFound);
                };
                if before.version != *seen {
                    return refuse(Code::VersionMismatch);
                }
                let change = checked(before.kind, ask.change.clone())?;
                let field = Ask { change, ..ask.clone() }.applied(before);
                room_in_claims(&all, &field)?;
                sql::update(tx, org, &field, ask.call.now).await?;
                ask.order(tx, all).await?;
                ask.finish(tx, "org.field_changed").await
            })
        })
        .await
}

/// Removes a field with everybody's answers.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn remove(call: &Call, scope: &OrgScope, key: &str) -> Result<()> {
    let ask = Ask::new(call, scope, (key, Change::default()))?;
    call.realm
        .db
        .write("orgs.fields.remove", ask, |tx, ask| {
            Box::pin(async move {
                let org = ask.scope.id();
                ask.scope.lock(tx).await?;
                if !sql::remove(tx, org, &ask.key).await? {
                    return refuse(Code::NotFound);
                }
                let left = sql::all(tx, org).await?;
                ask.order(tx, left).await?;
                ask.record(tx, "org.field_removed").await
            })
        })
        .await
}

impl Ask {
    fn new(call: &Call, scope: &OrgScope, (key, change): (&str, Change)) -> Result<Self> {
        scope.must(DEFINE)?;
        if scope.org().kind == orgs::Kind::Personal {
            return conflict("A personal organisation asks its person nothing");
        }
        Ok(Self { call: call.clone(), scope: scope.clone(), key: key.to_owned(), change })
    }

    /// The field as it shall be, where it stands now.
    fn applied(&self, before: &Field) -> Field {
        let Change { label, options, is_required, in_claims, .. } = self.change.clone();
        Field { label, options, is_required, in_claims, ..before.clone() }
    }

    /// Puts the field where it shall stand, and numbers all of them through.
    async fn order(&self, tx: &mut Tx<'_>, mut all: Vec<Field>) -> Result<()> {
        let from = all.iter().position(|field| field.key == self.key);
        if let (Some(from), Some(to)) = (from, self.change.position) {
            let field = all.remove(from);
            all.insert(to.min(all.len()), field);
        }
        for (position, field) in all.iter().enumerate().filter(|(at, field)| *at != field.position) {
            sql::place(tx, self.scope.id(), &field.key, position).await?;
        }
        Ok(())
    }

    async fn finish(&self, tx: &mut Tx<'_>, code: &'static str) -> Result<Field> {
        self.record(tx, code).await?;
        let all = sql::all(tx, self.scope.id()).await?;
        all.into_iter().find(|field| field.key == self.key).map_or_else(|| refuse(Code::NotFound), Ok)
    }

    async fn record(&self, tx: &mut Tx<'_>, code: &'static str) -> Result<()> {
        tx.raise_changes().await?;
        let event = Event::new(&self.call, code)?.subject(self.scope.id()).org(self.scope.id());
        audit::record(tx, &event.fact("field", self.key.clone())).await
    }
}

/// Tokens stay small: so many fields stand in them, each of which is bounded.
fn room_in_claims(all: &[Field], field: &Field) -> Result<()> {
    let others = all.iter().filter(|other| other.in_claims && other.key != field.key).count();
    if field.in_claims && others >= MOST_IN_CLAIMS {
        return Err(full("in_claims", "Tokens hold 10 profile fields of an organisation at most").into());
    }
    Ok(())
}

fn full(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::Conflict).field(field).hint(hint)
}

fn check_key(key: &str) -> Result<()> {
    let is_key = (1..=40).contains(&key.len())
        && key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_key && key != crate::orgs::TAKEN {
        return Ok(());
    }
    let hint = "A key has 1 to 40 of a-z 0-9 _, begins with a letter, and is not new";
    Err(Refusal::new(Code::RequestInvalid).field("key").hint(hint).into())
}

/// What a field of this kind may be.
fn checked(kind: Kind, change: Change) -> Result<Change> {
    let refused = |field: &'static str, hint: &'static str| {
        Err(Refusal::new(Code::RequestInvalid).field(field).hint(hint).into())
    };
    let are_words = |text: &str| value::is_line(text) && text.chars().count() <= LONGEST_WORDS;
    let label = change.label.trim().to_owned();
    if !are_words(&label) {
        return refused("label", "A label is one line of 1 to 100 characters");
    }
    let options: Vec<String> = change.options.iter().map(|option| option.trim().to_owned()).collect();
    if kind != Kind::Choice {
        if !options.is_empty() {
            return refused("options", "Only a choice has options");
        }
    } else if options.is_empty() || options.len() > MOST_OPTIONS {
        return refused("options", "A choice has 1 to 50 options");
    } else if !options.iter().all(|option| are_words(option)) {
        return refused("options", "An option is one line of 1 to 100 characters");
    } else if options
        .iter()
        .enumerate()
        .any(|(at, option)| options.iter().skip(at + 1).any(|it| it == option))
    {
        return refused("options", "An option is there twice");
    }
    Ok(Change { label, options, ..change })
}
