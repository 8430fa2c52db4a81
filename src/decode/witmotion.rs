//! WitMotion BLE 5 (WT9011DCL and relatives): a byte stream of 20-byte frames without checksum, time or
//! counter.
//!
//! `55 61`: acceleration /32768 x 16 g, angular rate /32768 x 2000 deg/s, angles (left out here: the
//! maker's own filter). `55 71`: registers on request (left out). Frames may be split over
//! notifications or packed into one; because `55 61` can also stand inside data, a new phase is taken
//! only when two headers stand 20 bytes apart.

use super::{Advert, DecodeError, Decoder, Driver, GattOp, heart_rate};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{DeviceTime, Reading, Value},
    units::STANDARD_GRAVITY,
};

/// Notifications.
pub const NOTIFY: Uuid = Uuid(0x0000_ffe4_0000_1000_8000_0080_5f9a_34fb);
/// Commands.
pub const WRITE: Uuid = Uuid(0x0000_ffe9_0000_1000_8000_0080_5f9a_34fb);
/// The family's service.
pub const SERVICE: Uuid = Uuid(0x0000_ffe5_0000_1000_8000_0080_5f9a_34fb);

const FRAME: usize = 20;
const HEAD: u8 = 0x55;
const MOTION: u8 = 0x61;
const REGISTERS: u8 = 0x71;
const ACCELERATION_PER_LSB: f64 = 16.0 * STANDARD_GRAVITY / 32768.0;
/// Degrees per second per LSB; converted where used.
const DEG_S_PER_LSB: f64 = 2000.0 / 32768.0;
/// Raw values at or past these stand at the end of the range.
const CLIP: i16 = 32_700;

/// Acceleration (m/s²), angular rate (rad/s), angles roll-pitch-yaw (rad) and whether an axis is clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// m/s²
    pub acceleration: [f64; 3],
    /// rad/s
    pub angular_rate: [f64; 3],
    /// rad, the device's own filter; absent in a frame cut after the rates.
    pub angles: [f64; 3],
    /// An axis of acceleration or rate stands at the end of its range.
    pub clipped: bool,
}

/// Reads the nine numbers of a `55 61` frame, header included.
///
/// # Errors
/// Too short, or another header.
pub fn motion(frame: &[u8]) -> Result<Motion, DecodeError> {
    let body = match frame {
        [HEAD, MOTION, body @ ..] => body,
        [a, b, ..] => {
            let value = i64::from(u16::from_be_bytes([*a, *b]));
            return Err(DecodeError::Value {
                what: "witmotion header",
                value,
            });
        }
        _ => &[],
    };
    if body.len() < FRAME - 2 {
        return Err(DecodeError::Short {
            what: "witmotion frame",
            need: FRAME,
            have: frame.len(),
        });
    }
    let mut raw = [0_i16; 9];
    for (value, pair) in raw.iter_mut().zip(body.chunks_exact(2)) {
        *value = i16::from_le_bytes([pair[0], pair[1]]);
    }
    let triple = |from: usize, scale: f64| [0, 1, 2].map(|i| f64::from(raw[from + i]) * scale);
    Ok(Motion {
        acceleration: triple(0, ACCELERATION_PER_LSB),
        angular_rate: triple(3, DEG_S_PER_LSB.to_radians()),
        angles: triple(6, (180.0_f64 / 32768.0).to_radians()),
        clipped: raw[..6].iter().any(|v| v.saturating_abs() >= CLIP),
    })
}

/// WitMotion BLE 5.
pub struct WitMotion;

impl Driver for WitMotion {
    fn name(&self) -> &'static str {
        "witmotion"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert.services.contains(&SERVICE)
            || advert.name.as_deref().is_some_and(|n| n.starts_with("WT"))
    }

    fn setup(&self) -> &'static [GattOp] {
        // Unlock, 100 Hz, six axes (no magnetometer indoors); the stream runs once notified.
        &[
            GattOp::Subscribe(NOTIFY),
            GattOp::Write(WRITE, &[0xff, 0xaa, 0x69, 0x88, 0xb5]),
            GattOp::Write(WRITE, &[0xff, 0xaa, 0x03, 0x09, 0x00]),
            GattOp::Write(WRITE, &[0xff, 0xaa, 0x24, 0x01, 0x00]),
        ]
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(StreamDecoder {
            buffer: Vec::with_capacity(4 * FRAME),
            in_phase: false,
            frames: 0,
        })
    }
}

/// The byte stream of one connection.
struct StreamDecoder {
    buffer: Vec<u8>,
    in_phase: bool,
    frames: u64,
}

/// Longest tail kept: more is not a stream of this family.
const KEEP: usize = 8 * FRAME;

impl Decoder for StreamDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if packet.characteristic != NOTIFY {
            return heart_rate::standard(packet, out);
        }
        if packet.bytes.is_empty() {
            return Err(DecodeError::Short {
                what: "witmotion notification",
                need: 1,
                have: 0,
            });
        }
        self.buffer.extend_from_slice(&packet.bytes);
        let mut at = 0;
        while self.buffer.len() - at >= FRAME {
            at += self.step(at, out);
        }
        self.buffer.drain(..at);
        if self.buffer.len() > KEEP {
            self.reset();
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.buffer.clear();
        self.in_phase = false;
    }
}

impl StreamDecoder {
    /// Handles the frame at `at`; how many bytes it was.
    fn step(&mut self, at: usize, out: &mut Vec<Reading>) -> usize {
        let rest = &self.buffer[at..];
        if !is_header(rest) || !(self.in_phase || confirmed(rest)) {
            self.in_phase = false;
            return 1;
        }
        self.in_phase = true;
        if let Ok(m) = motion(&rest[..FRAME]) {
            out.push(Reading {
                time: DeviceTime::Count(self.frames),
                value: Value::Imu {
                    acceleration: m.acceleration,
                    angular_rate: m.angular_rate,
                    clipped: m.clipped,
                },
            });
            self.frames += 1;
        }
        FRAME
    }
}

fn is_header(bytes: &[u8]) -> bool {
    matches!(bytes, [HEAD, MOTION | REGISTERS, ..])
}

/// The next frame begins where it should, or the bytes end exactly with this one.
fn confirmed(rest: &[u8]) -> bool {
    rest.len() == FRAME || is_header(&rest[FRAME..])
}
