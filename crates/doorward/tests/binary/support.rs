//! The real binary in a folder of its own, on free ports, gone when the test ends.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// The program with an empty environment and `folder` as the working directory.
pub(crate) fn doorward(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(args).current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// What a command that ends by itself has said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<serde_json::Value>,
    pub(crate) address: String,
    pub(crate) folder: PathBuf,
}

impl Server {
    /// Starts one on a free port and waits until it listens.
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
        all.extend(args);
        Self::spawn(folder, &mut doorward(folder, &all))
    }

    /// Starts `command` and waits until it listens.
    pub(crate) fn spawn(folder: &Path, command: &mut Command) -> Self {
        Self::spawn_after(folder, command, "listening")
    }

    /// Starts `command` and takes the address from the log line `message`.
    pub(crate) fn spawn_after(folder: &Path, command: &mut Command, message: &str) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let err = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                let _ = send.send(serde_json::from_str(&line).unwrap_or(serde_json::Value::String(line)));
            }
        });
        let mut server = Self { child, lines, address: String::new(), folder: folder.to_owned() };
        let line = server.wait_for(message);
        line["address"].as_str().unwrap().clone_into(&mut server.address);
        server
    }

    /// The next log line with that message.
    pub(crate) fn wait_for(&self, message: &str) -> serde_json::Value {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(20)) {
                Ok(line) if line["message"] == message => return line,
                Ok(line) => seen.push(line.to_string()),
                Err(error) => panic!("{error}: no line `{message}`; there was:\n{}", seen.join("\n")),
            }
        }
    }

    /// Asks it to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
    }

    /// Waits for its end; answers what it wrote on standard output.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap(), out)
    }

    /// Stops it and answers what it wrote on standard output.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        self.terminate();
        self.end()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(&self, head: &str, body: &str) -> Answer {
        exchange(self.connect(), head, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n"), "")
    }

    /// One request through the administration socket.
    pub(crate) fn ask_socket(&self, head: &str, body: &str) -> Answer {
        exchange(UnixStream::connect(self.folder.join("doorward-data/admin.sock")).unwrap(), head, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    /// The cookies it set, as the next request sends them.
    pub(crate) cookies: String,
    /// Where it leads to.
    pub(crate) location: Option<String>,
}

fn exchange<S: std::io::Read + std::io::Write>(mut stream: S, head: &str, body: &str) -> Answer {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    stream.write_all(format!("{head}connection: close\r\n{length}\r\n{body}").as_bytes()).unwrap();
    read_answer(&mut stream)
}

/// Reads an answer to the end of the connection.
pub(crate) fn read_answer(stream: &mut impl std::io::Read) -> Answer {
    let mut text = Vec::new();
    // A server that refuses early may reset the rest of the request.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let set = head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let cookies: Vec<&str> = set.filter_map(|cookie| cookie.split(';').next()).collect();
    let cookies = cookies.join("; ");
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned(), cookies, location }
}
