//! Packets to windows: decoding and aligning per device, cut by arrival into tenths of a second.
//!
//! A pure function of packets and commands in order: window k holds what arrived in
//! `[origin + k * W, origin + (k + 1) * W)`, also when that is nothing. Silence is an event, too.

use crate::{
    align::{self, DeviceAligner},
    decode::{self, Decoder},
    model::{
        command::Command,
        packet::{DeviceIndex, Packet},
        reading::Reading,
        sample::{Sample, StreamId, StreamKind},
        session::{SessionHeader, TechEvent, TechKind},
        time::{HostNs, SessionNs},
        window::{Batch, BatchRef, Manifest, TimedCommand, WINDOW_NS, Window},
    },
};
use std::collections::BTreeMap;

/// A movement stream silent for longer is lost, ns (fail-loud rule SF-2).
const MOVEMENT_SILENT_NS: i64 = 1_000_000_000;
/// A heart stream silent for longer is lost, ns (fail-loud rule SF-3).
const HEART_SILENT_NS: i64 = 5_000_000_000;
/// Undecodable packets are told at most this often, ns.
const FAULT_EVERY_NS: i64 = 1_000_000_000;
/// Most windows that one step of the host clock may open: an hour of silence. A clock that claims
/// more is at fault, and the session goes on from there without filling the hole.
const MOST_EMPTY: i64 = 36_000;

/// The session cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// No driver of that name.
    #[error("find a driver called {driver:?} for sensor {alias} (expected one of {known})")]
    Driver {
        /// The sensor.
        alias: String,
        /// The name in the header.
        driver: String,
        /// Names of the drivers.
        known: String,
    },
}

struct Device {
    decoder: Box<dyn Decoder>,
    aligner: DeviceAligner,
    faults: u64,
    first_fault: String,
    told: Option<SessionNs>,
}

#[derive(Default)]
struct Stream {
    next_sequence: u64,
    pending: Vec<Sample>,
    newest: Option<SessionNs>,
    lost: bool,
}

/// Cuts one session into windows.
pub struct Ingest {
    origin: HostNs,
    devices: Vec<Device>,
    streams: BTreeMap<StreamId, Stream>,
    readings: Vec<Reading>,
    samples: Vec<Sample>,
    tech: Vec<TechEvent>,
    commands: Vec<TimedCommand>,
    index: u64,
    end: SessionNs,
    spare: Vec<Vec<Sample>>,
}

impl Ingest {
    /// An ingest for the sensors of `header`.
    ///
    /// # Errors
    /// A sensor whose driver does not exist.
    pub fn new(header: &SessionHeader) -> Result<Self, IngestError> {
        let params = align::Params::default();
        let mut devices = Vec::new();
        for (index, sensor) in header.devices() {
            let driver = decode::driver(&sensor.driver).ok_or_else(|| IngestError::Driver {
                alias: sensor.alias.clone(),
                driver: sensor.driver.clone(),
                known: decode::drivers()
                    .iter()
                    .map(|d| d.name())
                    .collect::<Vec<_>>()
                    .join(", "),
            })?;
            devices.push(Device {
                decoder: driver.decoder(),
                aligner: DeviceAligner::new(index, &params, sensor.nominal_hz, header.started_host),
                faults: 0,
                first_fault: String::new(),
                told: None,
            });
        }
        Ok(Self {
            origin: header.started_host,
            devices,
            streams: BTreeMap::new(),
            readings: Vec::with_capacity(256),
            samples: Vec::with_capacity(256),
            tech: Vec::new(),
            commands: Vec::new(),
            index: 0,
            end: SessionNs(WINDOW_NS),
            spare: Vec::new(),
        })
    }

    /// A packet arrived; windows that it closes are appended to `out`.
    pub fn packet(&mut self, packet: &Packet, out: &mut Vec<Window>) {
        self.advance(packet.host, out);
        let t = packet.host.since(self.origin);
        let Some(device) = self.devices.get_mut(usize::from(packet.device.0)) else {
            self.tech.push(TechEvent {
                t,
                device: None,
                kind: unknown_device(packet),
            });
            return;
        };
        self.readings.clear();
        if let Err(e) = device.decoder.decode(packet, &mut self.readings) {
            if device.faults == 0 {
                device.first_fault = e.to_string();
            }
            device.faults += 1;
        }
        device.aligner.push(
            packet.host,
            &self.readings,
            &mut self.samples,
            &mut self.tech,
        );
        self.sort_out(t);
    }

    /// A person's command arrived.
    pub fn command(&mut self, host: HostNs, command: Command, out: &mut Vec<Window>) {
        self.advance(host, out);
        self.commands.push(TimedCommand {
            t: host.since(self.origin),
            command,
        });
    }

    /// Time went on to `host`: windows that ended by then are appended to `out`.
    pub fn advance(&mut self, host: HostNs, out: &mut Vec<Window>) {
        let now = host.since(self.origin);
        if now.0 - self.end.0 > MOST_EMPTY * WINDOW_NS {
            let step_s = (now.0 - self.end.0) as f64 * 1e-9;
            self.tech.push(TechEvent {
                t: self.end,
                device: None,
                kind: TechKind::ClockReset { step_s },
            });
            return;
        }
        while now >= self.end {
            self.close(false, out);
        }
    }

    /// The session ends at `host`: the last window is appended to `out`.
    pub fn finish(&mut self, host: HostNs, out: &mut Vec<Window>) {
        self.advance(host, out);
        for device in &mut self.devices {
            device.aligner.finish(&mut self.samples);
        }
        self.sort_out(self.end);
        self.close(true, out);
    }

    /// Gives a window's buffers back to be filled again.
    pub fn recycle(&mut self, window: Window) {
        for mut batch in window.batches {
            batch.samples.clear();
            self.spare.push(batch.samples);
        }
    }

    /// Moves what the aligners gave to its streams.
    fn sort_out(&mut self, t: SessionNs) {
        for sample in self.samples.drain(..) {
            let stream = self.streams.entry(sample.stream).or_default();
            if stream.lost {
                stream.lost = false;
                let gap_s = stream
                    .newest
                    .map_or(0.0, |n| (sample.t.0 - n.0) as f64 * 1e-9);
                let kind = TechKind::SensorBack {
                    stream: sample.stream,
                    gap_s,
                };
                self.tech.push(TechEvent {
                    t,
                    device: Some(sample.stream.device),
                    kind,
                });
            }
            stream.newest = Some(sample.t);
            if stream.pending.capacity() == 0 {
                stream.pending = self.spare.pop().unwrap_or_default();
            }
            stream.pending.push(sample);
        }
    }

    fn close(&mut self, last: bool, out: &mut Vec<Window>) {
        let end = self.end;
        self.tell_faults(end);
        self.tell_silence(end);
        let mut batches = Vec::new();
        let mut named = Vec::new();
        for (id, stream) in &mut self.streams {
            if stream.pending.is_empty() {
                continue;
            }
            let samples = std::mem::take(&mut stream.pending);
            let count = samples.len() as u32;
            let first_sequence = stream.next_sequence;
            stream.next_sequence += u64::from(count);
            named.push(BatchRef {
                stream: *id,
                first_sequence,
                count,
            });
            batches.push(Batch {
                stream: *id,
                first_sequence,
                samples,
            });
        }
        out.push(Window {
            manifest: Manifest {
                index: self.index,
                end,
                commands: std::mem::take(&mut self.commands),
                tech: std::mem::take(&mut self.tech),
                batches: named,
                last,
            },
            batches,
        });
        self.index += 1;
        self.end = SessionNs(end.0 + WINDOW_NS);
    }

    fn tell_faults(&mut self, t: SessionNs) {
        for (i, device) in self.devices.iter_mut().enumerate() {
            let due = device
                .told
                .is_none_or(|told| t.0 - told.0 >= FAULT_EVERY_NS);
            if device.faults > 0 && due {
                let kind = TechKind::Undecodable {
                    packets: device.faults,
                    reason: std::mem::take(&mut device.first_fault),
                };
                self.tech.push(TechEvent {
                    t,
                    device: Some(DeviceIndex(i as u16)),
                    kind,
                });
                device.faults = 0;
                device.told = Some(t);
            }
        }
    }

    fn tell_silence(&mut self, t: SessionNs) {
        for (id, stream) in &mut self.streams {
            let allowed = match id.kind {
                StreamKind::Imu | StreamKind::Acc | StreamKind::Ecg => MOVEMENT_SILENT_NS,
                StreamKind::HeartRate => HEART_SILENT_NS,
                // Beats may pause and batteries report when they like.
                StreamKind::Rr | StreamKind::Battery => continue,
            };
            let Some(newest) = stream.newest else {
                continue;
            };
            let silent = t.0 - newest.0;
            if silent > allowed && !stream.lost {
                stream.lost = true;
                let kind = TechKind::SensorLost {
                    stream: *id,
                    silent_s: silent as f64 * 1e-9,
                };
                self.tech.push(TechEvent {
                    t,
                    device: Some(id.device),
                    kind,
                });
            }
        }
    }
}

fn unknown_device(packet: &Packet) -> TechKind {
    let reason = format!("sensor {} is not in the session's header", packet.device.0);
    TechKind::Undecodable { packets: 1, reason }
}
