//! The form of a brand, with how a sign-in page would look, in light and in dark.

use askama::Template;
use axum::response::Response;
use data_encoding::BASE64;
use doorward_core::{
    branding::{self, Brand, Look, Picture},
    outcome::{Error, Refusal, Result as Outcome},
};

use super::{Site, Where, applications, form};
use crate::{
    pages::{
        brand,
        console::{
            Operator, Shell,
            part::{Cell, Link, Row, Table, form::version_after, list::Asked},
            said,
        },
        form::{Errors, Field},
        frame::Frame,
        upload::Upload,
        visit::refusal_of,
    },
    surface::Failure,
};

/// What a sign-in page would look like.
struct Preview {
    name: String,
    /// An address of ours, or the picture itself.
    logo: Option<String>,
    sheet: String,
    links: Vec<&'static str>,
}

impl Preview {
    fn of(brand: &Brand, picture: Option<&Picture>) -> Self {
        let data = |picture: &Picture| {
            let kind = picture.format.media_type();
            format!("data:{kind};base64,{}", BASE64.encode(&picture.bytes))
        };
        let saved = || brand.logo().map(branding::Logo::path);
        let links = [
            ("foot-support", brand.support()),
            ("foot-terms", brand.terms()),
            ("foot-privacy", brand.privacy()),
        ];
        Self {
            name: brand.name().to_owned(),
            logo: picture.map(data).or_else(saved),
            sheet: brand::looks(brand),
            links: links.into_iter().filter_map(|(key, to)| to.map(|_| key)).collect(),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "console/branding/edit.html")]
struct EditPage<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    what: String,
    action: &'a str,
    back: String,
    version: &'a str,
    fields: [Vec<Field>; 2],
    /// A chosen logo that goes along.
    picture: &'a str,
    logo_error: Option<String>,
    /// Whether there is a logo that could go, and whether it shall.
    logo_goes: Option<bool>,
    preview: Preview,
    table: Option<Table>,
    next: Option<Link>,
    errors: Errors,
}

/// What is shown: the form, and what it was made from.
struct Shown<'s> {
    typed: &'s form::Form,
    errors: Errors,
    /// What was chosen before, and all the rest of the brand.
    before: (&'s Look, &'s Brand),
    /// What the form makes of it.
    after: &'s Look,
    picture: Option<&'s Picture>,
}

pub(super) async fn look(mut operator: Operator, at: Where) -> Result<Response, Failure> {
    let site = Site::of(&operator, &at).await?;
    let (before, brand) = branding::show(&operator.visit.call, site.place).await?;
    let typed = form::Form::of(&before);
    let outer = brand.without(site.place.source());
    let before = (&before, &outer);
    let shown = Shown { typed: &typed, errors: Errors::none(), before, after: before.0, picture: None };
    page(&mut operator, &site, shown, None).await
}

pub(super) async fn save(sent: Upload<form::Form>, at: Where) -> Result<Response, Failure> {
    let Upload { posted, file } = sent;
    let (mut operator, mut typed) = match Operator::of(posted, &at.path()) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let site = Site::of(&operator, &at).await?;
    let (before, brand) = branding::show(&operator.visit.call, site.place).await?;
    let outer = brand.without(site.place.source());
    let picture = typed.take(file);
    let kept = picture.as_ref().ok().cloned().flatten();
    let read = picture.and_then(|picture| typed.change(picture));
    let after = read.as_ref().map_or_else(|_| before.clone(), |change| change.made(&before));
    let refusal = match read {
        Ok(_) if typed.is_preview() => None,
        Ok(change) => match saved(&operator, &site, &typed, change).await {
            Ok(()) => return Ok(said::at(&operator.visit, "did-brand-saved", &site.path)),
            Err(error) => Some(refusal_of(error)?),
        },
        Err(error) => Some(refusal_of(error)?),
    };
    let errors = match &refusal {
        None => Errors::none(),
        Some(refusal) => match form::wrong(operator.visit.text, refusal) {
            Some(errors) => errors,
            None => return Err(refusal.clone().into()),
        },
    };
    if let Some(refusal) = &refusal {
        typed.version = version_after(refusal, typed.version, before.version);
    }
    let before = (&before, &outer);
    let shown = Shown { typed: &typed, errors, before, after: &after, picture: kept.as_ref() };
    page(&mut operator, &site, shown, refusal.as_ref()).await
}

async fn saved(
    operator: &Operator,
    site: &Site,
    typed: &form::Form,
    change: branding::Change,
) -> Outcome<()> {
    branding::change(&operator.visit.call, site.place, Some(typed.seen()?), change).await.map(drop)
}

async fn page(
    operator: &mut Operator,
    site: &Site,
    shown: Shown<'_>,
    refusal: Option<&Refusal>,
) -> Result<Response, Failure> {
    let Shown { typed, errors, before: (before, outer), after, picture } = shown;
    if picture.is_some() {
        operator.visit.policy = std::mem::take(&mut operator.visit.policy).data_pictures();
    }
    let frame = operator.visit.frame();
    let title = match &site.name {
        Some(name) => frame.tv("brand-of", "name", name),
        None => frame.t("console-branding"),
    };
    let mut shell = operator.shell(&frame, site.area, title, &errors);
    shell.trail.clone_from(&site.trail);
    let brand = outer.with(site.place.source(), after.clone());
    let (table, next) = of_applications(operator, &frame, site).await?;
    let page = EditPage {
        frame: &frame,
        shell: &shell,
        what: frame.t(if site.name.is_some() { "brand-what" } else { "brand-what-instance" }),
        action: &site.path,
        back: site.back(),
        version: &typed.version,
        fields: typed.fields(&frame, outer, &errors),
        picture: &typed.picture,
        logo_error: errors.about("logo").map(str::to_owned),
        logo_goes: before.logo.as_ref().map(|_| !typed.bare.is_empty()),
        preview: Preview::of(&brand, picture),
        table,
        next,
        errors,
    };
    Ok(match refusal {
        Some(refusal) => operator.visit.show_wrong(&page, refusal),
        None => operator.show(&page),
    })
}

/// The applications of the organisation, each with the way to its own brand.
async fn of_applications(
    operator: &Operator,
    frame: &Frame,
    site: &Site,
) -> Result<(Option<Table>, Option<Link>), Error> {
    let Some(org) = site.org else { return Ok((None, None)) };
    let asked = Asked::read(operator.visit.query(), &[])?;
    let found = applications(operator, org, asked.page().after).await?;
    let row = |client: &doorward_core::clients::Client| {
        let at = Where::Application { org: Some(org.to_string()), client: client.id.to_string() };
        let cells = vec![Cell::Code(client.client_id.clone())];
        Row { page: Some(at.path()), name: client.name.clone(), detail: String::new(), cells }
    };
    let rows = found.items.iter().map(row).collect();
    let table = Table::new(frame, "brand-apps", &["apps-name", "apps-client-id"], rows);
    let next =
        found.next.map(|after| Link::new(asked.address(&site.path, Some(&after)), frame.t("console-next")));
    Ok((Some(table).filter(|table| !table.is_empty()), next))
}
