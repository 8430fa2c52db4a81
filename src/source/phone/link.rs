//! One phone: nothing is connected, so a link begins with its first message and ends when it falls silent. Pure; ns of
//! the host's clock.

use super::super::streams::{Patience, Streams};
use crate::model::{
    link::{LinkChange, LinkEvent, LinkStatus, Stage},
    packet::DeviceIndex,
    reading::Measurand,
    time::HostNs,
};

/// A phone's link.
#[derive(Debug)]
pub(super) struct Link {
    device: DeviceIndex,
    alias: String,
    id: String,
    wanted: Vec<Measurand>,
    patience: Patience,
    streams: Streams,
    /// When the link began; `None` while the phone is silent.
    since: Option<HostNs>,
    newest: HostNs,
    reason: Option<String>,
    connections: u32,
    battery_percent: Option<u8>,
}

impl Link {
    /// A phone that was not heard yet.
    pub(super) fn new(
        device: DeviceIndex,
        alias: &str,
        id: &str,
        wanted: Vec<Measurand>,
        patience: &Patience,
    ) -> Self {
        Self {
            device,
            alias: alias.to_owned(),
            id: id.to_owned(),
            wanted,
            patience: patience.clone(),
            streams: Streams::default(),
            since: None,
            newest: HostNs(i64::MIN),
            reason: None,
            connections: 0,
            battery_percent: None,
        }
    }

    pub(super) fn device(&self) -> DeviceIndex {
        self.device
    }

    /// A message came with these in it; the link's begin, if it begins.
    pub(super) fn heard(&mut self, now: HostNs, what: &[Measurand]) -> Option<LinkEvent> {
        self.newest = now;
        let begins = self.since.is_none();
        if begins {
            self.since = Some(now);
            self.streams = Streams::started(self.wanted.clone());
            self.connections += 1;
        }
        self.streams.heard(now, what);
        begins.then(|| self.event(LinkChange::Up))
    }

    /// It told its state of charge.
    pub(super) fn battery(&mut self, percent: u8) {
        self.battery_percent = Some(percent);
    }

    /// Time has passed; the link's end, if the phone has fallen silent.
    pub(super) fn tick(&mut self, now: HostNs) -> Option<LinkEvent> {
        let since = self.since?;
        let over = |from: HostNs, ms: u64| now.since(from).0 as f64 > ms as f64 * 1e6;
        let silence_ms = self.patience.motion_silence_ms;
        if over(self.newest, silence_ms) {
            let reason = format!("nothing came from the phone for {} s", silence_ms / 1000);
            self.since = None;
            self.reason = Some(reason.clone());
            return Some(self.event(LinkChange::Down { reason }));
        }
        // What is missing in what it sends is said without ending the link: it may be switched on in the app.
        if self.is_fading(now) {
            let said = "the phone sends, but no longer everything that is needed of it";
            self.reason = Some(said.to_owned());
        } else if self.streams.missing().next().is_some()
            && over(since, self.streams.first_ms(&self.patience))
        {
            self.reason = Some(self.lacking());
        }
        None
    }

    /// A stream that came has fallen silent.
    fn is_fading(&self, now: HostNs) -> bool {
        self.streams
            .silent_at(&self.patience)
            .is_some_and(|at| at < now)
    }

    /// The session ends.
    pub(super) fn close(&mut self) -> Option<LinkEvent> {
        self.since.take()?;
        Some(self.event(LinkChange::Closed))
    }

    fn lacking(&self) -> String {
        let missing: Vec<String> = self
            .streams
            .missing()
            .map(|m| words(m).to_owned())
            .collect();
        format!(
            "the phone sends no {}: switch it on in the app",
            missing.join(", no ")
        )
    }

    fn event(&self, change: LinkChange) -> LinkEvent {
        LinkEvent {
            device: self.device,
            change,
        }
    }

    /// Where it stands at `now`.
    pub(super) fn status(&self, now: HostNs) -> LinkStatus {
        let missing = self.streams.missing().next().is_some();
        let stage = match self.since {
            None => Stage::Absent,
            Some(_) if missing || self.is_fading(now) => Stage::Awaiting,
            Some(_) => Stage::Streaming,
        };
        let waits = Some("push is not set up or not switched on in the app".to_owned());
        LinkStatus {
            device: self.device,
            alias: self.alias.clone(),
            stage,
            without: false,
            reason: self.reason.clone().or(waits),
            skipped: Vec::new(),
            missed: Vec::new(),
            blank: false,
            rssi_dbm: None,
            battery_percent: self.battery_percent,
            serial: Some(self.id.clone()),
            address_tail: None,
            firmware: None,
            connections: self.connections,
            characteristics: Vec::new(),
        }
    }
}

fn words(measurand: Measurand) -> &'static str {
    match measurand {
        Measurand::Acceleration => {
            "acceleration (accelerometer and gravity, or total acceleration)"
        }
        Measurand::AngularRate => "angular rate (gyroscope)",
        Measurand::HeartRate => "heart rate",
        Measurand::MagneticField => "magnetic field (magnetometer)",
        _ => "value that is asked for",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Measurand; 2] = [Measurand::Acceleration, Measurand::AngularRate];

    fn link() -> Link {
        Link::new(
            DeviceIndex(3),
            "hip",
            "abc",
            BOTH.to_vec(),
            &Patience::default(),
        )
    }

    fn at(s: f64) -> HostNs {
        HostNs((s * 1e9) as i64)
    }

    #[test]
    fn it_is_ready_when_every_stream_came_and_gone_when_nothing_comes() {
        let mut link = link();
        assert_eq!(link.status(at(0.0)).stage, Stage::Absent);
        let up = link.heard(at(1.0), &BOTH[..1]).unwrap();
        assert_eq!(up.change, LinkChange::Up);
        assert_eq!(link.status(at(1.0)).stage, Stage::Awaiting);
        assert_eq!(link.heard(at(1.2), &BOTH[1..]), None);
        assert!(link.status(at(1.2)).is_ready());
        assert_eq!(link.tick(at(6.0)), None);
        let down = link.tick(at(6.3)).unwrap();
        assert!(matches!(down.change, LinkChange::Down { reason } if reason.contains("5 s")));
        assert_eq!(link.status(at(6.3)).stage, Stage::Absent);
        assert_eq!(link.tick(at(9.0)), None, "said once");
        assert!(link.heard(at(10.0), &BOTH).is_some());
        assert!(link.status(at(10.0)).is_ready(), "and again");
        assert_eq!(link.status(at(10.0)).connections, 2);
        assert_eq!(link.close().unwrap().change, LinkChange::Closed);
        assert_eq!(link.close(), None);
    }

    #[test]
    fn what_the_app_does_not_send_is_named() {
        let mut link = link();
        for i in 0..250 {
            link.heard(at(f64::from(i) * 0.1), &BOTH[..1]);
            assert_eq!(link.tick(at(f64::from(i) * 0.1)), None);
        }
        let status = link.status(at(25.0));
        assert_eq!(status.stage, Stage::Awaiting);
        assert!(status.words().contains("gyroscope"), "{}", status.words());
        // One of two that stops makes it unready, while the other goes on.
        link.heard(at(25.0), &BOTH);
        for i in 0..80 {
            link.heard(at(25.0 + f64::from(i) * 0.1), &BOTH[..1]);
        }
        assert_eq!(link.status(at(33.0)).stage, Stage::Awaiting);
    }
}
