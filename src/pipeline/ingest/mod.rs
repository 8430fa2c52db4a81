//! Packets to windows: decoder and aligner of each device, sequence numbers, a window each tenth of a
//! second, and what goes wrong technically.
//!
//! A window covers the host's clock, `[origin + k·W, origin + (k+1)·W)`, and holds what became a sample
//! in it; samples of a late or long frame are older than their window. Every window comes out, empty
//! ones too. The result depends on packets and commands in their order and on nothing else: `advance`
//! may be called as often as one likes, as long as no packet with an earlier host time follows.

mod device;
mod watch;

use self::device::Device;
use crate::{
    align::{self, clock::ClockState},
    decode::{self, DecodeError},
    model::{
        command::Command,
        link::LinkEvent,
        packet::Packet,
        sample::{Sample, StreamId, StreamKind},
        session::{SessionHeader, TechEvent, TechKind},
        time::{HostNs, SessionNs},
        window::{Batch, BatchRef, Manifest, TimedCommand, WINDOW_NS, Window},
    },
};

/// Samples of one batch: its message is some 30 kB at most, far below what brokers allow.
const MOST_SAMPLES: usize = 1000;
/// A packet this far behind its window is late, ns: counted, not used.
const LATE_NS: i64 = 1_000_000_000;
/// A packet this far ahead has no believable host time, ns: windows are made for all the time between.
const AHEAD_NS: i64 = 6 * 3_600_000_000_000;

/// Why a session cannot be taken in.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IngestError {
    /// No driver has that name.
    #[error(
        "sensor {alias:?} names the driver {driver:?}, which does not exist (there are: {known})"
    )]
    UnknownDriver {
        /// The sensor.
        alias: String,
        /// What it names.
        driver: String,
        /// What it could name.
        known: String,
    },
    /// A rate that is no rate.
    #[error("sensor {alias:?} has a nominal rate of {nominal_hz} Hz")]
    NominalRate {
        /// The sensor.
        alias: String,
        /// Hz
        nominal_hz: f64,
    },
    /// More sensors than can be told apart.
    #[error("{0} sensors are more than a session can hold")]
    TooManySensors(usize),
}

/// What is known of a device so far.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceStats {
    /// Packets that came.
    pub packets: u64,
    /// Packets that had no meaning.
    pub undecodable: u64,
    /// Bytes that no layout explains.
    pub ignored_bytes: u64,
    /// Readings given up: duplicates, values without partner.
    pub dropped: u64,
    /// Its clock.
    pub clock: Option<ClockState>,
    /// True rates of its streams, Hz, as far as known.
    pub rates_hz: Vec<(StreamKind, f64)>,
}

/// The end of a window.
#[derive(Clone, Copy)]
struct Moment {
    end: HostNs,
    now: SessionNs,
    /// The session ends with it.
    last: bool,
}

/// The vectors of a window that went out and came back.
type Spare = (Manifest, Vec<Batch>);

/// Everything between the packets of a session and its windows.
pub struct Ingest {
    origin: HostNs,
    devices: Vec<Device>,
    index: u64,
    commands: Vec<TimedCommand>,
    tech: Vec<TechEvent>,
    /// Packets of devices that the session does not have.
    strangers: watch::Undecodable,
    spare_windows: Vec<Spare>,
    spare_samples: Vec<Vec<Sample>>,
}

impl Ingest {
    /// Ready for the first packet of a session.
    ///
    /// # Errors
    /// If a sensor names no driver or has an impossible rate.
    pub fn new(header: &SessionHeader) -> Result<Self, IngestError> {
        Self::with_params(header, &align::Params::default())
    }

    /// As [`Ingest::new`] with other numbers.
    ///
    /// # Errors
    /// As [`Ingest::new`].
    pub fn with_params(
        header: &SessionHeader,
        params: &align::Params,
    ) -> Result<Self, IngestError> {
        if header.sensors.len() > usize::from(u16::MAX) {
            return Err(IngestError::TooManySensors(header.sensors.len()));
        }
        let origin = header.started_host;
        let devices = header
            .devices()
            .map(|(index, sensor)| Device::new(index, sensor, params, origin))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            origin,
            devices,
            index: 0,
            commands: Vec::new(),
            tech: Vec::new(),
            strangers: watch::Undecodable::default(),
            spare_windows: Vec::new(),
            spare_samples: Vec::new(),
        })
    }

    /// Takes a packet; windows that end before it go to `out`.
    pub fn packet(&mut self, packet: &Packet, out: &mut Vec<Window>) {
        let start = self.start_ns();
        let ahead = packet.host.0 > start.saturating_add(AHEAD_NS);
        if !ahead {
            self.advance(packet.host, out);
        }
        let Some(device) = self.devices.get_mut(usize::from(packet.device.0)) else {
            self.strangers.count(DecodeError::Value {
                what: "device number",
                value: packet.device.0.into(),
            });
            return;
        };
        if ahead {
            device.refuse(DecodeError::Value {
                what: "host time ahead in ns",
                value: packet.host.0.saturating_sub(start).cast_unsigned(),
            });
        } else if packet.host.0 < start.saturating_sub(LATE_NS) {
            device.late(packet);
        } else {
            device.packet(packet, &mut self.tech, &mut self.spare_samples);
        }
    }

    /// Takes a command; it takes effect at `host`.
    pub fn command(&mut self, host: HostNs, command: Command, out: &mut Vec<Window>) {
        self.advance(host, out);
        let t = host.since(self.origin);
        self.commands.push(TimedCommand { t, command });
    }

    /// A sensor's link changed.
    pub fn link(&mut self, host: HostNs, event: &LinkEvent, out: &mut Vec<Window>) {
        self.advance(host, out);
        if let Some(device) = self.devices.get_mut(usize::from(event.device.0)) {
            device.link(host, &event.change, &mut self.tech);
        }
    }

    /// No packet before `host` will come any more: windows that end until then go to `out`.
    pub fn advance(&mut self, host: HostNs, out: &mut Vec<Window>) {
        while self.end_ns() <= host.0 {
            let window = self.close(false);
            out.push(window);
        }
    }

    /// End of the window that is open: time before it closes nothing.
    #[must_use]
    pub fn open_until(&self) -> HostNs {
        HostNs(self.end_ns())
    }

    /// The session ends: all windows until `host`, the last one marked, go to `out`.
    pub fn finish(&mut self, host: HostNs, out: &mut Vec<Window>) {
        self.advance(host, out);
        let host = HostNs(host.0.max(self.start_ns()));
        for device in &mut self.devices {
            device.finish(host, &mut self.tech, &mut self.spare_samples);
        }
        let window = self.close(true);
        out.push(window);
    }

    /// The session ends with window `index`, however early its items ended.
    pub fn finish_with(&mut self, index: u64, out: &mut Vec<Window>) {
        let begins = HostNs(self.begin_ns(index));
        self.finish(begins, out);
    }

    /// Takes back a window that nobody needs any more, for its memory.
    pub fn recycle(&mut self, window: Window) {
        let Window {
            mut manifest,
            mut batches,
        } = window;
        manifest.commands.clear();
        manifest.tech.clear();
        manifest.batches.clear();
        for mut batch in batches.drain(..) {
            batch.samples.clear();
            self.spare_samples.push(batch.samples);
        }
        self.spare_windows.push((manifest, batches));
    }

    /// What is known of each device so far, in the order of the session's sensors.
    #[must_use]
    pub fn stats(&self) -> Vec<DeviceStats> {
        self.devices.iter().map(Device::stats).collect()
    }

    fn start_ns(&self) -> i64 {
        self.begin_ns(self.index)
    }

    fn begin_ns(&self, index: u64) -> i64 {
        let passed = i64::try_from(index)
            .unwrap_or(i64::MAX)
            .saturating_mul(WINDOW_NS);
        self.origin.0.saturating_add(passed)
    }

    fn end_ns(&self) -> i64 {
        self.start_ns().saturating_add(WINDOW_NS)
    }

    fn close(&mut self, last: bool) -> Window {
        let end = HostNs(self.end_ns());
        let (mut manifest, mut batches) = self.empty_window();
        let now = end.since(self.origin);
        let moment = Moment { end, now, last };
        self.strangers.report(None, moment, &mut self.tech);
        for device in &mut self.devices {
            device.close(
                moment,
                &mut self.tech,
                &mut self.spare_samples,
                &mut batches,
            );
        }
        split(&mut batches);
        manifest.index = self.index;
        manifest.end = now;
        manifest.last = last;
        manifest.commands.append(&mut self.commands);
        manifest.tech.append(&mut self.tech);
        manifest.batches.extend(batches.iter().map(batch_ref));
        self.index += 1;
        Window { manifest, batches }
    }

    fn empty_window(&mut self) -> Spare {
        self.spare_windows.pop().unwrap_or_else(|| {
            let manifest = Manifest {
                index: 0,
                end: SessionNs(0),
                commands: Vec::new(),
                tech: Vec::new(),
                batches: Vec::new(),
                last: false,
            };
            (manifest, Vec::new())
        })
    }
}

/// Cuts batches that are too long, as after a phone was away and pushes all it has: their messages stay small.
fn split(batches: &mut Vec<Batch>) {
    if batches.iter().all(|b| b.samples.len() <= MOST_SAMPLES) {
        return;
    }
    for whole in std::mem::take(batches) {
        let parts = (whole.first_sequence..).step_by(MOST_SAMPLES);
        batches.extend(whole.samples.chunks(MOST_SAMPLES).zip(parts).map(
            |(samples, first_sequence)| Batch {
                stream: whole.stream,
                first_sequence,
                samples: samples.to_vec(),
            },
        ));
    }
}

fn batch_ref(batch: &Batch) -> BatchRef {
    BatchRef {
        stream: batch.stream,
        first_sequence: batch.first_sequence,
        count: u32::try_from(batch.samples.len()).unwrap_or(u32::MAX),
    }
}

/// A technical event of one stream.
fn late(stream: StreamId, t: SessionNs, count: u32) -> TechEvent {
    TechEvent {
        t,
        device: Some(stream.device),
        kind: TechKind::Late { stream, count },
    }
}

/// The names of all drivers, for people.
fn known_drivers() -> String {
    let names: Vec<&str> = decode::drivers().iter().map(|d| d.name()).collect();
    names.join(", ")
}
