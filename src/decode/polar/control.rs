//! The PMD control point: features, settings, replies.

use super::{
    super::{DecodeError, bytes::Bytes},
    frame::Type,
};

/// Settings of one stream: each a list of what is offered, or the one in force.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// Hz
    pub rate: Vec<u16>,
    /// bit
    pub resolution: Vec<u16>,
    /// g, deg/s or gauss
    pub range: Vec<u16>,
    /// thousandths of the same
    pub range_milli: Vec<u32>,
    /// Channels.
    pub channels: Vec<u8>,
    /// Scale of compressed samples.
    pub factor: Vec<f32>,
}

/// A reply to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Which command.
    pub op: u8,
    /// Which measurement type.
    pub kind: u8,
    /// 0 = done, 6 = already so, 10 = MTU too small.
    pub status: u8,
    /// Further parts follow.
    pub more: bool,
    /// Settings in it.
    pub settings: Settings,
}

/// Measurements that the sensor offers, from reading the control point.
///
/// # Errors
/// Not a feature reply.
pub fn features(bytes: &[u8]) -> Result<Vec<Type>, DecodeError> {
    let mut b = Bytes::new("features", bytes);
    let head = b.u8()?;
    if head != 0x0f {
        return Err(DecodeError::Value {
            what: "feature reply",
            value: head.into(),
        });
    }
    let bits = b.u8()?;
    Ok(Type::ALL
        .into_iter()
        .filter(|t| (*t as u8) < 8 && bits >> (*t as u8) & 1 == 1)
        .collect())
}

/// Reads a list of settings. A single trailing 0 is padding.
///
/// # Errors
/// It ends inside a list, or an unknown setting.
pub fn settings(bytes: &[u8]) -> Result<Settings, DecodeError> {
    let mut b = Bytes::new("settings", bytes);
    let mut s = Settings::default();
    while b.left() >= 2 {
        let (id, count) = (b.u8()?, b.u8()?);
        for _ in 0..count {
            match id {
                0 => s.rate.push(b.u16()?),
                1 => s.resolution.push(b.u16()?),
                2 => s.range.push(b.u16()?),
                3 => s.range_milli.push(b.signed(4)? as u32),
                4 => s.channels.push(b.u8()?),
                5 => s.factor.push(f32::from_bits(b.signed(4)? as u32)),
                6 => drop(b.take(16)?),
                _ => {
                    return Err(DecodeError::Value {
                        what: "setting",
                        value: id.into(),
                    });
                }
            }
        }
    }
    Ok(s)
}

/// Reads an indication of the control point.
///
/// # Errors
/// Not a reply, or cut.
pub fn reply(bytes: &[u8]) -> Result<Reply, DecodeError> {
    let mut b = Bytes::new("control point reply", bytes);
    let head = b.u8()?;
    if head != 0xf0 {
        return Err(DecodeError::Value {
            what: "control point reply",
            value: head.into(),
        });
    }
    let (mut op, mut kind, status) = (b.u8()?, b.u8()?, b.u8()?);
    if op == 0 && status == 10 {
        // One firmware swaps the two when it refuses a small MTU.
        std::mem::swap(&mut op, &mut kind);
    }
    // A refusal may end here.
    let more = b.left() > 0 && b.u8()? != 0;
    let settings = if status == 0 {
        settings(b.take(b.left())?)?
    } else {
        Settings::default()
    };
    Ok(Reply {
        op,
        kind,
        status,
        more,
        settings,
    })
}
