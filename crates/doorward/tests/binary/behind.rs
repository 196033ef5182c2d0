//! An application that is a bare socket: it reads requests as strictly as RFC 9112 lets it, and remembers to
//! the byte what it could not read so.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// What the application got.
#[derive(Debug)]
pub(crate) enum Seen {
    /// One whole request.
    Whole(Met),
    /// The beginning of one on a connection that was then closed.
    Begun(String),
    /// What is no request.
    Odd(String),
}

/// A request as the application read it.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) target: String,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) struct Behind {
    pub(crate) address: SocketAddr,
    seen: Receiver<Seen>,
    is_over: Arc<AtomicBool>,
}

impl Behind {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let tell = tell.clone();
                thread::spawn(move || listen(stream, &tell));
            }
        });
        Self { address, seen, is_over }
    }

    /// All that it got, once whoever sent it has closed its connections.
    pub(crate) fn all(self) -> Vec<Seen> {
        self.is_over.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address).unwrap());
        self.seen.iter().collect()
    }
}

/// Answers each whole request, and none after one that cannot be read.
fn listen(mut stream: TcpStream, tell: &Sender<Seen>) {
    let (mut got, mut piece) = (Vec::new(), [0; 4096]);
    let mut is_odd = false;
    loop {
        while let Some(read) = Some(&got).filter(|_| !is_odd).and_then(|got| request(got).transpose()) {
            match read {
                Ok((met, length)) => {
                    got.drain(..length);
                    tell.send(Seen::Whole(met)).unwrap();
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                }
                Err(why) => {
                    tell.send(Seen::Odd(format!("{why}: {}", text(&got)))).unwrap();
                    is_odd = true;
                }
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(read) => got.extend(&piece[..read]),
        }
    }
    if !got.is_empty() && !is_odd {
        tell.send(Seen::Begun(text(&got))).unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first request in these bytes, with its length in them; nothing while it is not whole.
fn request(got: &[u8]) -> Result<Option<(Met, usize)>, &'static str> {
    let Some(end) = find(got, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&got[..end]).map_err(|_| "a head that is no text")?;
    let mut lines = head.split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [_, target, "HTTP/1.1"] = first[..] else { return Err("the first line") };
    let (mut length, mut is_chunked, mut hosts) = (None, false, 0);
    for line in lines {
        if line.bytes().any(|byte| byte < b' ' && byte != b'\t') {
            return Err("a control character");
        }
        let (name, value) = line.split_once(':').ok_or("a line without a name")?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err("a name that is none");
        }
        match (name.to_ascii_lowercase().as_str(), value.trim()) {
            ("content-length", value) if length.is_none() && value.bytes().all(|b| b.is_ascii_digit()) => {
                length = Some(value.parse::<usize>().map_err(|_| "a length that is none")?);
            }
            ("transfer-encoding", "chunked") if !is_chunked => is_chunked = true,
            ("content-length" | "transfer-encoding", _) => return Err("a body of two minds"),
            ("host", _) => hosts += 1,
            _ => {}
        }
    }
    if hosts != 1 || (is_chunked && length.is_some()) {
        return Err("hosts or lengths");
    }
    let rest = &got[end + 4..];
    let body = if is_chunked { chunks(rest)? } else { whole(rest, length.unwrap_or(0)) };
    let Some((body, taken)) = body else { return Ok(None) };
    let met = Met { target: target.to_owned(), head: head.to_ascii_lowercase(), body: text(&body) };
    Ok(Some((met, end + 4 + taken)))
}

type Taken = Option<(Vec<u8>, usize)>;

fn whole(rest: &[u8], length: usize) -> Taken {
    rest.get(..length).map(|body| (body.to_vec(), length))
}

/// Chunks without extensions, and no trailers: nothing else is expected of a proxy.
fn chunks(rest: &[u8]) -> Result<Taken, &'static str> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(end) = find(&rest[at..], b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&rest[at..at + end]).map_err(|_| "a size that is no text")?;
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("a size that is none");
        }
        let size = usize::from_str_radix(size, 16).map_err(|_| "a size that is none")?;
        at += end + 2;
        let Some(chunk) = rest.get(at..at + size + 2) else { return Ok(None) };
        if !chunk.ends_with(b"\r\n") {
            return Err(if size == 0 { "trailers" } else { "a chunk without an end" });
        }
        body.extend(&chunk[..size]);
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
