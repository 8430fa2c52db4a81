//! What the answer to a write asks of us.
//!
//! | answer | meaning |
//! |---|---|
//! | 2xx | taken |
//! | 401, 403 | the token: tried again, somebody has to see to it |
//! | 404 | no such bucket or organisation: the same |
//! | 413 | too much at once: in smaller parts |
//! | 400, 415, 422 | something in it: in smaller parts, until it is known what |
//! | 429, 408, 5xx | later, after the time it names |
//! | another | not a server of this kind, or something in between: tried again, somebody has to see to it |

use serde::Deserialize;
use std::time::{Duration, SystemTime};

/// Longest part of a server's own words that is repeated, characters.
const LONGEST_WORDS: usize = 300;

/// What to do after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// All of it is there.
    Taken,
    /// Nothing can be said of what was sent; it is sent again.
    Later(Trouble),
    /// Not taken, or not all of it, because of what is in it.
    Refused {
        /// The server's words.
        why: String,
    },
}

/// Why the server takes nothing now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Not reached, or no answer in time.
    #[error("it does not answer: {0}")]
    Silent(String),
    /// Not even a connection came about: nothing was sent.
    #[error("it does not answer: {0}")]
    Unreached(String),
    /// It has too much to do or is not well.
    #[error("it asks to be left alone (answer {status}): {why}")]
    Busy {
        /// Status of HTTP.
        status: u16,
        /// Its words.
        why: String,
    },
    /// The token.
    #[error("it refuses the token (answer {status}): {why}")]
    Token {
        /// Status of HTTP.
        status: u16,
        /// Its words.
        why: String,
    },
    /// Bucket or organisation.
    #[error("it does not know the bucket or organisation (answer 404): {0}")]
    Bucket(String),
    /// Something else answers there.
    #[error("it answers {status}, which an InfluxDB does not: {why}")]
    Strange {
        /// Status of HTTP.
        status: u16,
        /// Its words.
        why: String,
    },
}

impl Trouble {
    /// What was sent is not there.
    #[must_use]
    pub fn took_nothing(&self) -> bool {
        matches!(
            self,
            Self::Unreached(_) | Self::Token { .. } | Self::Bucket(_)
        )
    }

    /// It does not pass by itself.
    #[must_use]
    pub fn needs_somebody(&self) -> bool {
        matches!(
            self,
            Self::Token { .. } | Self::Bucket(_) | Self::Strange { .. }
        )
    }
}

/// What `status` with `body` asks of us.
#[must_use]
pub fn judge(status: u16, body: &str) -> Answer {
    let why = words(body);
    Answer::Later(match status {
        200..=299 => return Answer::Taken,
        400 | 413 | 415 | 422 => {
            return Answer::Refused {
                why: format!("answer {status}: {why}"),
            };
        }
        401 | 403 => Trouble::Token { status, why },
        404 => Trouble::Bucket(why),
        408 | 429 | 500..=599 => Trouble::Busy { status, why },
        _ => Trouble::Strange { status, why },
    })
}

/// The message in an answer of `InfluxDB`, or the text as it is; one line, not too long.
#[must_use]
pub fn words(body: &str) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let text = serde_json::from_str::<Said>(body).map_or(body.to_owned(), |said| said.message);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "no reason given".to_owned();
    }
    line.chars().take(LONGEST_WORDS).collect()
}

/// What a `Retry-After` asks for, from `now` on: so many seconds, or until a date (RFC 9110, 10.2.3).
pub fn rest(said: &str, now: SystemTime) -> Option<Duration> {
    let said = said.trim();
    let seconds = said.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| {
        let until = httpdate::parse_http_date(said).ok()?;
        Some(until.duration_since(now).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_its_meaning() {
        let body = r#"{"code":"invalid","message":"partial write: field type conflict"}"#;
        let why = "answer 422: partial write: field type conflict".to_owned();
        assert_eq!(judge(422, body), Answer::Refused { why });
        assert_eq!(judge(204, ""), Answer::Taken);
        for (status, somebody) in [
            (401, true),
            (403, true),
            (404, true),
            (302, true),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let Answer::Later(trouble) = judge(status, "") else {
                panic!("{status}");
            };
            assert_eq!(trouble.needs_somebody(), somebody, "{status}");
        }
        for status in [400, 413, 415, 422] {
            assert!(
                matches!(judge(status, "x"), Answer::Refused { .. }),
                "{status}"
            );
        }
    }

    #[test]
    fn long_words_are_cut_and_stay_one_line() {
        let said = words(&"a\nb ".repeat(1000));
        assert_eq!(said.chars().count(), LONGEST_WORDS);
        assert!(!said.contains('\n'));
        assert_eq!(words(" \n"), "no reason given");
    }

    #[test]
    fn a_rest_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Fri, 27 Nov 2026 08:00:00 GMT").unwrap();
        for (said, seconds) in [
            (" 3 ", Some(3)),
            ("Fri, 27 Nov 2026 08:01:30 GMT", Some(90)),
            ("Fri, 27 Nov 2026 07:59:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(rest(said, now), seconds.map(Duration::from_secs), "{said}");
        }
    }
}
