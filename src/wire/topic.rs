//! Names on the bus. Every topic begins with `plimsoll/v1/{session}`:
//!
//! | topic | payload | retained |
//! |---|---|---|
//! | `.../session` | session header and plan text | yes |
//! | `.../samples/{device}/{stream}` | samples of one stream in one window | no |
//! | `.../json/{device}/{stream}` | the same for other people's programs, on request | no |
//! | `.../window` | table of contents of a window | no |
//! | `.../event` | an event of the analysis, except the live ones | no |
//! | `.../live` | a live event | no |
//! | `.../ack/{consumer}` | how far the consumer has come without a hole | yes |
//! | `.../command` | a person's instruction, with a number of the sender's | no |
//! | `.../reply` | whether an instruction was taken, under the sender's number | no |
//! | `.../sensors` | where the link of every sensor stands | yes |
//! | `.../status` | whether the gateway is there: what it says itself, or the broker when it is gone | yes |
//!
//! `{device}` is the sensor's position in the session header, `{stream}` a name such as `imu`. Session
//! ids and consumers' names are letters, digits, `-` and `_`, so that none can widen a subscription.

use crate::model::{
    packet::DeviceIndex,
    sample::{StreamId, StreamKind},
    session::SessionId,
};
use std::{fmt, str::FromStr};

const ROOT: &str = "plimsoll/v1";
const LONGEST_NAME: usize = 64;

/// Why a topic cannot be formed or understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// A session id or a consumer's name with a forbidden character.
    #[error("use {0:?} in a topic (expected 1 to 64 letters, digits, '-' or '_')")]
    Name(String),
    /// A topic that is none of ours.
    #[error("understand topic {0:?}")]
    Unknown(String),
}

/// What is said under a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Who trains, which sensors where, the plan.
    Session,
    /// Samples of one stream.
    Samples(StreamId),
    /// The same for other people's programs.
    Json(StreamId),
    /// Tables of contents of windows.
    Window,
    /// What the analysis says, except live events.
    Event,
    /// What a person needs to see now.
    Live,
    /// How far the named consumer has come.
    Ack(String),
    /// What a person tells the daemon.
    Command,
    /// What became of that.
    Reply,
    /// Where every sensor's link stands.
    Sensors,
    /// Whether the gateway is there.
    Status,
}

impl Subject {
    /// The broker keeps the last message for whoever comes later.
    #[must_use]
    pub const fn retained(&self) -> bool {
        matches!(
            self,
            Self::Session | Self::Ack(_) | Self::Sensors | Self::Status
        )
    }

    /// What to subscribe to for all of its kind.
    #[must_use]
    pub const fn part(&self) -> Part {
        match self {
            Self::Session => Part::Session,
            Self::Samples(_) => Part::Samples,
            Self::Json(_) => Part::Json,
            Self::Window => Part::Window,
            Self::Event => Part::Event,
            Self::Live => Part::Live,
            Self::Ack(_) => Part::Ack,
            Self::Command => Part::Command,
            Self::Reply => Part::Reply,
            Self::Sensors => Part::Sensors,
            Self::Status => Part::Status,
        }
    }
}

/// A kind of subject, for subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// [`Subject::Session`]
    Session,
    /// [`Subject::Samples`] of every stream
    Samples,
    /// [`Subject::Json`] of every stream
    Json,
    /// [`Subject::Window`]
    Window,
    /// [`Subject::Event`]
    Event,
    /// [`Subject::Live`]
    Live,
    /// [`Subject::Ack`] of every consumer
    Ack,
    /// [`Subject::Command`]
    Command,
    /// [`Subject::Reply`]
    Reply,
    /// [`Subject::Sensors`]
    Sensors,
    /// [`Subject::Status`]
    Status,
}

impl Part {
    /// The subscription filter for one session, or for all.
    pub fn filter(self, session: Option<&SessionId>) -> Result<String, TopicError> {
        let session = match session {
            Some(id) => checked(&id.0)?,
            None => "+",
        };
        let levels = match self {
            Self::Samples | Self::Json => "/+/+",
            Self::Ack => "/+",
            _ => "",
        };
        Ok(format!("{ROOT}/{session}/{}{levels}", self.as_str()))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Samples => "samples",
            Self::Json => "json",
            Self::Window => "window",
            Self::Event => "event",
            Self::Live => "live",
            Self::Ack => "ack",
            Self::Command => "command",
            Self::Reply => "reply",
            Self::Sensors => "sensors",
            Self::Status => "status",
        }
    }
}

/// A topic that can be published to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    session: SessionId,
    subject: Subject,
}

impl Topic {
    /// The topic for a subject of a session.
    pub fn new(session: SessionId, subject: Subject) -> Result<Self, TopicError> {
        checked(&session.0)?;
        if let Subject::Ack(consumer) = &subject {
            checked(consumer)?;
        }
        Ok(Self { session, subject })
    }

    /// Which session.
    #[must_use]
    pub const fn session(&self) -> &SessionId {
        &self.session
    }

    /// What is said there.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = self.subject.part().as_str();
        write!(f, "{ROOT}/{}/{part}", self.session.0)?;
        match &self.subject {
            Subject::Samples(stream) | Subject::Json(stream) => {
                write!(f, "/{}/{}", stream.device.0, stream.kind.as_str())
            }
            Subject::Ack(consumer) => write!(f, "/{consumer}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let unknown = || TopicError::Unknown(text.to_owned());
        let rest = text
            .strip_prefix(ROOT)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or_else(unknown)?;
        let levels: Vec<&str> = rest.splitn(5, '/').collect();
        let (session, subject) = match levels[..] {
            [session, "session"] => (session, Subject::Session),
            [session, "samples", device, kind] => {
                let stream = stream(device, kind).ok_or_else(unknown)?;
                (session, Subject::Samples(stream))
            }
            [session, "json", device, kind] => {
                let stream = stream(device, kind).ok_or_else(unknown)?;
                (session, Subject::Json(stream))
            }
            [session, "window"] => (session, Subject::Window),
            [session, "event"] => (session, Subject::Event),
            [session, "live"] => (session, Subject::Live),
            [session, "ack", consumer] => (session, Subject::Ack(consumer.to_owned())),
            [session, "command"] => (session, Subject::Command),
            [session, "reply"] => (session, Subject::Reply),
            [session, "sensors"] => (session, Subject::Sensors),
            [session, "status"] => (session, Subject::Status),
            _ => return Err(unknown()),
        };
        Self::new(SessionId(session.to_owned()), subject)
    }
}

/// One spelling only: `007` is no device.
fn stream(device: &str, kind: &str) -> Option<StreamId> {
    let number: u16 = device.parse().ok()?;
    if number.to_string() != device {
        return None;
    }
    Some(StreamId {
        device: DeviceIndex(number),
        kind: StreamKind::ALL.into_iter().find(|k| k.as_str() == kind)?,
    })
}

fn checked(name: &str) -> Result<&str, TopicError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name)
    } else {
        Err(TopicError::Name(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_stream() -> impl Strategy<Value = StreamId> {
        (any::<u16>(), 0..StreamKind::ALL.len()).prop_map(|(device, kind)| StreamId {
            device: DeviceIndex(device),
            kind: StreamKind::ALL[kind],
        })
    }

    fn any_subject() -> impl Strategy<Value = Subject> {
        prop_oneof![
            Just(Subject::Session),
            any_stream().prop_map(Subject::Samples),
            any_stream().prop_map(Subject::Json),
            Just(Subject::Window),
            Just(Subject::Event),
            Just(Subject::Live),
            "[A-Za-z0-9_-]{1,64}".prop_map(Subject::Ack),
            Just(Subject::Command),
            Just(Subject::Reply),
            Just(Subject::Sensors),
            Just(Subject::Status),
        ]
    }

    proptest! {
        #[test]
        fn format_and_parse_round_trip(session in "[A-Za-z0-9_-]{1,64}", subject in any_subject()) {
            let topic = Topic::new(SessionId(session), subject).unwrap();
            prop_assert_eq!(topic.to_string().parse::<Topic>(), Ok(topic));
        }

        #[test]
        fn what_parses_formats_to_itself(text in "plimsoll/v1/[a+#/]{0,3}/(samples|json|ack|live|window)?[/a-z0-9+#]{0,8}") {
            if let Ok(topic) = text.parse::<Topic>() {
                prop_assert_eq!(topic.to_string(), text);
            }
        }
    }

    #[test]
    fn wildcards_and_levels_are_refused() {
        let too_long = "x".repeat(65);
        for id in [
            "", "+", "#", "a/b", "a+", "sé", "a b", "$SYS", "a\0", &too_long,
        ] {
            let session = SessionId(id.to_owned());
            assert!(
                Topic::new(session.clone(), Subject::Live).is_err(),
                "{id:?}"
            );
            assert!(Part::Live.filter(Some(&session)).is_err(), "{id:?}");
            let ack = Subject::Ack(id.to_owned());
            assert!(
                Topic::new(SessionId("a".to_owned()), ack).is_err(),
                "{id:?}"
            );
        }
    }

    #[test]
    fn spelled_as_documented() {
        let topic = |subject| {
            Topic::new(SessionId("s1".to_owned()), subject)
                .unwrap()
                .to_string()
        };
        let stream = StreamId {
            device: DeviceIndex(2),
            kind: StreamKind::HeartRate,
        };
        assert_eq!(
            topic(Subject::Samples(stream)),
            "plimsoll/v1/s1/samples/2/heart_rate"
        );
        assert_eq!(
            topic(Subject::Ack("store".to_owned())),
            "plimsoll/v1/s1/ack/store"
        );
        assert_eq!(
            Part::Samples.filter(None).unwrap(),
            "plimsoll/v1/+/samples/+/+"
        );
        for text in [
            "plimsoll/v1/s1/samples/02/imu",
            "plimsoll/v1/s1/samples/70000/imu",
            "plimsoll/v1/s1/live/",
            "plimsoll/v2/s1/live",
            "plimsoll/v1/s1",
            "plimsoll/v1s1/live",
        ] {
            assert_eq!(
                text.parse::<Topic>(),
                Err(TopicError::Unknown(text.to_owned()))
            );
        }
    }
}
