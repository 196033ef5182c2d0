//! One keep-alive HTTP/1.1 connection.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::plan::Plan;

/// The media type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

/// A request that is sent again and again.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Template {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    pub(super) fn form(path: &str, fields: &[(&str, &str)]) -> Result<Self> {
        let body = Bytes::from(serde_urlencoded::to_string(fields)?);
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(FORM))];
        Ok(Self { method: Method::POST, path: path.to_owned(), headers, body })
    }

    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Result<Self> {
        self.headers.push((name, HeaderValue::try_from(value)?));
        Ok(self)
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Connection {
    pub(crate) async fn open(plan: &Plan) -> Result<Self> {
        Self::to(plan.address, &plan.origin).await
    }

    pub(crate) async fn to(address: std::net::SocketAddr, origin: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // How it ends shows at the next request.
        tokio::task::spawn_local(connection);
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        Ok(Self { sender, host: HeaderValue::try_from(host)? })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(&Template::get(path)).await
    }

    pub(crate) async fn send(&mut self, template: &Template) -> Result<Answer> {
        let mut request = Request::new(Full::new(template.body.clone()));
        *request.method_mut() = template.method.clone();
        *request.uri_mut() = template.path.parse()?;
        request.headers_mut().insert(HOST, self.host.clone());
        for (name, value) in &template.headers {
            // The host of an application behind takes the place of the server's own.
            if name == HOST {
                request.headers_mut().insert(name, value.clone());
            } else {
                request.headers_mut().append(name, value.clone());
            }
        }
        self.request(request).await.with_context(|| format!("{} {}", template.method, template.path))
    }

    /// Sends JSON to a management API.
    pub(crate) async fn post_json(
        &mut self,
        path: &str,
        bearer: &str,
        body: &serde_json::Value,
    ) -> Result<Answer> {
        let mut template = Template::get(path)
            .with(CONTENT_TYPE, "application/json")?
            .with(hyper::header::AUTHORIZATION, &format!("Bearer {bearer}"))?;
        template.method = Method::POST;
        template.body = Bytes::from(serde_json::to_vec(body)?);
        self.send(&template).await
    }

    async fn request(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Answer {
    pub(crate) fn expect_ok(&self) -> Result<()> {
        if self.status == StatusCode::OK { Ok(()) } else { bail!("{}", self.describe()) }
    }

    pub(super) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).with_context(|| self.describe())
    }

    /// The answer for an error message: its status, where it leads, how its body begins.
    pub(crate) fn describe(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let begin: String = body.chars().take(300).collect();
        format!("answered {} {} {begin}", self.status.as_u16(), self.location().unwrap_or_default())
    }
}
