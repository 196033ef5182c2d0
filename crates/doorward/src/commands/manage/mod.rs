//! The management commands: made from the API's own description, run through the API.

pub(crate) mod connect;
mod describe;
mod follow;
pub(crate) mod logins;
pub(crate) mod output;
pub(crate) mod profile;
pub(crate) mod target;

use std::io::{IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches as _, value_parser};
use http::Method;
use serde_json::{Map, Value as Json};

use self::{
    connect::{Api, Ask},
    describe::{Area, Field, Kind, Verb},
    follow::Follow,
    output::{Format, render},
    profile::Connection,
    target::Locality,
};
use super::{Common, Exit};

/// Areas whose commands need no credential on the server's own machine.
const LOCAL: [&str; 2] = ["mail", "keys"];

/// Every area as a command.
pub(crate) struct Management(Vec<Area>);

impl Management {
    /// What this program's API can do; a command that is written by hand goes before the API's own.
    pub(crate) fn of_this_program() -> Result<Self> {
        let document = doorward_web::api::document().map_err(crate::data::fault)?;
        let mut areas = describe::areas(&document);
        let own = <super::Cli as clap::CommandFactory>::command();
        for area in &mut areas {
            if let Some(own) = own.find_subcommand(&area.name) {
                area.verbs.retain(|verb| own.find_subcommand(&verb.name).is_none());
            }
        }
        Ok(Self(areas))
    }

    /// Adds the commands.
    pub(crate) fn augment(&self, mut root: Command) -> Command {
        for area in &self.0 {
            let about = format!("Manage {}", spoken(&area.name));
            let verbs = area.verbs.iter().map(command);
            let verbs: Vec<Command> = verbs.collect();
            let existing = root.get_subcommands().any(|command| command.get_name() == area.name);
            root = if existing {
                root.mut_subcommand(&area.name, |command| command.subcommands(verbs))
            } else {
                let command = Command::new(area.name.clone()).about(about).subcommand_required(true);
                root.subcommand(command.arg_required_else_help(true).subcommands(verbs))
            };
        }
        root
    }

    /// Runs the command when it is one of these.
    pub(crate) fn run(&self, common: &Common, matches: &ArgMatches) -> Option<Result<Exit>> {
        let (area, inner) = matches.subcommand()?;
        let area = self.0.iter().find(|known| known.name == area)?;
        let (verb, inner) = inner.subcommand()?;
        let verb = area.verbs.iter().find(|known| known.name == verb)?;
        Some(super::block_on(run(area, verb, common, inner)))
    }
}

fn spoken(area: &str) -> String {
    match area {
        "api" => "protected resources and their scopes".to_owned(),
        "audit" => "the audit trail".to_owned(),
        "client" => "applications".to_owned(),
        "key" => "keys of people and of organisations".to_owned(),
        "keys" => "signing keys".to_owned(),
        "leak" => "secrets that were found where they must not be".to_owned(),
        "mail" => "the outbox".to_owned(),
        "mail-template" => "the words of mails".to_owned(),
        "ratelimit" => "what limits have counted".to_owned(),
        "route" => "routes of the gateway".to_owned(),
        "analytics" | "settings" | "usage" => area.to_owned(),
        "user" => "people".to_owned(),
        other => format!("{other}s"),
    }
}

/// `--output`, wherever something is shown.
pub(crate) fn output_flag() -> Arg {
    Arg::new("output")
        .long("output")
        .value_name("FORMAT")
        .value_parser(value_parser!(Format))
        .default_value("table")
        .help("How to print the answer")
}

fn command(verb: &Verb) -> Command {
    let mut command = Connection::augment_args(Command::new(verb.name.clone())).about(verb.about.clone());
    for place in &verb.places {
        let name = place.to_ascii_uppercase();
        command = command.arg(Arg::new(place.clone()).value_name(name).required(true).help("Its id or name"));
    }
    for field in &verb.fields {
        command = command.arg(flag(field));
    }
    for (filter, about) in &verb.filters {
        let long = filter.replace('_', "-");
        command = command.arg(Arg::new(filter.clone()).long(long).value_name("VALUE").help(about.clone()));
    }
    if verb.is_list {
        command = command
            .arg(Arg::new("limit").long("limit").value_name("N").help("Items at the most [default: 50]"))
            .arg(Arg::new("cursor").long("cursor").value_name("CURSOR").help("Where the last page ended"))
            .arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help("Every item, page by page"));
    }
    if verb.can_follow() {
        let follow = Arg::new("follow").long("follow").action(ArgAction::SetTrue);
        let about = "Go on as things happen, until interrupted; begins now, or where --after or --since says";
        command = command.arg(follow.conflicts_with_all(["limit", "cursor", "all"]).help(about));
    }
    if verb.method == Method::PATCH {
        command = command.arg(
            Arg::new("unset")
                .long("unset")
                .value_name("MEMBER")
                .action(ArgAction::Append)
                .help("A member to clear; may be repeated"),
        );
    }
    command.arg(output_flag())
}

fn flag(field: &Field) -> Arg {
    let arg = Arg::new(field.id()).long(field.flag.clone()).required(field.is_required);
    let arg = field.also.map_or(arg.clone(), |also| arg.visible_alias(also));
    let about = field.about.clone();
    match field.kind {
        Kind::Text if field.is_secret => {
            arg.value_name("-|@FILE").help(format!("{about} `-` asks for it, `@FILE` reads a file"))
        }
        Kind::Text => arg.value_name("TEXT").help(about),
        Kind::Number => arg.value_name("N").value_parser(value_parser!(i64)).help(about),
        Kind::Bool => arg
            .value_name("true|false")
            .value_parser(value_parser!(bool))
            .num_args(0..=1)
            .default_missing_value("true")
            .require_equals(true)
            .help(about),
        Kind::Texts => {
            arg.value_name("TEXT").action(ArgAction::Append).help(format!("{about} May be repeated"))
        }
        Kind::Json => arg.value_name("JSON|@FILE").help(about),
    }
}

async fn run(area: &Area, verb: &Verb, common: &Common, matches: &ArgMatches) -> Result<Exit> {
    let connection = Connection::from_arg_matches(matches)?;
    let format = matches.get_one::<Format>("output").copied().unwrap_or_default();
    let locality = if LOCAL.contains(&area.name.as_str()) { Locality::Local } else { Locality::Remote };
    let path = filled(verb, matches);
    if verb.can_follow() && matches.get_flag("follow") {
        let after = matches.get_one::<String>("after").map(|after| after.parse::<i64>().context("--after"));
        let begins_at_a_time = matches.get_one::<String>("since").is_some();
        return Follow {
            common,
            connection: &connection,
            path,
            filters: query(verb.filters.iter().filter(|(name, _)| name != "after"), matches).finish(),
            after: after.transpose()?.or(begins_at_a_time.then_some(0)),
            format,
            area: &area.name,
        }
        .run()
        .await;
    }
    let body = body(verb, matches)?;
    let api = target::open(common, &connection, locality).await?;
    let answer = if verb.is_list {
        list(&api, verb, &path, matches).await
    } else {
        api.send(Ask { method: verb.method.clone(), path, body }).await
    };
    api.close().await?;
    let answer = answer?;
    if !answer.is_null() {
        write!(std::io::stdout().lock(), "{}", render(&answer, format, &area.name))?;
    }
    Ok(Exit::Done)
}

fn filled(verb: &Verb, matches: &ArgMatches) -> String {
    verb.places.iter().fold(verb.path.clone(), |path, place| {
        let value = matches.get_one::<String>(place).map(String::as_str).unwrap_or_default();
        let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        path.replace(&format!("{{{place}}}"), &value.replace('+', "%20"))
    })
}

/// What the filters' flags say.
fn query<'a>(
    filters: impl Iterator<Item = &'a (String, String)>,
    matches: &ArgMatches,
) -> url::form_urlencoded::Serializer<'static, String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, _) in filters {
        if let Some(value) = matches.get_one::<String>(name) {
            query.append_pair(name, value);
        }
    }
    query
}

async fn list(api: &Api, verb: &Verb, path: &str, matches: &ArgMatches) -> Result<Json> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let is_all = matches.get_flag("all");
    let limit = text("limit").or_else(|| is_all.then(|| "500".to_owned()));
    let mut cursor = text("cursor");
    let mut items = Vec::new();
    loop {
        let mut query = query(verb.filters.iter(), matches);
        for (name, value) in [("limit", &limit), ("cursor", &cursor)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let mut page = api.send(Ask::get(format!("{path}{mark}{query}"))).await?;
        if !is_all {
            if let Some(next) = page.get("next_cursor").and_then(Json::as_str) {
                writeln!(std::io::stderr(), "there is more: --cursor {next}, or --all")?;
            }
            return Ok(page);
        }
        if let Some(Json::Array(found)) = page.get_mut("items").map(Json::take) {
            items.extend(found);
        }
        cursor = page.get("next_cursor").and_then(Json::as_str).map(str::to_owned);
        if cursor.is_none() {
            return Ok(serde_json::json!({ "items": items, "next_cursor": null }));
        }
    }
}

fn body(verb: &Verb, matches: &ArgMatches) -> Result<Option<Json>> {
    if verb.method == Method::GET || verb.method == Method::DELETE {
        return Ok(None);
    }
    let mut members = Map::new();
    for field in &verb.fields {
        if let Some(value) = value(field, matches)? {
            members.insert(field.member.clone(), value);
        }
    }
    if verb.method == Method::PATCH {
        for member in matches.get_many::<String>("unset").into_iter().flatten() {
            members.insert(member.replace('-', "_"), Json::Null);
        }
        if members.is_empty() {
            bail!(
                "nothing to change; name a member, such as --{}",
                verb.fields.first().map_or("name", |f| &f.flag)
            );
        }
    }
    Ok(Some(members.into()))
}

fn value(field: &Field, matches: &ArgMatches) -> Result<Option<Json>> {
    let id = field.id();
    let member = id.as_str();
    let text = || matches.get_one::<String>(member);
    Ok(match field.kind {
        Kind::Text => text().map(|text| read_text(&field.flag, text)).transpose()?.map(Json::from),
        Kind::Number => matches.get_one::<i64>(member).map(|number| Json::from(*number)),
        Kind::Bool => matches.get_one::<bool>(member).map(|is_on| Json::from(*is_on)),
        Kind::Texts => matches
            .get_many::<String>(member)
            .map(|texts| texts.map(|text| Json::from(text.as_str())).collect()),
        Kind::Json => match text() {
            Some(text) => {
                let text = read_text(&field.flag, text)?;
                Some(json(&text).with_context(|| format!("--{} is no JSON", field.flag))?)
            }
            None => None,
        },
    })
}

/// A member that may be a text or more than that: quotes are for those who want them, `100/minute` is enough.
fn json(text: &str) -> serde_json::Result<Json> {
    let is_more = text.trim_start().starts_with(['{', '[', '"']);
    serde_json::from_str(text).or_else(|wrong| if is_more { Err(wrong) } else { Ok(text.into()) })
}

/// A value as it was written, from a file (`@FILE`), or from standard input (`-`): a secret on the
/// command line can be read by everybody on the machine.
pub(crate) fn read_text(flag: &str, text: &str) -> Result<String> {
    if let Some(path) = text.strip_prefix('@') {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        return Ok(text.trim_end_matches(['\n', '\r']).to_owned());
    }
    if text != "-" {
        return Ok(text.to_owned());
    }
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password(format!("{flag}: "))?);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
