//! Sends the vectors of the conformance kit to an adapter over HTTP, in whatever language it is written, and says
//! which it passed:
//!
//! - `cargo run -p doorward-sdk --example conformance -- FILE… -- COMMAND…` starts the command once for each file,
//!   with the file as its last argument, and asks at the address that it prints as its first line.
//! - `cargo run -p doorward-sdk --example conformance -- --url http://127.0.0.1:9000 FILE` asks a server that
//!   somebody else has put up, configured as that file says.

use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::IpAddr,
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use bytes::Bytes;
use doorward_sdk::conformance::{Answer, Door, Sent, Suite};
use http::{HeaderValue, Request, Uri, header::HOST, uri::Scheme};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "Usage: conformance --url URL FILE\n       conformance FILE… -- COMMAND…\n";
/// An adapter that has not answered by then has not answered.
const TIME: Duration = Duration::from_secs(10);
/// No longer answer is read.
const MOST: usize = 1024 * 1024;

/// Whoever is asked.
enum Adapter {
    /// It is up.
    At(String),
    /// It is started for each file.
    Started(Vec<String>),
}

/// An adapter that runs, until this is dropped.
struct Running {
    /// Host and port.
    place: String,
    child: Option<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some((adapter, files)) = arguments(env::args().skip(1).collect()) else {
        let _ = io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    match run(&adapter, &files).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut args: Vec<String>) -> Option<(Adapter, Vec<String>)> {
    match args.iter().position(|arg| arg == "--") {
        Some(place) => {
            let command = args.split_off(place).into_iter().skip(1).collect::<Vec<_>>();
            (!command.is_empty() && !args.is_empty()).then_some((Adapter::Started(command), args))
        }
        None => match <[String; 3]>::try_from(args) {
            Ok([option, url, file]) if option == "--url" => Some((Adapter::At(url), vec![file])),
            _ => None,
        },
    }
}

/// Asks everything, and says what came of it. Whether all of it was right.
async fn run(adapter: &Adapter, files: &[String]) -> Outcome<bool> {
    let (mut right, mut all) = (0, 0);
    for file in files {
        let suite = Suite::read(&fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?);
        let suite = suite.map_err(|error| format!("{file}: {error}"))?;
        let running = start(adapter, file)?;
        let (mut passed, mut asked, mut told) = (0, 0, Vec::new());
        for (case, request) in suite.requests(Door::Layer)? {
            // A test on one machine cannot choose where it comes from.
            if case.request.address != IpAddr::from(Sent::SOMEWHERE) {
                told.push(format!("  left out: {}: it comes from {}", case.name, case.request.address));
                continue;
            }
            asked += 1;
            let wrong = match tokio::time::timeout(TIME, ask(&running.place, request)).await {
                Ok(Ok(answer)) => case.differences(&answer, suite.errors),
                Ok(Err(error)) => vec![format!("no answer: {error}")],
                Err(_) => vec!["no answer in time".to_owned()],
            };
            passed += usize::from(wrong.is_empty());
            told.extend(wrong.iter().map(|wrong| format!("  failed: {}: {wrong}", case.name)));
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{file}: {passed} of {asked} passed")?;
        told.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        (right, all) = (right + passed, all + asked);
    }
    writeln!(io::stdout(), "{right} passed, {} failed", all - right)?;
    Ok(right == all && all > 0)
}

/// The adapter, configured as the file says.
fn start(adapter: &Adapter, file: &str) -> Outcome<Running> {
    let (url, child) = match adapter {
        Adapter::At(url) => (url.clone(), None),
        Adapter::Started(words) => {
            let mut words = words.iter();
            let mut command = Command::new(words.next().ok_or("no command")?);
            command.args(words).arg(file).stdin(Stdio::null()).stdout(Stdio::piped());
            let mut child = command.spawn()?;
            let mut line = String::new();
            BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
            (line.trim().to_owned(), Some(child))
        }
    };
    // From here on whatever goes wrong ends the child.
    let mut running = Running { place: String::new(), child };
    let uri: Uri = url.parse().map_err(|_| format!("{url:?} is no address of an adapter"))?;
    let place = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP));
    let place = place.ok_or_else(|| format!("{url:?} is not like http://127.0.0.1:9000"))?;
    running.place = format!("{}:{}", place.host(), place.port_u16().unwrap_or(80));
    Ok(running)
}

/// One request on a connection of its own, its target as it is written.
async fn ask(place: &str, request: Request<()>) -> Outcome<Answer> {
    let stream = TcpStream::connect(place).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; what went wrong in it, the sender tells.
    let connection = tokio::spawn(connection);
    let mut request = request.map(|()| Empty::<Bytes>::new());
    if !request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, HeaderValue::from_str(place)?);
    }
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, MOST).collect().await.map_err(|error| error.to_string())?.to_bytes();
    connection.abort();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_vec() })
}
