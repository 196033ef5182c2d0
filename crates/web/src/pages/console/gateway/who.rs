//! Who would get in: a request that nobody has sent, decided by the gateway as it decides every other. No use is
//! counted for it; a pasted token that is refused is noted as anywhere.

use axum::response::Response;
use doorward_core::outcome::{Code, Refusal, Result as Found};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{PATH, trail};
use crate::{
    api::access::about,
    app::App,
    explain,
    pages::{
        console::{
            Administrator, Area, Shell,
            part::{
                Cell, Link, Standing,
                detail::Panel,
                form::{Choice, FormPage},
            },
            words::words,
        },
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    routing::{Claimed, Decision, Sender, SubjectType, Target},
    surface::Failure,
};

/// Who would send it.
const SENDERS: [(&str, &str); 5] = [
    ("nobody", "gateway-sender-nobody"),
    ("user", "gateway-sender-user"),
    ("client", "gateway-sender-client"),
    ("service", "gateway-sender-service"),
    ("token", "gateway-sender-token"),
];
/// Fields of a question, as the API names them, with those of the form and what is wrong with them.
const FIELDS: [(&str, &str, &str); 5] = [
    ("action.name", "method", "gateway-method-wrong"),
    ("resource.id", "url", "gateway-url-wrong"),
    ("context.address", "address", "audit-address-wrong"),
    ("subject.id", "id", "gateway-id-wrong"),
    ("token", "token", "gateway-token-wrong"),
];

/// What is typed. A token is never shown again.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    method: String,
    url: String,
    sender: String,
    id: String,
    scopes: String,
    token: SecretText,
    address: String,
}

impl Form {
    fn sender(&self) -> Found<Sender> {
        let somebody = |kind| {
            let scopes = Some(words(&self.scopes));
            let claimed = Claimed { scopes, ..Claimed::default() };
            Ok(Sender::Somebody { kind, id: self.id.trim().to_owned(), claimed })
        };
        match self.sender.as_str() {
            "nobody" | "" => Ok(Sender::Nobody),
            "user" => somebody(SubjectType::User),
            "client" => somebody(SubjectType::Client),
            "service" => somebody(SubjectType::Service),
            "token" if self.token.expose().trim().is_empty() => {
                Err(Refusal::new(Code::RequestInvalid).field("token").into())
            }
            "token" => Ok(Sender::Token(SecretText::from(self.token.expose().trim()))),
            _ => Err(Refusal::new(Code::RequestInvalid).field("sender").into()),
        }
    }

    async fn decide(&self, app: &App, administrator: &Administrator) -> Found<Decision> {
        let target = Target::Address(self.url.trim().to_owned());
        let address = Some(self.address.trim().to_owned()).filter(|address| !address.is_empty());
        let method = self.method.trim().to_ascii_uppercase();
        let question = about(self.sender()?, (method, target), (address, None))?;
        let routing = app.settings.routing.as_ref();
        let routing = routing.ok_or_else(|| Refusal::new(Code::Conflict).hint("There is no gateway here"))?;
        routing.decide(&administrator.visit.call, &question).await
    }
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, errors: &Errors) -> Shell<'a> {
    let mut shell = administrator.shell(frame, Area::Gateway, frame.t("gateway-who-in"), errors);
    shell.trail = trail(administrator);
    shell
}

fn form<'a>(shell: &'a Shell<'a>, typed: &Form, errors: Errors) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value);
    let senders = Choice {
        id: "sender",
        label: frame.t("gateway-sender"),
        hint: String::new(),
        value: typed.sender.clone(),
        options: SENDERS.map(|(name, key)| (name.to_owned(), frame.t(key))).to_vec(),
        error: None,
    };
    let hinted = |field: Field, key: &str| field.hint(frame.t(key)).optional();
    let token = Field::password(frame, "token", "off", frame.t("gateway-token"));
    FormPage::new(shell, format!("{PATH}/who"), PATH.to_owned(), errors)
        .what(frame.t("gateway-who-what"))
        .field(field("method", "gateway-method", &typed.method).longest(64))
        .field(field("url", "gateway-url", &typed.url).hint(frame.t("gateway-url-what")).longest(1024))
        .choice(senders)
        .field(hinted(field("id", "gateway-id", &typed.id).longest(1024), "gateway-id-what"))
        .field(hinted(field("scopes", "gateway-claims", &typed.scopes).longest(4000), "gateway-claims-what"))
        .field(hinted(token, "gateway-token-what"))
        .field(hinted(field("address", "gateway-address", &typed.address), "gateway-address-what"))
        .button(frame.t("gateway-ask"))
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let (frame, errors) = (administrator.visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &errors);
    let typed = Form { method: "GET".to_owned(), ..Form::default() };
    Ok(administrator.show(&form(&shell, &typed, errors)))
}

pub(super) async fn ask(posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, &format!("{PATH}/who")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let frame = visit.frame();
    let refusal = match typed.decide(&visit.app, &administrator).await {
        Ok(decision) => {
            let errors = Errors::none();
            let shell = shell(&administrator, &frame, &errors);
            return Ok(administrator.show(&form(&shell, &typed, errors).above(answer(&frame, &decision))));
        }
        Err(error) => refusal_of(error)?,
    };
    let known = FIELDS.into_iter().find(|(field, _, _)| refusal.field.as_deref() == Some(*field));
    let Some((_, field, key)) = known else { return Err(refusal.into()) };
    let errors = Errors::one(field, frame.t(key));
    let shell = shell(&administrator, &frame, &errors);
    Ok(visit.show_wrong(&form(&shell, &typed, errors), &refusal))
}

/// The decision, and the rule that made it.
fn answer(frame: &Frame, decision: &Decision) -> Panel {
    let route = Link::new(super::page_of(&decision.route), &decision.route);
    let mut facts = vec![
        (frame.t("gateway-decision"), Cell::Badge(verdict(frame, decision))),
        (frame.t("gateway-by-route"), Cell::Link(route)),
        (frame.t("gateway-known-as"), Cell::text(decision.who.as_deref(), frame.t("gateway-nobody-known"))),
    ];
    if let Some(refused) = &decision.refusal {
        facts.push((frame.t("gateway-reason"), Cell::Code(refused.code.to_owned())));
        facts.push((frame.t("gateway-in-words"), Cell::Text(refused.whole.clone())));
        let to_do = super::code(refused.code).and_then(explain::of).map(|explained| explained.to_do);
        facts.push((frame.t("gateway-to-do"), Cell::text(to_do, frame.t("console-none"))));
    }
    Panel::new("answer", frame.t("gateway-answer")).facts(facts)
}

fn verdict(frame: &Frame, decision: &Decision) -> Standing {
    match decision.refusal {
        None => Standing::good(frame.t("gateway-let-in")),
        Some(_) => Standing::bad(frame.t("gateway-kept-out")),
    }
}
