//! The requests: every one has a time limit, and none keeps more of the server's words than a sentence.
//!
//! Writing and asking for the bucket go through `influxdb2`. Reading does not (it panics on an empty value), nor does
//! removing. The crate does not pass on how long a busy server asks to be left alone: an empty write asks again.

use super::{
    Target,
    answer::{self, Answer, Trouble, words},
    columns::Columns,
    fitness::{Fitness, Keeps, keeps},
};
use crate::model::sample::{Sample, StreamId};
use flate2::{Compression, write::GzEncoder};
use influxdb2::{
    Client, ClientBuilder, RequestError,
    api::{buckets::ListBucketsRequest, write::TimestampPrecision},
    models::RetentionRule,
};
use reqwest::{
    Certificate, RequestBuilder, Response, Url,
    header::{self, HeaderMap, HeaderValue},
};
use std::{
    fs,
    future::Future,
    io::Write,
    path::{self, PathBuf},
    thread,
    time::{Duration, SystemTime},
};
use tokio::runtime::{Builder, Runtime};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for an answer.
const REQUEST: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a query: a minute of one stream.
const QUERY: Duration = Duration::from_secs(60);
/// Packed to more than this part of its size, a body is not worth unpacking.
const WORTH_PACKING_PERCENT: usize = 80;
/// The times that a point can have.
const ALWAYS: (&str, &str) = ("1677-09-22T00:00:00Z", "2262-04-11T00:00:00Z");
/// Longest time that a server may ask to be left alone and is.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// Times of a first and a last point, both included, ms since 1970.
pub type Span = (i64, i64);

/// Why a server cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InfluxError {
    /// A file or address of the configuration.
    #[error("{0}")]
    Settings(String),
    /// It does not serve.
    #[error("{at}: {trouble}")]
    Trouble {
        /// Where.
        at: String,
        /// What.
        trouble: Trouble,
    },
    /// What it gave back is not what was asked for.
    #[error("{at}: it gave back something else: {why}")]
    Answer {
        /// Where.
        at: String,
        /// What.
        why: String,
    },
}

impl InfluxError {
    /// It does not answer at all.
    fn is_silence(&self) -> bool {
        let trouble = match self {
            Self::Trouble { trouble, .. } => Some(trouble),
            _ => None,
        };
        matches!(trouble, Some(Trouble::Silent(_) | Trouble::Unreached(_)))
    }
}

/// What answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Flux, buckets, deletion by predicate.
    Influx,
    /// Line protocol in; what is there comes back as an export, and goes by its selectors.
    VictoriaMetrics,
}

/// The server of a [`Target`]. Calls block, wherever they are made.
#[derive(Debug)]
pub struct Server {
    target: Target,
    token: Option<HeaderValue>,
    /// Until it is dropped.
    runtime: Option<Runtime>,
    http: reqwest::Client,
    plain: Client,
    packed: Client,
    /// It refused packed bodies and takes plain ones.
    no_gzip: bool,
    dialect: Option<Dialect>,
}

/// The address, if it is one of a server.
pub(super) fn base(url: &str) -> Result<Url, String> {
    let expected = || format!("expected http://host:8086 or https://host, not {url:?}");
    let base = Url::parse(url).map_err(|_| expected())?;
    let good = matches!(base.scheme(), "http" | "https")
        && base.host().is_some()
        && base.path() == "/"
        && base.query().is_none();
    good.then_some(base).ok_or_else(expected)
}

impl Server {
    /// Gets ready; nothing is sent.
    ///
    /// # Errors
    /// The address, the file of the token or of the certificates.
    pub fn open(target: &Target) -> Result<Self, InfluxError> {
        let url = base(&target.url).map_err(InfluxError::Settings)?;
        let token = token(target)?;
        let trusted = trusted(target)?;
        let client = |headers: HeaderMap| {
            let mut builder = reqwest::Client::builder()
                // The way to a server in this house does not lead over the one to the internet.
                .no_proxy()
                .connect_timeout(CONNECT)
                .timeout(REQUEST)
                .default_headers(headers);
            for certificate in &trusted {
                builder = builder.add_root_certificate(certificate.clone());
            }
            builder
        };
        let failed = |e: &dyn std::fmt::Display| InfluxError::Settings(format!("get ready: {e}"));
        let crates = |headers| {
            let word = token.as_ref().and_then(|t| t.to_str().ok());
            let word = word
                .and_then(|t| t.strip_prefix("Token "))
                .unwrap_or_default();
            ClientBuilder::with_builder(client(headers), url.as_str(), &target.org, word)
                .build()
                .map_err(|e| failed(&e))
        };
        let gzip = HeaderValue::from_static("gzip");
        let absolute = |path: &PathBuf| path::absolute(path).unwrap_or_else(|_| path.clone());
        Ok(Self {
            // The store remembers it for programs that are started elsewhere.
            target: Target {
                token_file: target.token_file.as_ref().map(absolute),
                ca: target.ca.as_ref().map(absolute),
                ..target.clone()
            },
            runtime: Some(
                Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|e| failed(&e))?,
            ),
            http: client(HeaderMap::new()).build().map_err(|e| failed(&e))?,
            plain: crates(HeaderMap::new())?,
            packed: crates(HeaderMap::from_iter([(header::CONTENT_ENCODING, gzip)]))?,
            token,
            no_gzip: false,
            dialect: None,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Writes lines, packed where that helps and the server takes it.
    pub fn write(&mut self, lines: &str) -> Answer {
        if !self.no_gzip
            && let Some(packed) = pack(lines)
        {
            let answer = self.send(&self.packed, packed);
            let Answer::Refused { .. } = answer else {
                return answer;
            };
            // Perhaps it is the packing.
            let answer = self.send(&self.plain, lines.into());
            self.no_gzip = answer == Answer::Taken;
            return answer;
        }
        self.send(&self.plain, lines.into())
    }

    /// How long a busy server asks to be left alone: the crate does not pass it on, so an empty write asks for it.
    pub fn rest(&self, now: SystemTime) -> Option<Duration> {
        let url = self.url("/api/v2/write");
        let request = self.http.post(url).query(&[
            ("bucket", self.target.bucket.as_str()),
            ("org", &self.target.org),
            ("precision", "ms"),
        ]);
        let request = self.allowed(request);
        let response = self.wait(async { request.send().await }).ok()?;
        let said = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
        let asked = answer::rest(said, now)?;
        Some(asked.min(LONGEST_REST))
    }

    fn send(&self, client: &Client, body: Vec<u8>) -> Answer {
        let Target { org, bucket, .. } = &self.target;
        let precision = TimestampPrecision::Milliseconds;
        let sent = client.write_line_protocol_with_precision(org, bucket, body, precision);
        match self.wait(sent) {
            Ok(()) => Answer::Taken,
            Err(RequestError::Http { status, text }) => answer::judge(status.as_u16(), &text),
            Err(e) => Answer::Later(silent(&e)),
        }
    }

    /// Whether samples can be kept there.
    ///
    /// # Errors
    /// One sentence for a person.
    pub fn check(&mut self) -> Result<Fitness, InfluxError> {
        let dialect = self.dialect()?;
        let keeps = match dialect {
            Dialect::VictoriaMetrics => {
                match self.text(self.http.get(self.url("/metrics")), REQUEST) {
                    Ok(said) => keeps(&said),
                    Err(e) if e.is_silence() => return Err(e),
                    // It may not tell everybody.
                    Err(_) => Keeps::Unknown,
                }
            }
            Dialect::Influx => self.bucket()?.map_or(Keeps::Always, Keeps::For),
        };
        Ok(Fitness { dialect, keeps })
    }

    /// How long the bucket keeps points, s.
    fn bucket(&self) -> Result<Option<u64>, InfluxError> {
        let asked = ListBucketsRequest {
            name: Some(self.target.bucket.clone()),
            org: Some(self.target.org.clone()),
            ..ListBucketsRequest::default()
        };
        let buckets = match self.wait(self.plain.list_buckets(Some(asked))) {
            Ok(found) => found.buckets,
            Err(RequestError::Http { status, text }) => {
                return Err(match answer::judge(status.as_u16(), &text) {
                    Answer::Later(trouble) => self.trouble(trouble),
                    Answer::Refused { why } => self.strange(why),
                    Answer::Taken => self.strange("an error that is none".to_owned()),
                });
            }
            Err(e) => return Err(self.trouble(silent(&e))),
        };
        let ours = buckets.into_iter().find(|b| b.name == self.target.bucket);
        let Some(bucket) = ours else {
            let why = "no bucket of that name can be seen with this token".to_owned();
            return Err(self.trouble(Trouble::Bucket(why)));
        };
        let rules = bucket.retention_rules.iter();
        let seconds = rules.filter_map(|RetentionRule { every_seconds, .. }| {
            u64::try_from(*every_seconds).ok().filter(|s| *s > 0)
        });
        Ok(seconds.min())
    }

    /// Samples of a stream whose points lie in a span.
    ///
    /// # Errors
    /// It does not answer, or with something else.
    pub fn read(
        &mut self,
        session: &str,
        stream: StreamId,
        (from_ms, to_ms): Span,
    ) -> Result<Vec<(u64, Sample)>, InfluxError> {
        let measurement = stream.kind.as_str();
        let device = stream.device.0;
        let columns = match self.dialect()? {
            Dialect::Influx => {
                let flux = format!(
                    "from(bucket: {bucket})\n  |> range(start: time(v: {from_ms}000000), stop: time(v: {to}000000))\n  \
                     |> filter(fn: (r) => r._measurement == {measurement:?} and r.session == {session} and \
                     r.device == \"{device}\")\n  |> keep(columns: [\"_time\", \"_field\", \"_value\"])\n",
                    bucket = quoted(&self.target.bucket),
                    session = quoted(session),
                    // What is at the stop is not in the range.
                    to = to_ms.saturating_add(1),
                );
                let request = self
                    .http
                    .post(self.url("/api/v2/query"))
                    .query(&[("org", &self.target.org)])
                    .header(header::CONTENT_TYPE, "application/vnd.flux")
                    .header(header::ACCEPT, "application/csv")
                    .body(flux);
                Columns::from_csv(self.text(request, QUERY)?.as_bytes())
            }
            Dialect::VictoriaMetrics => {
                let selector = format!(
                    "{{session={},device=\"{device}\",__name__=~\"{measurement}_.+\"}}",
                    quoted(session)
                );
                let request = self.http.get(self.url("/api/v1/export")).query(&[
                    ("match[]", selector),
                    ("start", seconds(from_ms)),
                    ("end", seconds(to_ms)),
                ]);
                Columns::from_export(&self.text(request, QUERY)?, measurement)
            }
        };
        columns
            .and_then(|c| c.samples(stream))
            .map_err(|why| self.strange(why))
    }

    /// Removes every point of a session. `InfluxDB` takes them out of its files when it next writes them anew.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn remove(&mut self, session: &str) -> Result<(), InfluxError> {
        let request = match self.dialect()? {
            Dialect::Influx => {
                let body = serde_json::json!({
                    "start": ALWAYS.0,
                    "stop": ALWAYS.1,
                    "predicate": format!("session={}", quoted(session)),
                });
                self.http
                    .post(self.url("/api/v2/delete"))
                    .query(&[("bucket", &self.target.bucket), ("org", &self.target.org)])
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body.to_string())
            }
            Dialect::VictoriaMetrics => {
                let selector = format!("{{session={}}}", quoted(session));
                self.http
                    .post(self.url("/api/v1/admin/tsdb/delete_series"))
                    .query(&[("match[]", selector)])
            }
        };
        self.text(request, QUERY).map(drop)
    }

    /// What answers there; asked once.
    fn dialect(&mut self) -> Result<Dialect, InfluxError> {
        if let Some(known) = self.dialect {
            return Ok(known);
        }
        let said = self.text(self.http.get(self.url("/health")), REQUEST)?;
        let dialect = match serde_json::from_str::<serde_json::Value>(&said) {
            Ok(health) if health["name"] == "influxdb" => Dialect::Influx,
            _ if said.trim() == "OK" => Dialect::VictoriaMetrics,
            _ => {
                let why = format!("asked for its health: {}", words(&said));
                return Err(self.strange(why));
            }
        };
        self.dialect = Some(dialect);
        Ok(dialect)
    }

    /// The text of a good answer.
    fn text(&self, request: RequestBuilder, limit: Duration) -> Result<String, InfluxError> {
        let request = self.allowed(request).timeout(limit);
        let asked = async {
            let response: Response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        };
        let (status, text) = self.wait(asked).map_err(|e| self.trouble(silent(&e)))?;
        match answer::judge(status, &text) {
            Answer::Taken => Ok(text),
            Answer::Later(trouble) => Err(self.trouble(trouble)),
            Answer::Refused { why } => Err(self.strange(why)),
        }
    }

    fn allowed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, token),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.target.url.trim_end_matches('/'))
    }

    fn trouble(&self, trouble: Trouble) -> InfluxError {
        let at = self.target.words();
        InfluxError::Trouble { at, trouble }
    }

    fn strange(&self, why: String) -> InfluxError {
        let at = self.target.words();
        InfluxError::Answer { at, why }
    }

    /// On a thread of its own: also where the caller belongs to a runtime, which must not wait within another.
    fn wait<F>(&self, task: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        let Some(runtime) = &self.runtime else {
            unreachable!("it is there until it is dropped");
        };
        thread::scope(|scope| {
            let waiting = scope.spawn(|| runtime.block_on(task));
            waiting
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Server {
    /// Nothing runs in it then; waiting for that is not allowed where another runtime runs.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the token's file holds, as it is sent.
fn token(target: &Target) -> Result<Option<HeaderValue>, InfluxError> {
    let Some(file) = &target.token_file else {
        return Ok(None);
    };
    let bad =
        |why: String| InfluxError::Settings(format!("read the token in {}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|e| bad(e.to_string()))?;
    let mut value = HeaderValue::from_str(&format!("Token {}", text.trim()))
        .map_err(|_| bad("expected one line of letters".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn trusted(target: &Target) -> Result<Vec<Certificate>, InfluxError> {
    let Some(file) = &target.ca else {
        return Ok(Vec::new());
    };
    let bad = |why: String| {
        InfluxError::Settings(format!(
            "read the certificates in {}: {why}",
            file.display()
        ))
    };
    let pem = fs::read(file).map_err(|e| bad(e.to_string()))?;
    let all = Certificate::from_pem_bundle(&pem).map_err(|e| bad(e.to_string()))?;
    if all.is_empty() {
        return Err(bad("expected a PEM file of certificates".to_owned()));
    }
    Ok(all)
}

/// The lines packed, if that is worth it.
fn pack(lines: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(lines.as_bytes()).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() * 100 < lines.len() * WORTH_PACKING_PERCENT).then_some(packed)
}

/// Every cause of an error, outermost first.
fn silent(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let mut causes = vec![error.to_string()];
    let connects = |e: &(dyn std::error::Error + 'static)| {
        let http = e.downcast_ref::<reqwest::Error>();
        http.is_some_and(reqwest::Error::is_connect)
    };
    let mut unreached = connects(error);
    let mut next = error.source();
    while let Some(cause) = next {
        unreached |= connects(cause);
        let text = cause.to_string();
        // Some repeat what they stand for.
        if !causes.iter().any(|said| said.contains(&text)) {
            causes.push(text);
        }
        next = cause.source();
    }
    let said = words(&causes.join(": "));
    if unreached {
        Trouble::Unreached(said)
    } else {
        Trouble::Silent(said)
    }
}

/// A text in Flux, in a predicate or a selector.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "\\${");
    format!("\"{escaped}\"")
}

/// Seconds as VictoriaMetrics reads them.
fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}
