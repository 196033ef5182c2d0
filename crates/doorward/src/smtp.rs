//! Hands mails to a mail server (RFC 5321), for the outbox of `core::mail`.
//!
//! `smtps://` is TLS from the first byte; `smtp://` is upgraded by STARTTLS, and a server that does not
//! offer it is refused, so that neither a password nor a link travels in the clear. Only on loopback may
//! the upgrade be missing. `?tls=none` allows it elsewhere and is named for what it does; `?ca=FILE`
//! trusts one more authority. The server's certificate is always checked. Nothing here decides whether
//! or when a mail is tried again.

use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use doorward_core::{
    branding::Picture,
    mail::{LOGO, OutgoingMail, SendFailure, Transport},
};
use doorward_proto::secret::SecretText;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use url::{Host, Url};

const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECTIONS: u32 = 4;
/// The recipient will never take the mail: no such mailbox, moved, not a valid name.
const REFUSED_RECIPIENT: [u16; 3] = [550, 551, 553];

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// What `mail.url` says.
struct Server {
    host: String,
    port: Option<u16>,
    credentials: Option<Credentials>,
    protection: Protection,
    authority: Option<Certificate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, or no mail.
    StartTls,
    /// STARTTLS where the server offers it.
    IfOffered,
    /// None at all.
    Nothing,
}

/// A transport for the server that `url` names; `issuer` gives message ids their domain.
///
/// # Errors
/// When the address cannot be used: another scheme, an unknown option, a sender that is no mailbox.
pub fn transport(url: &SecretText, from: &str, issuer: &str) -> Result<Transport> {
    check_sender(from)?;
    let smtp = connect(Server::read(url)?)?;
    let domain = Url::parse(issuer)?.host_str().unwrap_or("localhost").to_owned();
    let domain: Arc<str> = Arc::from(domain);
    Ok(Arc::new(move |mail| {
        let (smtp, domain) = (smtp.clone(), Arc::clone(&domain));
        Box::pin(async move { send(&smtp, &domain, mail).await })
    }))
}

/// Whether mails can be sent from here.
///
/// # Errors
/// When it is not a mailbox.
pub fn check_sender(from: &str) -> Result<()> {
    let _: Mailbox =
        from.parse().with_context(|| format!("`{from}` is not a mailbox; write Name <name@example.com>"))?;
    Ok(())
}

/// Whether `mail.url` names a server that mails can be handed to.
///
/// # Errors
/// When it does not.
pub fn check(url: &SecretText) -> Result<()> {
    Server::read(url).map(drop)
}

impl Server {
    fn read(url: &SecretText) -> Result<Self> {
        // The address holds a password: it is not repeated in errors.
        let url = Url::parse(url.expose()).context("mail.url is not an address")?;
        let host = url.host().context("mail.url names no host")?;
        let is_loopback = match &host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            // `url` knows IPv4 addresses only under the schemes of the web.
            Host::Domain(name) => {
                *name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        };
        let mut protection = match url.scheme() {
            "smtps" => Protection::Tls,
            "smtp" if is_loopback => Protection::IfOffered,
            "smtp" => Protection::StartTls,
            other => bail!("mail.url begins with smtp:// or smtps://, not {other}://"),
        };
        let mut authority = None;
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("tls", "none") if url.scheme() == "smtp" => protection = Protection::Nothing,
                ("tls", "required") if url.scheme() == "smtp" => protection = Protection::StartTls,
                ("ca", file) => authority = Some(read_authority(Path::new(file))?),
                (other, _) => bail!("mail.url has an option that is not known: {other}"),
            }
        }
        let credentials = credentials(&url)?;
        ensure!(
            credentials.is_none() || is_loopback || protection != Protection::Nothing,
            "mail.url would send its password in the clear"
        );
        let host = host.to_string().trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: url.port(), credentials, protection, authority })
    }
}

fn read_authority(file: &Path) -> Result<Certificate> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Certificate::from_pem(&pem).with_context(|| format!("{} is not a certificate", file.display()))
}

fn credentials(url: &Url) -> Result<Option<Credentials>> {
    let decoded = |text: &str| -> Result<String> {
        let pair = format!("x={}", text.replace('+', "%2B"));
        let value = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
        value.context("the user or password in mail.url cannot be read")
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() => {
            Ok(Some(Credentials::new(decoded(user)?, decoded(password)?)))
        }
        _ => bail!("mail.url needs both a user and a password, or neither"),
    }
}

fn connect(server: Server) -> Result<Smtp> {
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(authority) = server.authority {
        parameters = parameters.add_root_certificate(authority);
    }
    let parameters = parameters.build_rustls().context("TLS for mail cannot be set up")?;
    let (tls, port) = match server.protection {
        Protection::Tls => (Tls::Wrapper(parameters), 465),
        Protection::StartTls => (Tls::Required(parameters), 587),
        Protection::IfOffered => (Tls::Opportunistic(parameters), 25),
        Protection::Nothing => (Tls::None, 25),
    };
    let mut builder = Smtp::builder_dangerous(server.host)
        .port(server.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(TIMEOUT))
        .pool_config(PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(60)));
    if let Some(credentials) = server.credentials {
        builder = builder.credentials(credentials);
    }
    Ok(builder.build())
}

async fn send(smtp: &Smtp, domain: &str, mail: OutgoingMail) -> std::result::Result<(), SendFailure> {
    let message = write(domain, mail)
        .map_err(|error| SendFailure { is_final: true, why: format!("the mail is malformed: {error:#}") })?;
    match smtp.send(message).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let code = error.status().map(u16::from);
            let is_final = code.is_some_and(|code| REFUSED_RECIPIENT.contains(&code));
            Err(SendFailure { is_final, why: format!("{:#}", anyhow::Error::from(error)) })
        }
    }
}

fn write(domain: &str, mail: OutgoingMail) -> Result<Message> {
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let more = mail
        .headers
        .into_iter()
        .map(|(name, value)| HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    let builder = Message::builder()
        .from(mail.from.parse()?)
        .to(Mailbox::new(None, mail.to.parse()?))
        .subject(mail.subject)
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        // RFC 3834: no vacation notices, please.
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(more
        .fold(builder, lettre::message::MessageBuilder::raw_header)
        .multipart(body(mail.text, mail.html, mail.logo)?)?)
}

/// Text and HTML; a logo travels beside the HTML (RFC 2387), so that nothing is loaded when it is read.
fn body(text: String, html: String, logo: Option<Picture>) -> Result<MultiPart> {
    let Some(logo) = logo else { return Ok(MultiPart::alternative_plain_html(text, html)) };
    let kind = ContentType::parse(logo.format.media_type()).context("the kind of a logo")?;
    let picture = Attachment::new_inline(LOGO.to_owned()).body(logo.bytes, kind);
    let related = MultiPart::related().singlepart(SinglePart::html(html)).singlepart(picture);
    Ok(MultiPart::alternative().singlepart(SinglePart::plain(text)).multipart(related))
}

#[cfg(test)]
mod tests;
