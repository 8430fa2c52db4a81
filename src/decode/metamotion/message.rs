//! Notifications of MetaMotion boards: module, register, payload. Numbers as sent, scales not applied.
//!
//! Acceleration 03, angular rate 13, field 15, fusion 19: three signed 16-bit numbers a sample, three
//! samples in a packed notification; the board's own fusion sends floats. 09 are values that went
//! through a processor which put the board's tick before them. Registers differ between the two
//! generations of motion chip; the length tells packed from single.

use crate::decode::{
    bytes::{f32_at, i16x3_at, u16_at, u32_at},
    driver::DecodeError,
};

/// Acceleration.
pub const ACCELEROMETER: u8 = 0x03;
/// Processors on the board.
pub const PROCESSOR: u8 = 0x09;
/// Settings, battery among them.
pub const SETTINGS: u8 = 0x11;
/// Angular rate.
pub const GYROSCOPE: u8 = 0x13;
/// Magnetic field.
pub const MAGNETOMETER: u8 = 0x15;
/// The board's own fusion.
pub const FUSION: u8 = 0x19;
/// Register bit of an answer to a read.
pub const ANSWER: u8 = 0x80;

/// One tick of the board's clock is 48 periods of 32 768 Hz.
const NS_PER_FOUR_TICKS: i64 = 5_859_375;

/// One notification.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Message<'a> {
    /// What stands behind a module; `None`: there is no such module.
    Module {
        /// Which.
        module: u8,
        /// Which chip, which revision of its driver.
        chip: Option<[u8; 2]>,
    },
    /// One or three samples.
    Samples {
        /// Of which module.
        module: u8,
        /// The samples.
        raw: Samples<'a>,
    },
    /// A value of the board's fusion.
    Fusion {
        /// Which: 4 acceleration (mg), 5 angular rate, 6 field, 7 quaternion, 8 angles, 9 gravity, 10 rest.
        register: u8,
        /// Numbers; the fourth is 0 where there are three.
        values: [f64; 4],
        /// How many there are.
        count: usize,
        /// 0 (poor) to 3, where it is stated.
        accuracy: Option<u8>,
    },
    /// A processor was made.
    Created {
        /// Its number.
        processor: u8,
    },
    /// A sample with the board's time.
    Ticked {
        /// Which processor.
        processor: u8,
        /// The board's clock, modulo 2^32.
        tick: u32,
        /// The sample.
        raw: [i16; 3],
    },
    /// State of charge.
    Battery {
        /// %
        percent: u8,
        /// mV
        millivolt: u16,
    },
    /// Anything else.
    Other,
}

/// Samples of a notification, three numbers each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Samples<'a>(&'a [u8]);

impl Samples<'_> {
    /// One sample after the other.
    pub fn iter(&self) -> impl Iterator<Item = [i16; 3]> {
        self.0.chunks_exact(6).filter_map(|s| i16x3_at(s, 0))
    }
}

impl<'a> Message<'a> {
    /// Reads one notification.
    ///
    /// # Errors
    /// If it is cut off, or a sample is not whole.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let short = |needed| short(needed, bytes);
        let (&[module, register], payload) = bytes.split_first_chunk().ok_or(short(2))?;
        Ok(match (module, register) {
            (_, ANSWER) => Self::Module {
                module,
                chip: payload.first_chunk().copied(),
            },
            (ACCELEROMETER, 0x04 | 0x05 | 0x1c)
            | (GYROSCOPE, 0x04 | 0x05 | 0x07)
            | (MAGNETOMETER, 0x05 | 0x09) => match payload.len() {
                6 | 18 => Self::Samples {
                    module,
                    raw: Samples(payload),
                },
                0..18 => return Err(short(if payload.len() < 6 { 8 } else { 20 })),
                more => {
                    return Err(DecodeError::Trailing {
                        what: "board samples",
                        bytes: more - 18,
                    });
                }
            },
            (FUSION, 0x04..=0x0a) => fusion(register, bytes)?,
            (PROCESSOR, 0x02) => Self::Created {
                processor: *payload.first().ok_or(short(3))?,
            },
            (PROCESSOR, 0x03) => Self::Ticked {
                processor: *payload.first().ok_or(short(3))?,
                tick: u32_at(payload, 1).ok_or(short(7))?,
                raw: i16x3_at(payload, 5).ok_or(short(13))?,
            },
            (SETTINGS, 0x8c) => Self::Battery {
                percent: *payload.first().ok_or(short(3))?,
                millivolt: u16_at(payload, 1).ok_or(short(5))?,
            },
            _ => Self::Other,
        })
    }
}

fn short(needed: usize, bytes: &[u8]) -> DecodeError {
    DecodeError::Short {
        what: "board notification",
        needed,
        got: bytes.len(),
    }
}

fn fusion(register: u8, bytes: &[u8]) -> Result<Message<'static>, DecodeError> {
    let count = if matches!(register, 0x07 | 0x08) {
        4
    } else {
        3
    };
    let mut values = [0.0; 4];
    for (i, value) in values.iter_mut().take(count).enumerate() {
        let at = 2 + 4 * i;
        *value = f32_at(bytes, at).ok_or(short(at + 4, bytes))?.into();
    }
    let accuracy = match register {
        0x04..=0x06 => Some(*bytes.get(14).ok_or(short(15, bytes))?),
        _ => None,
    };
    Ok(Message::Fusion {
        register,
        values,
        count,
        accuracy,
    })
}

/// The board's time of an unwrapped tick, ns.
#[must_use]
pub const fn tick_ns(tick: i64) -> i64 {
    // 64 bits hold 52 000 years of it.
    tick.saturating_mul(NS_PER_FOUR_TICKS) / 4
}
