//! One PMD data frame: type, time of its last sample, and samples raw or delta-compressed.
//!
//! Numbers as the frame states them (mG, deg/s, µV, ms, ...); SI only in the decoder.

use super::{
    super::{DecodeError, bytes::Bytes},
    delta::{Block, delta},
};

/// What a frame measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of the service")]
pub enum Type {
    Ecg = 0,
    Ppg = 1,
    Acc = 2,
    Ppi = 3,
    Gyro = 5,
    Mag = 6,
    SkinTemperature = 7,
    Pressure = 11,
    Temperature = 12,
}

impl Type {
    /// All types this program reads.
    pub const ALL: [Type; 9] = [
        Self::Ecg,
        Self::Ppg,
        Self::Acc,
        Self::Ppi,
        Self::Gyro,
        Self::Mag,
        Self::SkinTemperature,
        Self::Pressure,
        Self::Temperature,
    ];

    /// The service's name of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ecg => "ECG",
            Self::Ppg => "PPG",
            Self::Acc => "ACC",
            Self::Ppi => "PPI",
            Self::Gyro => "GYRO",
            Self::Mag => "MAG",
            Self::SkinTemperature => "SKIN_TEMP",
            Self::Pressure => "PRESSURE",
            Self::Temperature => "TEMPERATURE",
        }
    }

    /// The type of that number; upper bits are flags.
    ///
    /// # Errors
    /// No type that this program reads.
    pub fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        let number = byte & 0x3f;
        Self::ALL
            .into_iter()
            .find(|t| *t as u8 == number)
            .ok_or(DecodeError::Value {
                what: "measurement type",
                value: number.into(),
            })
    }
}

/// A decoded frame; kept and filled again, so that a stream allocates nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    /// What it measures.
    pub kind: Option<Type>,
    /// Device time of the last sample, ns.
    pub time_ns: u64,
    /// Samples are delta-compressed.
    pub compressed: bool,
    /// Layout number within the type.
    pub layout: u8,
    /// Numbers a sample has.
    pub channels: usize,
    /// Samples one after the other.
    pub values: Vec<f64>,
    /// Compressed blocks: width, count.
    pub blocks: Vec<Block>,
    /// Bytes after the last whole sample.
    pub rest: usize,
    raw: Vec<i32>,
}

/// How samples are laid out and scaled.
struct Layout {
    channels: usize,
    width: usize,
    scale: f64,
    /// Bit patterns of 32-bit floats.
    float: bool,
}

impl Frame {
    /// Samples of the frame.
    #[must_use]
    pub fn samples(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.channels.max(1))
    }

    /// Reads `bytes`, replacing what was there. `factor` is the one given in the start reply.
    ///
    /// # Errors
    /// It ends too early, or type or layout are unknown.
    pub fn read(&mut self, bytes: &[u8], factor: Option<f64>) -> Result<(), DecodeError> {
        self.values.clear();
        self.blocks.clear();
        self.raw.clear();
        self.kind = None;
        let mut b = Bytes::new("measurement frame", bytes);
        let kind = Type::from_byte(b.u8()?)?;
        self.time_ns = b.u64()?;
        let frame_type = b.u8()?;
        self.compressed = frame_type & 0x80 != 0;
        self.layout = frame_type & 0x7f;
        let body = b.take(b.left())?;
        match (kind, self.compressed) {
            (Type::Ppi, false) => self.pulse_intervals(body)?,
            (_, false) => self.plain(&plain_layout(kind, self.layout)?, body),
            (_, true) => self.packed(kind, &packed_layout(kind, self.layout, factor)?, body)?,
        }
        self.kind = Some(kind);
        Ok(())
    }

    fn plain(&mut self, layout: &Layout, body: &[u8]) {
        self.channels = layout.channels;
        let size = layout.channels * layout.width;
        let whole = body.len() / size * size;
        for number in body[..whole].chunks_exact(layout.width) {
            let raw = Bytes::new("sample", number)
                .signed(layout.width)
                .unwrap_or(0);
            self.values.push(scaled(raw, layout));
        }
        self.rest = body.len() - whole;
    }

    fn packed(&mut self, kind: Type, layout: &Layout, body: &[u8]) -> Result<(), DecodeError> {
        self.channels = layout.channels;
        self.rest = delta(
            body,
            layout.channels,
            layout.width,
            &mut self.raw,
            &mut self.blocks,
        )?;
        for (i, raw) in self.raw.iter().enumerate() {
            // The fourth channel of a calibrated magnetometer frame is a state, not a field.
            let state = kind == Type::Mag && layout.channels == 4 && i % 4 == 3;
            self.values.push(if state {
                f64::from(*raw)
            } else {
                scaled(*raw, layout)
            });
        }
        Ok(())
    }

    /// bpm, interval ms, error ms, blocked, contact, contact supported.
    fn pulse_intervals(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        self.channels = 6;
        let mut b = Bytes::new("pulse intervals", body);
        while b.left() >= 6 {
            let numbers = [u16::from(b.u8()?), b.u16()?, b.u16()?].map(f64::from);
            let flags = b.u8()?;
            self.values.extend(numbers);
            self.values
                .extend([0, 1, 2].map(|bit| f64::from(flags >> bit & 1)));
        }
        self.rest = b.left();
        Ok(())
    }
}

fn scaled(raw: i32, layout: &Layout) -> f64 {
    let value = if layout.float {
        f64::from(f32::from_bits(raw as u32))
    } else {
        f64::from(raw)
    };
    value * layout.scale
}

fn plain_layout(kind: Type, layout: u8) -> Result<Layout, DecodeError> {
    let (channels, width, float) = match (kind, layout) {
        (Type::Ecg, 0) => (1, 3, false),
        (Type::Acc, 0) => (3, 1, false),
        (Type::Acc, 1) => (3, 2, false),
        (Type::Acc, 2) => (3, 3, false),
        (Type::Ppg, 0) => (4, 3, false),
        (Type::SkinTemperature | Type::Pressure | Type::Temperature, 0) => (1, 4, true),
        _ => return Err(unknown(layout)),
    };
    Ok(Layout {
        channels,
        width,
        scale: 1.0,
        float,
    })
}

fn packed_layout(kind: Type, layout: u8, factor: Option<f64>) -> Result<Layout, DecodeError> {
    let factor_or_one = factor.unwrap_or(1.0);
    let (channels, width, scale, float) = match (kind, layout) {
        // With a factor the numbers are g; mG like every other acceleration frame.
        (Type::Acc, 0) => (3, 2, factor.map_or(1.0, |f| f * 1000.0), false),
        (Type::Acc, 1) | (Type::Gyro | Type::Mag, 0) => (3, 2, factor_or_one, false),
        (Type::Gyro, 1) => (3, 4, factor_or_one, true),
        (Type::Mag, 1) => (4, 2, factor_or_one / 1000.0, false),
        (Type::Ppg, 0) => (4, 3, 1.0, false),
        (Type::Ppg, 7) => (17, 3, 1.0, false),
        (Type::Ppg, 8) => (25, 3, 1.0, false),
        (Type::SkinTemperature | Type::Pressure | Type::Temperature, 0) => (1, 4, 1.0, true),
        _ => return Err(unknown(layout)),
    };
    Ok(Layout {
        channels,
        width,
        scale,
        float,
    })
}

fn unknown(layout: u8) -> DecodeError {
    DecodeError::Value {
        what: "frame type",
        value: layout.into(),
    }
}
