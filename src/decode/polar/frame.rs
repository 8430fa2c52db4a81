//! Polar measurement data (PMD) frames: header, the table of sample layouts, samples as integers.
//!
//! Header: type u8, u64 ns since 2000 of the LAST sample, frame type u8 (bit 7 = delta-compressed).
//! Integers as sent; what they mean is in [`Layout::number`]. No scaling, no instants.

use super::delta::{self, Shape};
use crate::decode::{
    bytes::{signed, u16_at, u64_at},
    driver::DecodeError,
};

const HEADER: usize = 10;
const TYPE_MASK: u8 = 0x3f;
const COMPRESSED: u8 = 0x80;

/// What a device can measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Measurement {
    /// Electrocardiogram.
    Ecg = 0,
    /// Photoplethysmogram.
    Ppg = 1,
    /// Acceleration.
    Acc = 2,
    /// Pulse-to-pulse intervals.
    Ppi = 3,
    /// Angular rate.
    Gyro = 5,
    /// Magnetic field.
    Mag = 6,
    /// Skin temperature.
    SkinTemperature = 7,
    /// Not a measurement: the mode with raw rates and ranges.
    SdkMode = 9,
    /// Position.
    Location = 10,
    /// Air pressure.
    Pressure = 11,
    /// Temperature.
    Temperature = 12,
}

impl Measurement {
    /// All, in the order of their codes.
    pub const ALL: [Measurement; 11] = [
        Self::Ecg,
        Self::Ppg,
        Self::Acc,
        Self::Ppi,
        Self::Gyro,
        Self::Mag,
        Self::SkinTemperature,
        Self::SdkMode,
        Self::Location,
        Self::Pressure,
        Self::Temperature,
    ];

    /// The measurement with that code; the upper two bits are not part of it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|m| *m as u8 == code & TYPE_MASK)
    }

    /// The maker's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecg => "ECG",
            Self::Ppg => "PPG",
            Self::Acc => "ACC",
            Self::Ppi => "PPI",
            Self::Gyro => "GYRO",
            Self::Mag => "MAG",
            Self::SkinTemperature => "SKIN_TEMP",
            Self::SdkMode => "SDK_MODE",
            Self::Location => "LOCATION",
            Self::Pressure => "PRESSURE",
            Self::Temperature => "TEMPERATURE",
        }
    }
}

/// What the integers of a sample are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Whole units of the measurement: µV, mg, raw light.
    Units,
    /// Multiplied by the factor of the start reply they are g, deg/s or gauss.
    Scaled,
    /// Bit patterns of 32-bit floats.
    Float,
    /// mG (milligauss), and a calibration status as the last channel.
    MilliWithStatus,
    /// Interval record: bpm, interval ms, error ms, blocked, contact, contact supported.
    Interval,
}

/// How the samples of one frame type lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Channels and width.
    pub shape: Shape,
    /// What they are.
    pub number: Number,
}

/// Bytes of a raw interval record.
const INTERVAL_BYTES: usize = 6;
/// Values of a decoded interval record.
const INTERVAL_VALUES: usize = 6;

fn layout(measurement: Measurement, compressed: bool, frame_type: u8) -> Option<Layout> {
    use Measurement as M;
    use Number as N;
    let (channels, bytes, number) = match (measurement, compressed, frame_type) {
        (M::Ecg, false, 0) => (1, 3, N::Units),
        (M::Acc, false, 0) => (3, 1, N::Units),
        (M::Acc, _, 1) => (3, 2, N::Units),
        (M::Acc, false, 2) => (3, 3, N::Units),
        (M::Acc | M::Gyro | M::Mag, true, 0) => (3, 2, N::Scaled),
        (M::Gyro, true, 1) => (3, 4, N::Float),
        (M::Mag, true, 1) => (4, 2, N::MilliWithStatus),
        (M::Ppg, _, 0) => (4, 3, N::Units),
        (M::Ppg, true, 7) => (17, 3, N::Units),
        (M::Ppg, true, 8) => (25, 3, N::Units),
        (M::Ppi, false, 0) => (1, INTERVAL_BYTES, N::Interval),
        (M::Pressure | M::Temperature | M::SkinTemperature, _, 0) => (1, 4, N::Float),
        _ => return None,
    };
    let shape = Shape { channels, bytes };
    Some(Layout { shape, number })
}

/// One frame, samples not yet unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What is measured.
    pub measurement: Measurement,
    /// Instant of the last sample, ns on the device's clock.
    pub timestamp_ns: u64,
    /// Delta-compressed.
    pub compressed: bool,
    /// Number of the layout.
    pub frame_type: u8,
    /// How the samples lie.
    pub layout: Layout,
    /// The samples as sent.
    pub data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is cut off, or names a measurement or layout that is not known.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::Short {
            what: "measurement frame header",
            needed: HEADER,
            got: bytes.len(),
        };
        let (Some(timestamp_ns), Some(&[code]), Some(&kind)) =
            (u64_at(bytes, 1), bytes.first_chunk(), bytes.get(9))
        else {
            return Err(short);
        };
        let measurement = Measurement::from_code(code).ok_or(DecodeError::Value {
            what: "measurement type",
            value: code.into(),
        })?;
        let compressed = kind & COMPRESSED != 0;
        let frame_type = kind & !COMPRESSED;
        let layout =
            layout(measurement, compressed, frame_type).ok_or(DecodeError::Unsupported {
                what: "measurement and frame type",
                value: u64::from(code) << 8 | u64::from(kind),
            })?;
        Ok(Self {
            measurement,
            timestamp_ns,
            compressed,
            frame_type,
            layout,
            data: &bytes[HEADER..],
        })
    }

    /// Values a decoded sample has.
    #[must_use]
    pub const fn channels(&self) -> usize {
        match self.layout.number {
            Number::Interval => INTERVAL_VALUES,
            _ => self.layout.shape.channels,
        }
    }

    /// Replaces `out` with the samples, [`Frame::channels`] values each; gives the bytes left over.
    ///
    /// # Errors
    /// If the samples are cut off.
    pub fn samples(&self, out: &mut Vec<i32>) -> Result<usize, DecodeError> {
        if self.compressed {
            return delta::decompress(self.data, self.layout.shape, out).map(|()| 0);
        }
        out.clear();
        let size = self.layout.shape.sample_bytes();
        if self.data.len() < size {
            return Err(DecodeError::Short {
                what: "measurement frame",
                needed: HEADER + size,
                got: HEADER + self.data.len(),
            });
        }
        let samples = self.data.chunks_exact(size);
        let left_over = samples.remainder().len();
        for sample in samples {
            if self.layout.number == Number::Interval {
                out.extend(interval(sample));
            } else {
                out.extend(sample.chunks_exact(self.layout.shape.bytes).map(signed));
            }
        }
        Ok(left_over)
    }
}

fn interval(record: &[u8]) -> [i32; INTERVAL_VALUES] {
    let u16_at = |at| i32::from(u16_at(record, at).unwrap_or_default());
    let flag = |bit: u8| i32::from(record[5] >> bit & 1);
    [
        record[0].into(),
        u16_at(1),
        u16_at(3),
        flag(0),
        flag(1),
        flag(2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raw_layouts_of_acceleration() {
        let mut out = Vec::new();
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        bytes.extend([0xf7, 0xff, 0xff, 0xff, 0xe7, 0x03, 0xaa]);
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!(frame.samples(&mut out), Ok(1));
        assert_eq!(out, [-9, -1, 999]);
        bytes[9] = 0;
        Frame::parse(&bytes).unwrap().samples(&mut out).unwrap();
        assert_eq!(out, [-9, -1, -1, -1, -25, 3]);
    }

    #[test]
    fn an_unknown_layout_is_named() {
        let bytes = [2, 0, 0, 0, 0, 0, 0, 0, 0, 0x85];
        let error = Frame::parse(&bytes).unwrap_err();
        assert!(matches!(error, DecodeError::Unsupported { .. }), "{error}");
    }
}
