//! Cedar: how a request looks to its policies.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    str::FromStr,
};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression as Value, Schema, ValidationMode, Validator,
};
use doorward_proto::time::Time;
use miette::Diagnostic;

use super::{Params, Question, check_size, position, schema};
use crate::{Identity, IdentityType, Principal, host};

/// The policies of one rule.
#[derive(Debug)]
pub(crate) struct Policy {
    set: PolicySet,
    types: Types,
    /// The methods that policies know, with their groups.
    actions: HashMap<String, Entity>,
}

#[derive(Debug)]
struct Types {
    user: EntityTypeName,
    service: EntityTypeName,
    agent: EntityTypeName,
    anonymous: EntityTypeName,
    role: EntityTypeName,
    organization: EntityTypeName,
    route: EntityTypeName,
    action: EntityTypeName,
}

impl Types {
    fn new() -> Result<Self, String> {
        let named = |name: &str| EntityTypeName::from_str(name).map_err(|error| error.to_string());
        Ok(Self {
            user: named("User")?,
            service: named("Service")?,
            agent: named("Agent")?,
            anonymous: named("Anonymous")?,
            role: named("Role")?,
            organization: named("Organization")?,
            route: named("Route")?,
            action: named("Action")?,
        })
    }
}

impl Policy {
    /// Reads policies, and checks that they speak only of what there is.
    pub(crate) fn compile(text: &str, methods: &[String], params: &Params) -> Result<Self, String> {
        check_size(text)?;
        let set: PolicySet = text.parse().map_err(|error| located(text, &error))?;
        if set.num_of_templates() > 0 {
            return Err("a policy with ?principal or ?resource is a template; name somebody".to_owned());
        }
        if set.num_of_policies() == 0 {
            return Err("there is no policy in it, so it would refuse everybody".to_owned());
        }
        let (schema, _) = Schema::from_cedarschema_str(&schema::of(methods, params)).map_err(words)?;
        let types = Types::new()?;
        let known = schema.action_entities().map_err(words)?;
        let actions = schema::methods(methods).filter_map(|(name, _)| {
            let action = known.get(&uid(&types.action, name))?;
            Some((name.to_owned(), action.clone()))
        });
        let actions = actions.collect();
        let found = Validator::new(schema).validate(&set, ValidationMode::Strict);
        if let Some(error) = found.validation_errors().next() {
            return Err(located(text, error));
        }
        // One that can never apply was meant to.
        match found.validation_warnings().next() {
            Some(warning) => Err(located(text, warning)),
            None => Ok(Self { set, types, actions }),
        }
    }

    /// Whether the request is permitted.
    ///
    /// # Errors
    /// Why it cannot be said, for the log.
    pub(crate) fn permits(&self, question: &Question<'_>) -> Result<bool, String> {
        let action = uid(&self.types.action, question.asked.method);
        let action = if let Some(known) = self.actions.get(question.asked.method) {
            known.clone()
        } else {
            // Whoever forbids writing means every method that is not known to change nothing.
            let written = HashSet::from([uid(&self.types.action, "write")]);
            Entity::new(action, HashMap::new(), written).map_err(words)?
        };
        let principal = self.principal(question.principal)?;
        let resource = self.resource(question)?;
        let uids = (principal.uid(), action.uid(), resource.uid());
        let entities = Entities::from_entities([principal, action, resource], None).map_err(words)?;
        let request = Request::new(uids.0, uids.1, uids.2, context(question)?, None).map_err(words)?;
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        match response.diagnostics().errors().next() {
            Some(error) => Err(words(error)),
            None => Ok(response.decision() == Decision::Allow),
        }
    }

    fn principal(&self, principal: Option<&Principal>) -> Result<Entity, String> {
        let nobody = Identity { subject: "anonymous".to_owned(), ..Identity::default() };
        let identity = principal.map_or(&nobody, |it| &it.identity);
        let (kind, of) = match principal.map(|it| it.identity.kind) {
            None => ("anonymous", &self.types.anonymous),
            Some(kind @ IdentityType::User) => (kind.name(), &self.types.user),
            Some(kind @ IdentityType::Service) => (kind.name(), &self.types.service),
            Some(kind @ IdentityType::Agent) => (kind.name(), &self.types.agent),
        };
        let mut attributes = HashMap::from([
            ("subject".to_owned(), text(&identity.subject)),
            ("kind".to_owned(), text(kind)),
            ("credential".to_owned(), text(principal.map_or("none", |it| it.credential.name()))),
            ("scopes".to_owned(), texts(&identity.scopes)),
            ("roles".to_owned(), texts(&identity.roles)),
            ("permissions".to_owned(), texts(&identity.permissions)),
            ("workspaces".to_owned(), Value::new_set(identity.workspaces.iter().map(text))),
            ("audience".to_owned(), texts(principal.map_or(&[][..], |it| &it.audience))),
        ]);
        let optional = [
            ("role", &identity.role),
            ("organization", &identity.organization),
            ("organization_role", &identity.organization_role),
            ("email", &identity.email),
            ("client", &identity.client_id),
            ("agent", &identity.agent_id),
            ("session", &identity.session_id),
            ("token", &identity.token_id),
            ("issuer", &identity.issuer),
        ];
        for (name, value) in optional {
            attributes.extend(value.as_deref().map(|value| (name.to_owned(), text(value))));
        }
        let roles = identity.roles.iter().chain(&identity.role).map(|name| uid(&self.types.role, name));
        let organization = identity.organization.iter().map(|name| uid(&self.types.organization, name));
        let parents: HashSet<EntityUid> = roles.chain(organization).collect();
        Entity::new(uid(of, &identity.subject), attributes, parents).map_err(words)
    }

    fn resource(&self, question: &Question<'_>) -> Result<Entity, String> {
        let Question { rule, asked, params, .. } = question;
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
        let params = Value::new_record(params).map_err(words)?;
        let attributes = HashMap::from([
            ("name".to_owned(), text(rule)),
            ("host".to_owned(), text(&host::name(asked.host).unwrap_or_default())),
            ("path".to_owned(), text(asked.path)),
            ("params".to_owned(), params),
        ]);
        Entity::new(uid(&self.types.route, rule), attributes, HashSet::new()).map_err(words)
    }
}

fn context(question: &Question<'_>) -> Result<Context, String> {
    let Question { asked, ask, .. } = question;
    let proof = [("dpop", ask.proof.dpop.is_some()), ("certificate", ask.proof.certificate.is_some())];
    let proof = proof.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| text(name));
    // Cedar reads whole seconds or milliseconds.
    let now = Time::from_seconds(ask.now.as_seconds()).to_string();
    // One that nobody knows is left out: whoever asks for it is refused, also where that would only have forbidden.
    let address = Some(ask.address.to_canonical()).filter(|address| !address.is_unspecified());
    let address = address.map(|address| ("address".to_owned(), Value::new_ip(address.to_string())));
    let pairs = [
        ("method".to_owned(), text(asked.method)),
        ("now".to_owned(), Value::new_datetime(now)),
        ("proof".to_owned(), Value::new_set(proof)),
    ];
    Context::from_pairs(pairs.into_iter().chain(address)).map_err(words)
}

fn uid(of: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(name))
}

fn text(value: &str) -> Value {
    Value::new_string(value.to_owned())
}

fn texts<'t>(values: impl IntoIterator<Item = &'t String>) -> Value {
    Value::new_set(values.into_iter().map(|value| text(value)))
}

fn words(error: impl Display) -> String {
    error.to_string()
}

/// An error in words, with its place in the text where it has one.
fn located(source: &str, error: &dyn Diagnostic) -> String {
    let place = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    // Identifiers that were made up here tell an operator nothing.
    let what = error.to_string();
    let what = match what.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, ")) {
        Some((_, what)) => what.to_owned(),
        None => what,
    };
    let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
    match place {
        Some(place) => format!("{}: {what}{help}", position(source, place)),
        None => format!("{what}{help}"),
    }
}
