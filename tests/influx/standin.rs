//! A stand-in for `InfluxDB` 2: it keeps the lines it takes and answers the queries that are put to it, and misbehaves
//! as a script says. No such server can be had from the packages of the test command; what it answers is from the
//! documentation of the server's API.

use flate2::read::GzDecoder;
use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

/// What happens to the next write.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers this and takes nothing.
    Answer(u16, &'static str),
    /// The same, with a time to be left alone, s; until it is over, nothing is taken.
    Rest(u16, u64),
    /// Says nothing for that long.
    Hang(Duration),
    /// Takes it after that long.
    TakesItsTime(Duration),
    /// Takes it, then goes away in the middle of the answer.
    HalfClosed,
    /// Takes the first half of the lines and says 422.
    Partial,
}

/// A point: measurement, session, device, field → value, at a time.
type Points = BTreeMap<(String, String, String), BTreeMap<(i64, String), String>>;

#[derive(Debug, Default)]
pub struct State {
    /// What comes next; then everything is taken.
    pub script: VecDeque<Act>,
    /// Whether packed bodies are refused.
    pub no_gzip: bool,
    /// The token that is wanted.
    pub token: Option<String>,
    /// No such bucket.
    pub no_bucket: bool,
    /// Refuses bodies of more lines than this.
    pub most_lines: Option<usize>,
    /// Refuses bodies with a line that has this in it.
    pub hated: Option<String>,
    /// How long the bucket keeps points, s.
    pub keeps_s: u64,
    /// Answers to queries are cut after so many bytes.
    pub cut: Option<usize>,
    pub points: Points,
    /// Requests, for the tests to look at.
    pub seen: Vec<String>,
    resting: Option<Instant>,
    /// Writes that came while it asked to be left alone.
    pub disturbed: usize,
    pub packed: usize,
}

/// The server; it ends with the test.
pub struct StandIn {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

struct Request {
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let target = format!("{} {}", words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |l| l.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        target,
        headers,
        body,
    })
}

fn serve(stream: &TcpStream, shared: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = request(&mut reader) {
        let mut state = shared.lock().unwrap();
        state.seen.push(request.target.clone());
        if let Some(token) = &state.token
            && request.headers.get("authorization") != Some(&format!("Token {token}"))
        {
            drop(state);
            answer(
                stream,
                401,
                "",
                r#"{"code":"unauthorized","message":"unauthorized access"}"#,
            );
            continue;
        }
        let (status, headers, body) = match request.target.split('?').next().unwrap() {
            "GET /health" => (
                200,
                String::new(),
                r#"{"name":"influxdb","status":"pass"}"#.to_owned(),
            ),
            "GET /api/v2/buckets" => buckets(&state),
            "POST /api/v2/query" => (200, String::new(), query(&state, &request.body)),
            "POST /api/v2/delete" => delete(&mut state, &request.body),
            "POST /api/v2/write" => {
                let left = state.resting.map_or(Duration::ZERO, |until| {
                    until.saturating_duration_since(Instant::now())
                });
                if left.is_zero() {
                    match write(&mut state, &request) {
                        Written::Answer(answer) => answer,
                        Written::Hang(time) => {
                            drop(state);
                            thread::sleep(time);
                            return;
                        }
                        Written::Later(time, lines) => {
                            drop(state);
                            thread::sleep(time);
                            state = shared.lock().unwrap();
                            take(&mut state, &lines.lines().collect::<Vec<_>>());
                            (204, String::new(), String::new())
                        }
                        Written::HalfClosed => {
                            let _ = (&*stream).write_all(b"HTTP/1.1 204 No Con");
                            return;
                        }
                    }
                } else {
                    // An empty write asks how long, it brings nothing.
                    state.disturbed += usize::from(!request.body.is_empty());
                    let seconds = left.as_secs() + 1;
                    (429, format!("Retry-After: {seconds}\r\n"), String::new())
                }
            }
            other => panic!("nobody should ask {other}"),
        };
        drop(state);
        answer(stream, status, &headers, &body);
    }
}

fn answer(mut stream: &TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    let _ = stream.write_all(text.as_bytes());
}

enum Written {
    Answer((u16, String, String)),
    Hang(Duration),
    /// These lines, taken after that long.
    Later(Duration, String),
    HalfClosed,
}

fn write(state: &mut State, request: &Request) -> Written {
    let said = |status, body: &str| Written::Answer((status, String::new(), body.to_owned()));
    let packed = request
        .headers
        .get("content-encoding")
        .is_some_and(|e| e == "gzip");
    if packed && state.no_gzip {
        return said(
            400,
            r#"{"code":"invalid","message":"unable to parse: bad magic"}"#,
        );
    }
    let mut text = String::new();
    if packed {
        state.packed += 1;
        GzDecoder::new(&request.body[..])
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text = String::from_utf8(request.body.clone()).unwrap();
    }
    if text.is_empty() {
        return said(204, "");
    }
    if state.no_bucket {
        return said(
            404,
            r#"{"code":"not found","message":"bucket \"gym\" not found"}"#,
        );
    }
    let lines: Vec<&str> = text.lines().collect();
    if state.most_lines.is_some_and(|most| lines.len() > most) {
        return said(413, r#"{"code":"request too large","message":"too large"}"#);
    }
    if let Some(hated) = &state.hated
        && text.contains(hated.as_str())
    {
        return said(
            422,
            r#"{"code":"unprocessable entity","message":"partial write: field type conflict"}"#,
        );
    }
    match state.script.pop_front() {
        None => take(state, &lines),
        Some(Act::Answer(status, body)) => return said(status, body),
        Some(Act::Rest(status, seconds)) => {
            state.resting = Some(Instant::now() + Duration::from_secs(seconds));
            let headers = format!("Retry-After: {seconds}\r\n");
            return Written::Answer((status, headers, String::new()));
        }
        Some(Act::Hang(time)) => return Written::Hang(time),
        Some(Act::TakesItsTime(time)) => return Written::Later(time, text),
        Some(Act::HalfClosed) => {
            take(state, &lines);
            return Written::HalfClosed;
        }
        Some(Act::Partial) => {
            take(state, &lines[..lines.len() / 2]);
            return said(
                422,
                r#"{"message":"partial write: points beyond retention policy"}"#,
            );
        }
    }
    said(204, "")
}

/// Keeps lines; the same point again overwrites it.
fn take(state: &mut State, lines: &[&str]) {
    for line in lines {
        let [head, fields, stamp]: [&str; 3] =
            line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        let mut parts = head.split(',');
        let measurement = parts.next().unwrap().to_owned();
        let tags: BTreeMap<&str, &str> = parts.map(|t| t.split_once('=').unwrap()).collect();
        let key = (
            measurement,
            tags["session"].to_owned(),
            tags["device"].to_owned(),
        );
        let series = state.points.entry(key).or_default();
        for field in fields.split(',') {
            let (name, value) = field.split_once('=').unwrap();
            let value = value.strip_suffix('i').unwrap_or(value);
            series.insert((stamp.parse().unwrap(), name.to_owned()), value.to_owned());
        }
    }
}

fn buckets(state: &State) -> (u16, String, String) {
    if state.no_bucket {
        return (200, String::new(), r#"{"buckets":[]}"#.to_owned());
    }
    let body = format!(
        r#"{{"buckets":[{{"name":"gym","retentionRules":[{{"type":"expire","everySeconds":{}}}]}}]}}"#,
        state.keeps_s
    );
    (200, String::new(), body)
}

/// The text between the two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let from = text
        .find(before)
        .unwrap_or_else(|| panic!("{before} in {text}"))
        + before.len();
    let rest = &text[from..];
    &rest[..rest.find(after).unwrap()]
}

/// Annotated CSV as the server writes it: a table for each field, types in between.
fn query(state: &State, flux: &[u8]) -> String {
    use std::fmt::Write;
    let flux = std::str::from_utf8(flux).unwrap();
    assert!(flux.starts_with("from(bucket: \"gym\")"), "{flux}");
    let start: i64 = between(flux, "start: time(v: ", ")").parse().unwrap();
    let stop: i64 = between(flux, "stop: time(v: ", ")").parse().unwrap();
    let key = (
        between(flux, "r._measurement == \"", "\"").to_owned(),
        between(flux, "r.session == \"", "\"").to_owned(),
        between(flux, "r.device == \"", "\"").to_owned(),
    );
    let mut tables: BTreeMap<&str, Vec<(i64, &str)>> = BTreeMap::new();
    for ((stamp, field), value) in state.points.get(&key).into_iter().flatten() {
        if (start..stop).contains(&(stamp * 1_000_000)) {
            tables.entry(field).or_default().push((*stamp, value));
        }
    }
    let mut out = String::new();
    for (i, (field, rows)) in tables.iter().enumerate() {
        let whole = matches!(*field, "sequence" | "t_ns" | "quality" | "negative_zero");
        let kind = if whole { "long" } else { "double" };
        let _ = write!(
            out,
            "#datatype,string,long,dateTime:RFC3339,string,{kind}\r\n#group,false,false,false,true,false\r\n"
        );
        out += "#default,_result,,,,\r\n,result,table,_time,_field,_value\r\n";
        for (stamp, value) in rows {
            let time = jiff::Timestamp::from_millisecond(*stamp).unwrap();
            let _ = write!(out, ",,{i},{time},{field},{value}\r\n");
        }
        out += "\r\n";
    }
    out.truncate(state.cut.unwrap_or(out.len()).min(out.len()));
    out
}

fn delete(state: &mut State, body: &[u8]) -> (u16, String, String) {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let session = between(body["predicate"].as_str().unwrap(), "session=\"", "\"").to_owned();
    state.points.retain(|key, _| key.1 != session);
    (204, String::new(), String::new())
}
