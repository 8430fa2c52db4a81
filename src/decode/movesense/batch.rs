//! What Movesense measures, resource by resource: payloads without the two bytes before them.
//!
//! u32 ms since the sensor started, of the FIRST sample, then samples: vectors of 32-bit floats in m/s²,
//! deg/s and µT, all of one quantity before all of the next; ECG as 16-bit µV. Heart rate has no time.

use crate::decode::{
    bytes::{f32_at, f32x3_at, i16_at, u16_at, u32_at},
    driver::DecodeError,
};

/// What the samples of a batch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Acceleration, angular rate or field alone.
    Vector,
    /// Acceleration, angular rate.
    Imu6,
    /// Acceleration, angular rate, field.
    Imu9,
    /// ECG.
    Ecg,
}

impl Kind {
    const fn sample_bytes(self) -> usize {
        match self {
            Self::Vector => 12,
            Self::Imu6 => 24,
            Self::Imu9 => 36,
            Self::Ecg => 2,
        }
    }
}

/// One batch, checked to hold whole samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a> {
    /// ms of the first sample, modulo 2^32.
    pub time_ms: u32,
    /// Number of samples, at least one.
    pub samples: usize,
    data: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Reads a batch.
    ///
    /// # Errors
    /// If it is cut off or does not hold whole samples.
    pub fn parse(kind: Kind, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "sensor data";
        let size = kind.sample_bytes();
        let short = |needed| DecodeError::Short {
            what: WHAT,
            needed,
            got: bytes.len(),
        };
        let time_ms = u32_at(bytes, 0).ok_or(short(4 + size))?;
        let data = bytes.get(4..).unwrap_or_default();
        let samples = data.len() / size;
        if samples == 0 {
            return Err(short(4 + size));
        }
        if !data.len().is_multiple_of(size) {
            return Err(DecodeError::Trailing {
                what: WHAT,
                bytes: data.len() % size,
            });
        }
        Ok(Self {
            time_ms,
            samples,
            data,
        })
    }

    /// Vector `sample` of quantity `group`, counting from 0.
    #[must_use]
    pub fn vector(&self, group: usize, sample: usize) -> Option<[f64; 3]> {
        (sample < self.samples)
            .then(|| f32x3_at(self.data, 12 * (group * self.samples + sample)))
            .flatten()
    }

    /// ECG sample, µV.
    #[must_use]
    pub fn microvolt(&self, sample: usize) -> Option<i16> {
        i16_at(self.data, 2 * sample)
    }
}

/// Average heart rate and the intervals that came with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heart<'a> {
    /// 1/min
    pub bpm: f32,
    intervals: &'a [u8],
    /// Bytes after the last whole interval.
    pub ignored: usize,
}

impl<'a> Heart<'a> {
    /// Reads a value of /Meas/HR.
    ///
    /// # Errors
    /// If the rate is cut off.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let bpm = f32_at(bytes, 0).ok_or(DecodeError::Short {
            what: "heart rate",
            needed: 4,
            got: bytes.len(),
        })?;
        let rest = bytes.get(4..).unwrap_or_default();
        Ok(Self {
            bpm,
            intervals: rest,
            ignored: rest.len() % 2,
        })
    }

    /// Intervals between beats, ms, oldest first.
    pub fn intervals_ms(&self) -> impl Iterator<Item = u16> + 'a {
        self.intervals
            .chunks_exact(2)
            .filter_map(|pair| u16_at(pair, 0))
    }
}

/// Kelvin and ms of a value of /Meas/Temp. The maker's description and the sensor disagree about their
/// order: the word that can be a temperature is one.
///
/// # Errors
/// If it is cut off or neither word is a temperature.
pub fn temperature(bytes: &[u8]) -> Result<(f32, u32), DecodeError> {
    let word = |at| {
        u32_at(bytes, at).ok_or(DecodeError::Short {
            what: "temperature",
            needed: 8,
            got: bytes.len(),
        })
    };
    let (first, second) = (word(0)?, word(4)?);
    let possible = |bits: u32| (200.0..400.0).contains(&f32::from_bits(bits));
    match (possible(first), possible(second)) {
        (true, _) => Ok((f32::from_bits(first), second)),
        (false, true) => Ok((f32::from_bits(second), first)),
        (false, false) => Err(DecodeError::Value {
            what: "temperature",
            value: first.into(),
        }),
    }
}
