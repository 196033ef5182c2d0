//! Writes every page, filled with an example, to a folder, so that it can be looked at in a browser:
//! `cargo run -p doorward-web --example preview -- FOLDER`.

use std::{env, fs, io, path::Path, time::Duration};

use doorward_core::outcome::{Code, Refusal};
use doorward_proto::time::Time;
use doorward_web::pages::{
    account::{Done, House, Place, Room, applications, data, organizations, profile, security, sessions},
    assets, choose, consent, error,
    form::Errors,
    form_post,
    frame::{Asker, Frame},
    prove, recover, setup, sign_in, sign_out, sign_up,
    text::Text,
    verify,
    when::When,
};

const EMAIL: &str = "ada.lovelace@example.com";
const NOW: i64 = 1_795_348_800;

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| "target/preview".to_owned());
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("assets"))?;
    for (path, content) in assets::all() {
        fs::write(folder.join(path.trim_start_matches('/')), content)?;
    }
    let mut frame = Frame::new("https://id.example.com", Text::fallback());
    "example".clone_into(&mut frame.form_token);
    let write = |name: &str, page: &dyn askama::DynTemplate| {
        let page = page.dyn_render().map_err(io::Error::other)?;
        fs::write(folder.join(format!("{name}.html")), page)
    };
    signing_in(&frame, &write)?;
    signing_up(&frame, &write)?;
    applications_and_out(&frame, &write)?;
    account(&frame, &write)
}

type Write<'a> = &'a dyn Fn(&str, &dyn askama::DynTemplate) -> io::Result<()>;

fn orders() -> Asker {
    Asker { name: "Orders".to_owned(), logo: None, publisher: None }
}

fn signing_in(frame: &Frame, write: Write<'_>) -> io::Result<()> {
    let asked = Frame { asker: Some(orders()), ..frame.clone() };
    let action = || "/sign-in?draft=drf_0".to_owned();
    let links = || sign_in::PasswordLinks {
        action: "/sign-in/password".to_owned(),
        other: "/sign-in".to_owned(),
        forgot: "/forgot".to_owned(),
    };
    let identity = |name: Option<&str>| sign_in::Identity {
        identifier: EMAIL.to_owned(),
        name: name.map(str::to_owned),
    };
    let wrong = || Errors::one("password", frame.t("sign-in-failed"));
    let first = sign_in::IdentifierPage::new(&asked, action(), "", Errors::none());
    write("sign-in", &first.sign_up("/sign-up".to_owned()))?;
    write("password", &sign_in::PasswordPage::new(&asked, links(), identity(None), Errors::none()))?;
    let remembered = identity(Some("Ada Lovelace"));
    write("password-remembered", &sign_in::PasswordPage::new(frame, links(), remembered, Errors::none()))?;
    write("password-wrong", &sign_in::PasswordPage::new(&asked, links(), identity(None), wrong()))?;
    let account = |name: &str, email: &str| choose::Account {
        session: "ses_0".to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
    };
    let accounts =
        vec![account("Ada Lovelace", EMAIL), account("", "a.lovelace@analytical-engine.example.org")];
    let page = choose::Page { frame: &asked, action: action(), accounts, other: "/sign-in".to_owned() };
    write("choose-account", &page)
}

fn signing_up(frame: &Frame, write: Write<'_>) -> io::Result<()> {
    let to = |path: &str| path.to_owned();
    let typed =
        || sign_up::Typed { name: "Ada Lovelace".to_owned(), email: "ada@".to_owned(), wants_news: true };
    let mut errors = Errors::one("email", frame.t("email-invalid"));
    errors.add("new_password", frame.t("password-weak"));
    write(
        "sign-up",
        &sign_up::Page::new(frame, to("/sign-up"), sign_up::Typed::default(), Errors::none(), 8),
    )?;
    let stale = Frame { notice: Some(frame.t("kept-again")), ..frame.clone() };
    write("sign-up-again", &sign_up::Page::new(&stale, to("/sign-up"), typed(), Errors::none(), 8))?;
    write("sign-up-wrong", &sign_up::Page::new(frame, to("/sign-up"), typed(), errors, 8))?;
    write("setup", &setup::Page::new(frame, "dw_ml_x", sign_up::Typed::default(), Errors::none(), 8))?;
    for (name, sent) in [("check-mail", sign_up::Sent::Confirm), ("check-mail-reset", sign_up::Sent::Reset)] {
        write(
            name,
            &sign_up::CheckMailPage::new(frame, (sent, Duration::from_hours(1)), to(EMAIL), to("/sign-up")),
        )?;
    }
    let page = || verify::Page::new(frame, "/verify", "dw_ml_x", to(EMAIL));
    write("verify", &page())?;
    write("verify-elsewhere", &page().with_password(Errors::none()))?;
    write("verified", &verify::VerifiedPage { frame, onward: to("/account") })?;
    write("prove", &prove::Page::before(frame, to(EMAIL), to("/sign-in/mail"), to("/forgot")))?;
    write("prove-sent", &prove::Page::sent(frame, to(EMAIL), 60))?;
    write("prove-behind", &prove::Page::behind(frame, to(EMAIL), to("dw_ml_x")))?;
    write("forgot", &recover::ForgotPage::new(frame, to("/forgot"), "", Errors::none(), to("/sign-in")))?;
    write("reset", &recover::ResetPage::new(frame, ("dw_ml_x", to(EMAIL)), Errors::none(), 8))?;
    write("reset-done", &recover::DonePage { frame, onward: to("/account") })
}

fn applications_and_out(frame: &Frame, write: Write<'_>) -> io::Result<()> {
    let wish = |scope, description: &str| consent::Wish::of_scope(frame.text, scope, description);
    let page = consent::Page {
        frame,
        asker: orders(),
        is_verified: true,
        action: "/consent".to_owned(),
        session: "ses_0".to_owned(),
        email: EMAIL.to_owned(),
        organisation: None,
        joins: Vec::new(),
        wishes: vec![wish("openid", ""), wish("profile", ""), wish("email", "")],
        apis: Vec::new(),
        is_offline: false,
        links: vec![("consent-policy", "https://orders.example.com/privacy".to_owned())],
        returns_to: "orders.example.com".to_owned(),
        other: "/choose-account".to_owned(),
    };
    write("consent", &page)?;
    let page = consent::Page {
        asker: Asker {
            name: "Parcel Tracker Desktop".to_owned(),
            logo: None,
            publisher: Some("Analytical Engine Ltd".to_owned()),
        },
        is_verified: false,
        organisation: Some("Analytical Engine Ltd".to_owned()),
        wishes: vec![
            wish("openid", ""),
            wish("offline_access", ""),
            wish("orders:read", "Read orders and their history"),
            wish("orders:write", ""),
        ],
        apis: vec!["Orders API".to_owned()],
        is_offline: true,
        returns_to: "127.0.0.1 (this device)".to_owned(),
        ..page
    };
    write("consent-unverified", &page)?;
    let long = "Quarterly Reconciliation And Very Longwordwithoutanybreakthatgoesonandon Importer";
    let asker = Asker { name: long.to_owned(), logo: None, publisher: Some(format!("{long} Holding")) };
    let asked = Frame { asker: Some(asker.clone()), ..frame.clone() };
    let typed = "augusta.ada.king.countess.of.lovelace@mathematics.analytical-engine.example.org";
    let first = sign_in::IdentifierPage::new(&asked, "/sign-in".to_owned(), typed, Errors::none());
    write("sign-in-long", &first.sign_up("/sign-up".to_owned()))?;
    let page = consent::Page {
        asker,
        email: typed.to_owned(),
        organisation: Some(long.to_owned()),
        returns_to: "an.application.with.a.very.long.host.name.and.many.labels.example.com".to_owned(),
        ..page
    };
    write("consent-long", &page)?;
    let emails = vec![EMAIL.to_owned()];
    write("sign-out", &sign_out::ConfirmPage { frame, after: "", emails, stay: "/account".to_owned() })?;
    write("account-deleted", &sign_out::SignedOutPage { frame, is_deleted: true })?;
    write("signed-out", &sign_out::SignedOutPage { frame, is_deleted: false })?;
    let uri = "https://orders.example.com/cb".parse().map_err(io::Error::other)?;
    write("form-post", &form_post::Page::new(frame, &uri, &[("code", "dw_ac_x"), ("state", "s")]))?;
    for (name, code, path) in [
        ("error-client", Code::ClientUnknown, "/"),
        ("error-redirect", Code::RedirectUriUnregistered, "/"),
        ("error-request", Code::RequestInvalid, "/"),
        ("error-fault", Code::Unavailable, "/"),
        ("error-link", Code::LinkInvalid, "/verify"),
        ("error-cookies", Code::CookieMissing, "/sign-in"),
        ("error-draft", Code::DraftUnknown, "/"),
    ] {
        let refusal = Refusal::new(code).hint("The parameter client_id is missing");
        write(name, &error::Page::new(frame, &refusal, path, "4f1c2a9be07d4c53a1e6d1b5c0f3a7e2"))?;
    }
    Ok(())
}

fn place(name: &str, is_active: bool) -> Place {
    Place { id: "org_0".to_owned(), name: name.to_owned(), is_active, is_run: false }
}

fn account(frame: &Frame, write: Write<'_>) -> io::Result<()> {
    let now = Time::from_seconds(NOW);
    let ago = |seconds: i64| When::new(frame.text, Time::from_seconds(NOW - seconds), now);
    let house = |room, done: Option<Done>| House {
        frame,
        room,
        email: EMAIL.to_owned(),
        done: done.map(|done| done.sentence(frame.text)),
        warning: None,
        has_console: false,
        orgs: vec![place("Ada Lovelace", false), place("Analytical Engine Ltd", true)],
    };
    let rooms = house(Room::Profile, Some(Done::Profile));
    let facts = profile::Facts {
        typed: profile::Typed { name: "Ada Lovelace".to_owned(), ..profile::Typed::default() },
        is_verified: true,
        news_since: Some(ago(700_000)),
        picture: None,
    };
    write("account-profile", &profile::Page::new(&rooms, facts, "", Errors::none()))?;
    let warning = Some(frame.t("account-bootstrap-unused"));
    let rooms = House { warning, ..house(Room::Security, None) };
    let wrong = Errors::one("current_password", frame.t("password-wrong"));
    write("account-security", &security::Page::new(&rooms, wrong, 8))?;
    let session = |agent: &str, address: &str, seen, is_this| sessions::Session {
        id: "ses_0".to_owned(),
        device: sessions::Device::of(agent),
        address: address.to_owned(),
        seen: ago(seen),
        since: ago(seen + 400_000),
        is_this,
    };
    let list = vec![
        session("Linux Firefox/150", "192.0.2.7", 3, true),
        session("iPhone Safari/604", "2001:db8:85a3::8a2e:370:7334", 7_300, false),
        session("", "198.51.100.23", 700_000, false),
    ];
    let rooms = house(Room::Sessions, None);
    let application = sessions::Application {
        id: "grt_1".to_owned(),
        name: "Notes".to_owned(),
        device: "Ada\u{2019}s laptop".to_owned(),
        seen: ago(60),
        since: ago(400_000),
    };
    write("account-sessions", &sessions::Page::new(&rooms, list, vec![application]))?;
    let application = |name: &str, scopes: &[&str]| applications::Application {
        id: "cli_0".to_owned(),
        name: name.to_owned(),
        wishes: scopes.iter().map(|scope| consent::Wish::of_scope(frame.text, scope, "")).collect(),
        since: ago(8_000_000),
    };
    let list = vec![
        application("Orders", &["openid", "profile", "email"]),
        application("Parcel Tracker Desktop", &["openid", "offline_access", "orders:write"]),
    ];
    let rooms = house(Room::Applications, None);
    write("account-applications", &applications::Page::new(&rooms, list))?;
    write("account-applications-none", &applications::Page::new(&rooms, Vec::new()))?;
    let own = |name: &str, is_active| organizations::Own {
        place: place(name, is_active),
        role: frame.t("role-owner"),
        workspaces: vec!["Design (Editor)".to_owned()],
        is_personal: !is_active,
        logo: None,
        asks: false,
    };
    let open = organizations::Open {
        id: "inv_0".to_owned(),
        org: "Difference Works".to_owned(),
        role: frame.t("role-member"),
        until: ago(-500_000),
        logo: None,
    };
    let lists = (vec![own("Ada Lovelace", false), own("Analytical Engine Ltd", true)], None, vec![open]);
    let rooms = house(Room::Organizations, None);
    let page = organizations::Page::new(&rooms, lists, (Some(("", "")), Errors::none()));
    write("account-organizations", &page)?;
    let left = organizations::LeavePage::new(&rooms, place("Analytical Engine Ltd", true), Errors::none());
    write("account-organizations-leave", &left)?;
    write("account-data", &data::Page::new(&house(Room::Data, None), true, Errors::none()))
}
