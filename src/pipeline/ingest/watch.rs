//! Who is silent, and whose packets have no meaning: technical events without repetition.

use super::Moment;
use crate::{
    decode::DecodeError,
    model::{
        packet::DeviceIndex,
        sample::{StreamId, StreamKind},
        session::{TechEvent, TechKind},
        time::{HostNs, SessionNs},
    },
};

/// Shortest time between two reports of undecodable packets of a device, ns.
const REPORT_EVERY_NS: i64 = 1_000_000_000;
/// Motion streams are lost after this, ns.
const MOTION_SILENCE_NS: i64 = 1_000_000_000;
/// Heart streams are lost after this, ns: straps notify every second and may skip some.
const HEART_SILENCE_NS: i64 = 5_000_000_000;
/// Streams whose frames are long are lost after this many of their usual intervals.
const USUAL_INTERVALS: f64 = 2.5;
/// Share of a new interval in the usual one.
const LEARN: f64 = 0.1;
/// Longest interval that is taken as usual, ns.
const LONGEST_USUAL_NS: f64 = 3e9;

/// Packets without meaning since the last report.
#[derive(Debug, Default)]
pub(super) struct Undecodable {
    total: u64,
    unreported: u64,
    reason: Option<DecodeError>,
    reported: Option<HostNs>,
}

impl Undecodable {
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn count(&mut self, reason: DecodeError) {
        self.total += 1;
        self.unreported += 1;
        self.reason.get_or_insert(reason);
    }

    /// At most one event a second, and what is left at the end.
    pub(super) fn report(
        &mut self,
        device: Option<DeviceIndex>,
        moment: Moment,
        tech: &mut Vec<TechEvent>,
    ) {
        let soon = |last: HostNs| moment.end.0.saturating_sub(last.0) < REPORT_EVERY_NS;
        if self.unreported == 0 || (self.reported.is_some_and(soon) && !moment.last) {
            return;
        }
        self.reported = Some(moment.end);
        tech.push(TechEvent {
            t: moment.now,
            device,
            kind: TechKind::Undecodable {
                packets: std::mem::take(&mut self.unreported),
                reason: self
                    .reason
                    .take()
                    .map_or_else(String::new, |r| r.to_string()),
            },
        });
    }
}

/// Whether a stream is heard.
#[derive(Debug, Default)]
pub(super) struct Silence {
    last: Option<HostNs>,
    usual_ns: f64,
    lost: bool,
}

impl Silence {
    pub(super) fn last(&self) -> Option<HostNs> {
        self.last
    }

    /// Samples came; gives the length of the gap, s, if the stream was lost.
    pub(super) fn heard(&mut self, host: HostNs) -> Option<f64> {
        let interval = self.last.map(|last| host.0.saturating_sub(last.0) as f64);
        self.last = Some(host);
        let interval = interval?;
        let lost = std::mem::take(&mut self.lost);
        // What was called a loss may be how the stream comes.
        if !lost || interval <= LONGEST_USUAL_NS {
            self.learn(interval.min(LONGEST_USUAL_NS));
        }
        lost.then_some(interval * 1e-9)
    }

    fn learn(&mut self, interval_ns: f64) {
        if self.usual_ns == 0.0 {
            self.usual_ns = interval_ns;
        } else {
            self.usual_ns += LEARN * (interval_ns - self.usual_ns);
        }
    }

    /// Gives the length of the silence, s, when it becomes a loss.
    pub(super) fn check(&mut self, kind: StreamKind, now: HostNs) -> Option<f64> {
        let silent = now.0.saturating_sub(self.last?.0);
        let limit = match kind {
            StreamKind::Imu | StreamKind::Acc | StreamKind::Ecg => MOTION_SILENCE_NS,
            StreamKind::HeartRate | StreamKind::Rr => HEART_SILENCE_NS,
            StreamKind::Battery => return None,
        };
        // Before the second frame nobody knows how they come.
        let usual_ns = if self.usual_ns == 0.0 {
            LONGEST_USUAL_NS
        } else {
            USUAL_INTERVALS * self.usual_ns
        };
        let limit = limit.max(usual_ns as i64);
        if self.lost || silent <= limit {
            return None;
        }
        self.lost = true;
        Some(silent as f64 * 1e-9)
    }
}

/// A stream fell silent or came back.
pub(super) fn event(stream: StreamId, t: SessionNs, kind: TechKind) -> TechEvent {
    TechEvent {
        t,
        device: Some(stream.device),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// How often a stream whose frames come every `every_ms` is called lost in half a minute.
    fn losses(every_ms: i64) -> usize {
        let mut silence = Silence::default();
        let mut losses = 0;
        for ms in 0..30_000 {
            if ms % every_ms == 0 {
                silence.heard(HostNs(ms * MS));
            }
            let lost = silence.check(StreamKind::Acc, HostNs(ms * MS));
            losses += usize::from(lost.is_some());
        }
        losses
    }

    #[test]
    fn long_frames_are_no_losses() {
        assert_eq!((losses(20), losses(1_115), losses(2_320)), (0, 0, 0));
    }

    #[test]
    fn a_stream_that_ends_is_lost_once_and_comes_back() {
        let mut silence = Silence::default();
        for ms in (0..1_000).step_by(100) {
            silence.heard(HostNs(ms * MS));
        }
        let lost = |silence: &mut Silence, ms| silence.check(StreamKind::Imu, HostNs(ms * MS));
        assert_eq!(lost(&mut silence, 1_850), None);
        assert!(lost(&mut silence, 2_000).is_some());
        assert_eq!(lost(&mut silence, 3_000), None);
        assert!(silence.heard(HostNs(9_000 * MS)).is_some());
        assert!(
            lost(&mut silence, 10_500).is_some(),
            "the loss taught nothing"
        );
    }
}
