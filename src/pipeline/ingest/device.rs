//! One device of a session: its decoder, its aligner, the samples of the window that is open.

use super::{
    DeviceStats, IngestError, Moment, known_drivers, late,
    watch::{self, Silence, Undecodable},
};
use crate::{
    align::{self, DeviceAligner},
    decode::{self, DecodeError, Decoder},
    model::{
        link::LinkChange,
        packet::{DeviceIndex, Packet},
        reading::{Reading, Value},
        sample::{Sample, StreamId, StreamKind},
        session::{Sensor, TechEvent, TechKind},
        time::HostNs,
        window::Batch,
    },
};

/// At and below this charge a battery is low, %.
const BATTERY_LOW: f32 = 15.0;
/// Above this charge it no longer is, %.
const BATTERY_FINE: f32 = 20.0;

/// One stream of the device.
#[derive(Debug, Default)]
struct Stream {
    next_sequence: u64,
    open: Vec<Sample>,
    silence: Silence,
    late: u32,
}

/// One device.
pub(super) struct Device {
    index: DeviceIndex,
    origin: HostNs,
    decoder: Box<dyn Decoder>,
    aligner: DeviceAligner,
    streams: [Stream; 6],
    undecodable: Undecodable,
    packets: u64,
    /// When its last packet came.
    last: HostNs,
    battery_low: bool,
    /// Its link was closed with the session: that it is silent is no loss.
    closed: bool,
    readings: Vec<Reading>,
    samples: Vec<Sample>,
}

impl Device {
    pub(super) fn new(
        index: DeviceIndex,
        sensor: &Sensor,
        params: &align::Params,
        origin: HostNs,
    ) -> Result<Self, IngestError> {
        let alias = || sensor.alias.clone();
        let driver = decode::driver(&sensor.driver).ok_or_else(|| IngestError::UnknownDriver {
            alias: alias(),
            driver: sensor.driver.clone(),
            known: known_drivers(),
        })?;
        let nominal_hz = sensor.nominal_hz;
        if !(0.0..=100_000.0).contains(&nominal_hz) {
            return Err(IngestError::NominalRate {
                alias: alias(),
                nominal_hz,
            });
        }
        Ok(Self {
            index,
            origin,
            decoder: driver.decoder(),
            aligner: DeviceAligner::new(index, params, nominal_hz, origin),
            streams: Default::default(),
            undecodable: Undecodable::default(),
            packets: 0,
            last: origin,
            battery_low: false,
            closed: false,
            readings: Vec::new(),
            samples: Vec::new(),
        })
    }

    pub(super) fn refuse(&mut self, reason: DecodeError) {
        self.packets += 1;
        self.undecodable.count(reason);
    }

    pub(super) fn packet(
        &mut self,
        packet: &Packet,
        tech: &mut Vec<TechEvent>,
        spare: &mut Vec<Vec<Sample>>,
    ) {
        if !self.decode(packet) {
            return;
        }
        self.aligner
            .push(packet.host, &self.readings, &mut self.samples, tech);
        self.sort_in(packet.host, tech, spare);
    }

    /// A connection begins with a decoder that knows nothing; the clock's map stays, the device may have gone on.
    pub(super) fn link(&mut self, host: HostNs, change: &LinkChange, tech: &mut Vec<TechEvent>) {
        let kind = match change {
            LinkChange::Up => {
                self.release(tech);
                self.decoder.reset();
                self.closed = false;
                TechKind::LinkUp
            }
            LinkChange::Closed => {
                self.closed = true;
                return;
            }
            LinkChange::Down { reason } => TechKind::LinkDown {
                reason: reason.clone(),
            },
            LinkChange::Overflow { packets } => TechKind::PacketsLost { packets: *packets },
        };
        tech.push(TechEvent {
            t: host.since(self.origin),
            device: Some(self.index),
            kind,
        });
    }

    /// What the decoder held back, at the instant of its last packet: nothing more of that connection comes.
    fn release(&mut self, tech: &mut Vec<TechEvent>) {
        self.readings.clear();
        self.decoder.finish(&mut self.readings);
        if !self.readings.is_empty() {
            self.aligner
                .push(self.last, &self.readings, &mut self.samples, tech);
        }
    }

    /// Counts what a packet holds that came long after its window was closed.
    pub(super) fn late(&mut self, packet: &Packet) {
        if !self.decode(packet) {
            return;
        }
        for reading in &self.readings {
            if let Some(kind) = kind(reading.value) {
                let late = &mut self.streams[kind as usize].late;
                *late = late.saturating_add(1);
            }
        }
    }

    fn decode(&mut self, packet: &Packet) -> bool {
        self.packets += 1;
        self.last = self.last.max(packet.host);
        self.readings.clear();
        match self.decoder.decode(packet, &mut self.readings) {
            Ok(()) => true,
            Err(reason) => {
                self.undecodable.count(reason);
                false
            }
        }
    }

    pub(super) fn finish(
        &mut self,
        host: HostNs,
        tech: &mut Vec<TechEvent>,
        spare: &mut Vec<Vec<Sample>>,
    ) {
        self.release(tech);
        self.aligner.finish(&mut self.samples, tech);
        self.sort_in(host, tech, spare);
    }

    /// Puts the samples of one packet into the open batches of their streams.
    fn sort_in(&mut self, host: HostNs, tech: &mut Vec<TechEvent>, spare: &mut Vec<Vec<Sample>>) {
        let mut heard = [false; 6];
        for sample in self.samples.drain(..) {
            let kind = sample.stream.kind as usize;
            heard[kind] = true;
            let open = &mut self.streams[kind].open;
            if open.is_empty()
                && open.capacity() == 0
                && let Some(memory) = spare.pop()
            {
                *open = memory;
            }
            open.push(sample);
        }
        for kind in StreamKind::ALL {
            if heard[kind as usize] {
                self.heard(kind, host, tech);
            }
        }
    }

    fn heard(&mut self, kind: StreamKind, host: HostNs, tech: &mut Vec<TechEvent>) {
        let stream = StreamId {
            device: self.index,
            kind,
        };
        let t = host.since(self.origin);
        if let Some(gap_s) = self.streams[kind as usize].silence.heard(host) {
            tech.push(watch::event(
                stream,
                t,
                TechKind::SensorBack { stream, gap_s },
            ));
        }
        if kind == StreamKind::Battery
            && let Some(percent) = self.streams[kind as usize].open.last().map(|s| s.values[0])
        {
            if percent <= BATTERY_LOW && !self.battery_low {
                let percent = percent as u8;
                tech.push(watch::event(stream, t, TechKind::BatteryLow { percent }));
            }
            self.battery_low =
                percent <= BATTERY_LOW || self.battery_low && percent <= BATTERY_FINE;
        }
    }

    /// The window ends: its batches go to `batches`, its events to `tech`.
    pub(super) fn close(
        &mut self,
        moment: Moment,
        tech: &mut Vec<TechEvent>,
        spare: &mut Vec<Vec<Sample>>,
        batches: &mut Vec<Batch>,
    ) {
        self.aligner.tick(moment.end, &mut self.samples, tech);
        self.sort_in(moment.end, tech, spare);
        self.undecodable.report(Some(self.index), moment, tech);
        for kind in StreamKind::ALL {
            let id = StreamId {
                device: self.index,
                kind,
            };
            self.check_silence(id, moment, tech);
            let stream = &mut self.streams[kind as usize];
            if stream.late > 0 {
                tech.push(late(id, moment.now, std::mem::take(&mut stream.late)));
            }
            if !stream.open.is_empty() {
                let samples = std::mem::take(&mut stream.open);
                let first_sequence = stream.next_sequence;
                stream.next_sequence += samples.len() as u64;
                batches.push(Batch {
                    stream: id,
                    first_sequence,
                    samples,
                });
            }
        }
    }

    fn check_silence(&mut self, stream: StreamId, moment: Moment, tech: &mut Vec<TechEvent>) {
        let last = |kind: StreamKind| self.streams[kind as usize].silence.last();
        // Acceleration that found its angular rate goes on in the other stream.
        if self.closed
            || stream.kind == StreamKind::Acc && last(StreamKind::Imu) > last(StreamKind::Acc)
        {
            return;
        }
        let silence = &mut self.streams[stream.kind as usize].silence;
        if let Some(silent_s) = silence.check(stream.kind, moment.end) {
            let t = moment.now;
            tech.push(watch::event(
                stream,
                t,
                TechKind::SensorLost { stream, silent_s },
            ));
        }
    }

    pub(super) fn stats(&self) -> DeviceStats {
        let rate = |kind| Some((kind, self.aligner.rate_hz(kind)?));
        DeviceStats {
            packets: self.packets,
            undecodable: self.undecodable.total(),
            ignored_bytes: self.decoder.ignored_bytes(),
            dropped: self.aligner.dropped(),
            clock: self.aligner.clock(),
            rates_hz: StreamKind::ALL.into_iter().filter_map(rate).collect(),
        }
    }
}

/// The stream that a value would have gone to.
fn kind(value: Value) -> Option<StreamKind> {
    match value {
        Value::Imu { .. } => Some(StreamKind::Imu),
        Value::Acceleration { .. } => Some(StreamKind::Acc),
        Value::HeartRate { .. } => Some(StreamKind::HeartRate),
        Value::RrInterval { .. } | Value::PulseInterval { .. } => Some(StreamKind::Rr),
        Value::Ecg { .. } => Some(StreamKind::Ecg),
        Value::Battery { .. } => Some(StreamKind::Battery),
        Value::AngularRate { .. } | Value::MagneticField { .. } => None,
    }
}
