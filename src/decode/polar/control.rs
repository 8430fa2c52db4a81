//! The control point of Polar measurement data: features, settings, commands, replies.
//!
//! Numbers as the device states them (Hz, bit, g or deg/s, milli-units). Replies that come in several
//! indications are joined by whoever talks to the device.

use super::frame::Measurement;
use crate::decode::{
    bytes::{u16_at, u32_at},
    driver::DecodeError,
};

const FEATURES: u8 = 0x0f;
const REPLY: u8 = 0xf0;
const STOPPED: u8 = 0x01;

/// What is asked of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation(pub u8);

impl Operation {
    /// Which settings a measurement allows.
    pub const SETTINGS: Operation = Operation(1);
    /// Start a measurement.
    pub const START: Operation = Operation(2);
    /// Stop it.
    pub const STOP: Operation = Operation(3);

    /// A word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            1 => "settings",
            2 => "start",
            3 => "stop",
            4 => "sdk_settings",
            5 => "status",
            6 => "sdk_status",
            _ => "unknown",
        }
    }
}

/// A value of the control point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlPoint<'a> {
    /// What the device can measure: one bit a measurement.
    Features(u16),
    /// The answer to a command.
    Reply(Reply<'a>),
    /// The device itself stopped these measurements (codes).
    Stopped(&'a [u8]),
}

/// The answer to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Which command.
    pub operation: Operation,
    /// Code of the measurement.
    pub measurement: u8,
    /// 0 = done, 6 = already so, 10 = the link's MTU is too small; others are refusals.
    pub status: u8,
    /// Further indications follow; 0 = none.
    pub more: u8,
    /// Settings, if the command gives any.
    pub parameters: &'a [u8],
}

impl<'a> ControlPoint<'a> {
    /// Reads a value that the control point gave.
    ///
    /// # Errors
    /// If it is cut off or of no known kind.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let short = |needed| DecodeError::Short {
            what: "control point value",
            needed,
            got: bytes.len(),
        };
        match bytes {
            [FEATURES, low, rest @ ..] => {
                let high = rest.first().copied().unwrap_or_default();
                Ok(Self::Features(u16::from_le_bytes([*low, high])))
            }
            [REPLY, operation, measurement, status, rest @ ..] => {
                let (more, parameters) = rest.split_first().unwrap_or((&0, &[]));
                Ok(Self::Reply(Reply {
                    operation: Operation(*operation),
                    measurement: *measurement,
                    status: *status,
                    more: *more,
                    parameters,
                }))
            }
            [STOPPED, codes @ ..] => Ok(Self::Stopped(codes)),
            [FEATURES] => Err(short(2)),
            [REPLY, ..] => Err(short(4)),
            [other, ..] => Err(DecodeError::Value {
                what: "control point value",
                value: (*other).into(),
            }),
            [] => Err(short(1)),
        }
    }
}

/// A feature mask names this measurement or mode: bit = code.
#[must_use]
pub fn offers(mask: u16, measurement: Measurement) -> bool {
    // From bit 8 on the bits are modes; of these only that of raw data stands at its own code.
    let stated = (measurement as u8) < 8 || measurement == Measurement::SdkMode;
    stated && mask >> (measurement as u8) & 1 == 1
}

/// The measurements and modes that a feature mask names, in the order of their codes.
pub fn features(mask: u16) -> impl Iterator<Item = Measurement> {
    Measurement::ALL
        .into_iter()
        .filter(move |m| offers(mask, *m))
}

/// A command written to the control point: operation and code of the measurement.
///
/// # Errors
/// If it is cut off.
pub fn command(bytes: &[u8]) -> Result<(Operation, u8), DecodeError> {
    match bytes {
        [operation, measurement, ..] => Ok((Operation(*operation), measurement & 0x3f)),
        _ => Err(DecodeError::Short {
            what: "control point command",
            needed: 2,
            got: bytes.len(),
        }),
    }
}

/// What a measurement allows, or what it runs with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// Sample rates, Hz.
    pub rate_hz: Vec<u16>,
    /// Resolutions, bit.
    pub resolution_bit: Vec<u16>,
    /// Ranges, ± g or deg/s.
    pub range: Vec<u16>,
    /// Ranges in thousandths.
    pub range_milli: Vec<u32>,
    /// Numbers of channels.
    pub channels: Vec<u8>,
    /// What a raw value is multiplied with.
    pub factor: Vec<f32>,
}

impl Settings {
    /// Reads a list of {id u8, count u8, values}. One byte over is the padding that straps send.
    ///
    /// # Errors
    /// If a setting is unknown or cut off.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut settings = Self::default();
        let mut at = 0;
        while let Some(&[id, count]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            at += 2;
            let width = width(id)?;
            let end = at + width * usize::from(count);
            let values = bytes.get(at..end).ok_or(DecodeError::Short {
                what: "settings",
                needed: end,
                got: bytes.len(),
            })?;
            settings.add(id, values);
            at = end;
        }
        Ok(settings)
    }

    fn add(&mut self, id: u8, values: &[u8]) {
        let shorts = || values.chunks_exact(2).filter_map(|v| u16_at(v, 0));
        let longs = || values.chunks_exact(4).filter_map(|v| u32_at(v, 0));
        match id {
            0 => self.rate_hz.extend(shorts()),
            1 => self.resolution_bit.extend(shorts()),
            2 => self.range.extend(shorts()),
            3 => self.range_milli.extend(longs()),
            4 => self.channels.extend(values),
            5 => self.factor.extend(longs().map(f32::from_bits)),
            _ => {}
        }
    }
}

/// Bytes a value of the setting has.
fn width(id: u8) -> Result<usize, DecodeError> {
    match id {
        0..=2 => Ok(2),
        3 | 5 => Ok(4),
        4 => Ok(1),
        6 => Ok(16),
        other => Err(DecodeError::Value {
            what: "setting",
            value: other.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_stop_by_itself() {
        assert_eq!(
            ControlPoint::parse(&[1, 1, 2]),
            Ok(ControlPoint::Stopped(&[1, 2]))
        );
    }

    #[test]
    fn channels_are_one_byte_wide_and_padding_is_none() {
        let settings = Settings::parse(&[4, 1, 3, 0, 1, 0x34, 0, 0]).unwrap();
        assert_eq!(settings.channels, [3]);
        assert_eq!(settings.rate_hz, [52]);
        assert!(Settings::parse(&[0, 2, 0x34, 0]).is_err());
        assert!(Settings::parse(&[9, 1, 0, 0]).is_err());
    }
}
