//! WitMotion BLE 5 sensors (WT9011DCL, WT901BLE, BWT901BLE5): a byte stream of 20-byte frames.
//!
//! `55 61`: acceleration ±16 g, angular rate ±2000 deg/s, angles; `55 71`: eight registers. The frames
//! have no checksum, no time and no counter, and a header can occur inside data: a lost phase is only
//! found again by two headers 20 bytes apart. Samples carry their count. The sensor's own angles are
//! parsed and not passed on; of the registers only the battery's voltage is.

use super::{
    bytes::{i16_at, u16_at},
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{GattOp, Repeat},
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{DeviceTime, Measurand, Reading, Value},
    units::STANDARD_GRAVITY,
};

/// Notifications.
pub const NOTIFY: Uuid = Uuid(0x0000_ffe4_0000_1000_8000_0080_5f9a_34fb);
/// Commands.
pub const WRITE: Uuid = Uuid(0x0000_ffe9_0000_1000_8000_0080_5f9a_34fb);
const SERVICE: Uuid = Uuid(0x0000_ffe5_0000_1000_8000_0080_5f9a_34fb);

const FRAME: usize = 20;
const FULL_SCALE: f64 = 32768.0;
const RANGE_G: f64 = 16.0;
const RANGE_DPS: f64 = 2000.0;
const RANGE_ANGLE_DEG: f64 = 180.0;
/// A raw value this near the end of 16 bits stands at the end of the range.
const CLIPPED_RAW: u16 = 32_760;

/// The values of a `55 61` frame, as far as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Motion {
    raw: [i16; 9],
    present: usize,
}

impl Motion {
    fn triple(&self, from: usize, range: f64) -> Option<[f64; 3]> {
        (self.present >= from + 3)
            .then(|| [0, 1, 2].map(|i| f64::from(self.raw[from + i]) / FULL_SCALE * range))
    }

    /// Acceleration including gravity, g.
    #[must_use]
    pub fn acceleration_g(&self) -> Option<[f64; 3]> {
        self.triple(0, RANGE_G)
    }

    /// Angular rate, deg/s.
    #[must_use]
    pub fn angular_rate_dps(&self) -> Option<[f64; 3]> {
        self.triple(3, RANGE_DPS)
    }

    /// The sensor's own roll (0), pitch (1) or yaw (2), deg.
    #[must_use]
    pub fn angle_deg(&self, axis: usize) -> Option<f64> {
        let raw = self.raw[..self.present].get(6 + axis)?;
        Some(f64::from(*raw) / FULL_SCALE * RANGE_ANGLE_DEG)
    }

    fn clipped(&self) -> bool {
        self.raw[..6]
            .iter()
            .any(|v| v.unsigned_abs() >= CLIPPED_RAW)
    }
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// `55 61`
    Motion(Motion),
    /// `55 71`: the answer to a read command.
    Registers {
        /// Number of the first register.
        start: u16,
        /// Registers from there.
        values: [i16; 8],
    },
}

impl Frame {
    /// Reads one frame. A `55 61` frame may be cut short after any whole value.
    ///
    /// # Errors
    /// If the header is none or a register frame is cut off.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        match header(bytes) {
            Some(0x61) => {
                let mut raw = [0; 9];
                let mut present = 0;
                while present < raw.len() {
                    let Some(value) = i16_at(bytes, 2 + 2 * present) else {
                        break;
                    };
                    raw[present] = value;
                    present += 1;
                }
                Ok(Self::Motion(Motion { raw, present }))
            }
            Some(_) => registers(bytes),
            None => Err(DecodeError::Value {
                what: "witmotion frame header",
                value: u16_at(bytes, 0).unwrap_or_default().into(),
            }),
        }
    }
}

fn registers(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let short = DecodeError::Short {
        what: "witmotion registers",
        needed: FRAME,
        got: bytes.len(),
    };
    let start = u16_at(bytes, 2).ok_or(short)?;
    let mut values = [0; 8];
    for (i, value) in values.iter_mut().enumerate() {
        *value = i16_at(bytes, 4 + 2 * i).ok_or(short)?;
    }
    Ok(Frame::Registers { start, values })
}

/// The state of charge, if these registers hold the battery's voltage (0.01 V). Without load a cell never
/// has less than 2.5 V or more than 4.4 V.
fn battery(start: u16, values: &[i16; 8]) -> Option<Reading> {
    let at = BATTERY.checked_sub(start)?;
    let centivolt = *values.get(usize::from(at))?;
    let (_, percent) = (250..440).contains(&centivolt).then(|| {
        let reached = CHARGE.iter().find(|(from, _)| centivolt >= *from);
        reached.copied().unwrap_or_default()
    })?;
    Some(Reading {
        time: DeviceTime::Arrival,
        value: Value::Battery { percent },
    })
}

/// The frame type, if a frame may begin here.
fn header(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [0x55, kind @ (0x61 | 0x71), ..] => Some(*kind),
        _ => None,
    }
}

const UNLOCK: [u8; 5] = [0xff, 0xaa, 0x69, 0x88, 0xb5];
const SIX_AXES: [u8; 5] = [0xff, 0xaa, 0x24, 0x01, 0x00];
const READ_BATTERY: [u8; 5] = [0xff, 0xaa, 0x27, 0x64, 0x00];
/// Register of the battery's voltage.
const BATTERY: u16 = 0x64;
/// The maker's steps of a lithium cell: 0.01 V, %.
const CHARGE: [(i16, u8); 11] = [
    (396, 100),
    (393, 90),
    (387, 75),
    (382, 60),
    (379, 50),
    (377, 40),
    (373, 30),
    (370, 20),
    (368, 15),
    (350, 10),
    (340, 5),
];
/// Register of the output rate.
const RATE: u8 = 0x03;
/// What it holds for which rate, Hz. The makers' sheets disagree about 0A, so that is not used.
const RATES: [(u8, f64); 6] = [
    (0x05, 5.0),
    (0x06, 10.0),
    (0x07, 20.0),
    (0x08, 50.0),
    (0x09, 100.0),
    (0x0b, 200.0),
];

/// Code and Hz of the rate for a wish.
fn rate(wish: &Wish) -> (u8, f64) {
    let hz = wish.nearest_hz(RATES.map(|(_, hz)| hz), 100.0);
    let known = RATES.into_iter().find(|(_, rate)| *rate >= hz);
    known.unwrap_or((0x09, 100.0))
}

/// The WitMotion family.
pub struct WitMotion;

impl Driver for WitMotion {
    fn name(&self) -> &'static str {
        "witmotion"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert.services.contains(&SERVICE)
            || advert.name.starts_with("WT901")
            || advert.name.starts_with("BWT901")
    }

    /// Rate and six axes for this connection only: nothing is saved on the sensor.
    fn setup(&self, wish: &Wish) -> Vec<GattOp> {
        const MOTION: &[Measurand] = &[Measurand::Acceleration, Measurand::AngularRate];
        const SETTLE: GattOp = GattOp::PauseMs(100);
        vec![
            GattOp::subscribe(NOTIFY, MOTION),
            GattOp::write(WRITE, &UNLOCK[..]),
            SETTLE,
            GattOp::write(WRITE, &SIX_AXES[..]),
            SETTLE,
            GattOp::write(WRITE, vec![0xff, 0xaa, RATE, rate(wish).0, 0x00]),
            SETTLE,
            GattOp::write(WRITE, &READ_BATTERY[..]).or_skip(),
        ]
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![Repeat {
            every_ms: 300_000,
            ops: vec![GattOp::write(WRITE, &READ_BATTERY[..]).or_skip()],
        }]
    }

    fn nominal_hz(&self, wish: &Wish) -> f64 {
        rate(wish).1
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(WitMotionDecoder::default())
    }
}

/// What is left of the stream between notifications, and whether its first byte begins a frame.
#[derive(Debug)]
struct WitMotionDecoder {
    carry: Vec<u8>,
    in_phase: bool,
    count: u64,
    ignored: u64,
}

impl Default for WitMotionDecoder {
    fn default() -> Self {
        Self {
            carry: Vec::new(),
            // The stream of a new connection begins with a frame.
            in_phase: true,
            count: 0,
            ignored: 0,
        }
    }
}

impl Decoder for WitMotionDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if packet.characteristic != NOTIFY {
            return Err(DecodeError::Characteristic(packet.characteristic));
        }
        self.carry.extend_from_slice(&packet.bytes);
        let mut at = 0;
        while let Some(start) = self.frame_start(at) {
            self.ignored += (start - at) as u64;
            at = start;
            let Some(frame) = self.carry.get(at..at + FRAME) else {
                break;
            };
            let parsed = Frame::parse(frame);
            at += FRAME;
            match parsed {
                Ok(Frame::Motion(motion)) => self.push(&motion, out),
                Ok(Frame::Registers { start, values }) => out.extend(battery(start, &values)),
                Err(_) => {}
            }
        }
        self.drop_front(at);
        Ok(())
    }

    fn reset(&mut self) {
        self.carry.clear();
        self.in_phase = true;
        self.count = 0;
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

impl WitMotionDecoder {
    /// Where the next frame begins, `None` if that cannot be told from the bytes so far.
    fn frame_start(&mut self, at: usize) -> Option<usize> {
        let rest = &self.carry[at..];
        if rest.len() < 2 {
            return None;
        }
        if self.in_phase && header(rest).is_some() {
            return Some(at);
        }
        self.in_phase = false;
        let found = rest
            .windows(FRAME + 2)
            .position(|w| header(w).is_some() && header(&w[FRAME..]).is_some());
        self.in_phase = found.is_some();
        found.map(|offset| at + offset)
    }

    /// Keeps what may still begin a frame: all in phase, else as much as the next search needs.
    fn drop_front(&mut self, at: usize) {
        let mut used = at;
        if !self.in_phase {
            let useless = self.carry.len().saturating_sub(FRAME + 1);
            self.ignored += useless.saturating_sub(at) as u64;
            used = used.max(useless);
        }
        self.carry.drain(..used);
    }

    fn push(&mut self, motion: &Motion, out: &mut Vec<Reading>) {
        let (Some(g), Some(dps)) = (motion.acceleration_g(), motion.angular_rate_dps()) else {
            return;
        };
        out.push(Reading {
            time: DeviceTime::Count(self.count),
            value: Value::Imu {
                acceleration: g.map(|v| v * STANDARD_GRAVITY),
                angular_rate: dps.map(f64::to_radians),
                clipped: motion.clipped(),
            },
        });
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{packet::DeviceIndex, time::HostNs};

    fn frame(first: i16) -> Vec<u8> {
        let mut bytes = vec![0x55, 0x61];
        bytes.extend(first.to_le_bytes());
        bytes.resize(FRAME, 0);
        bytes
    }

    fn counts(decoder: &mut WitMotionDecoder, bytes: &[u8]) -> Vec<f64> {
        let packet = Packet {
            device: DeviceIndex(0),
            characteristic: NOTIFY,
            host: HostNs(0),
            bytes: bytes.into(),
        };
        let mut out = Vec::new();
        decoder.decode(&packet, &mut out).unwrap();
        out.iter()
            .map(|r| match r.value {
                Value::Imu { acceleration, .. } => {
                    (acceleration[0] / STANDARD_GRAVITY * FULL_SCALE / RANGE_G).round()
                }
                _ => panic!("{r:?}"),
            })
            .collect()
    }

    #[test]
    fn frames_may_be_packed_and_split_anywhere() {
        let stream: Vec<u8> = (1..=8).flat_map(frame).collect();
        for size in 1..stream.len() {
            let mut decoder = WitMotionDecoder::default();
            let got: Vec<f64> = stream
                .chunks(size)
                .flat_map(|c| counts(&mut decoder, c))
                .collect();
            assert_eq!(got, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "{size}");
            assert_eq!(decoder.ignored, 0);
        }
    }

    #[test]
    fn a_lost_phase_needs_two_headers_a_frame_apart() {
        let mut decoder = WitMotionDecoder::default();
        // Five bytes are missing, and what is left holds a header inside data.
        let mut stream = frame(1)[5..].to_vec();
        stream[3] = 0x55;
        stream[4] = 0x61;
        stream.extend((2..=4).flat_map(frame));
        assert_eq!(counts(&mut decoder, &stream), [2.0, 3.0, 4.0]);
        assert_eq!(decoder.ignored, 15);
    }

    #[test]
    fn noise_is_not_kept() {
        let mut decoder = WitMotionDecoder::default();
        for _ in 0..100 {
            counts(&mut decoder, &[0x55; 160]);
        }
        assert!(decoder.carry.len() <= FRAME + 2);
    }

    #[test]
    fn the_voltage_register_is_the_battery_and_others_are_not() {
        let percent = |start, centivolt| {
            let mut values = [0; 8];
            values[0] = centivolt;
            battery(start, &values).map(|r| r.value)
        };
        assert_eq!(percent(0x64, 400), Some(Value::Battery { percent: 100 }));
        assert_eq!(percent(0x64, 369), Some(Value::Battery { percent: 15 }));
        assert_eq!(percent(0x64, 300), Some(Value::Battery { percent: 0 }));
        assert_eq!(percent(0x64, 0), None);
        assert_eq!(percent(0x3a, 400), None);
    }

    #[test]
    fn an_axis_at_the_end_of_its_range_is_marked() {
        let Ok(Frame::Motion(motion)) = Frame::parse(&frame(i16::MIN)) else {
            panic!("no motion frame")
        };
        assert!(motion.clipped());
    }
}
