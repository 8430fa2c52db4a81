//! Cycling and running sensors: speed and cadence (2A5B, 2A53), power (2A63).
//!
//! Bluetooth SIG layouts, to named numbers whose names carry the unit. No stream of a session and no
//! driver: only the comparison with published bytes reads them. Event times run over every 64 s (wheel of 2A63: 32 s); nothing is
//! unwrapped or differentiated here.

use super::{
    bytes::{i16_at, u16_at, u32_at},
    driver::DecodeError,
};
use crate::model::packet::Uuid;

/// Cycling Speed and Cadence Measurement.
pub const CYCLING: Uuid = Uuid::sig(0x2a5b);
/// Running Speed and Cadence Measurement.
pub const RUNNING: Uuid = Uuid::sig(0x2a53);
/// Cycling Power Measurement.
pub const POWER: Uuid = Uuid::sig(0x2a63);

/// A quantity and its value.
pub type Named = (&'static str, f64);

/// Reads a value of one of the three characteristics.
///
/// # Errors
/// If a field that the flags announce is cut off, or the characteristic is another.
pub fn parse(characteristic: Uuid, bytes: &[u8]) -> Result<Vec<Named>, DecodeError> {
    let mut fields = Fields {
        bytes,
        at: 0,
        named: Vec::new(),
    };
    match characteristic {
        CYCLING => fields.cycling(),
        RUNNING => fields.running(),
        POWER => fields.power(),
        other => return Err(DecodeError::Characteristic(other)),
    }
    .ok_or(DecodeError::Short {
        what: "cycling or running measurement",
        needed: fields.at + 1,
        got: bytes.len(),
    })?;
    Ok(fields.named)
}

/// Reads fields one after the other; `None` where one is cut off.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    named: Vec<Named>,
}

impl Fields<'_> {
    fn u8(&mut self) -> Option<u8> {
        let value = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(value)
    }

    fn u16(&mut self) -> Option<u16> {
        let value = u16_at(self.bytes, self.at)?;
        self.at += 2;
        Some(value)
    }

    fn i16(&mut self) -> Option<i16> {
        let value = i16_at(self.bytes, self.at)?;
        self.at += 2;
        Some(value)
    }

    fn u32(&mut self) -> Option<u32> {
        let value = u32_at(self.bytes, self.at)?;
        self.at += 4;
        Some(value)
    }

    fn put(&mut self, name: &'static str, value: impl Into<f64>) {
        self.named.push((name, value.into()));
    }

    fn cycling(&mut self) -> Option<()> {
        let flags = self.u8()?;
        if flags & 1 != 0 {
            self.wheel(1024.0)?;
        }
        if flags & 2 != 0 {
            self.crank()?;
        }
        Some(())
    }

    fn wheel(&mut self, ticks_per_s: f64) -> Option<()> {
        let (revolutions, ticks) = (self.u32()?, self.u16()?);
        self.put("wheel_revolutions", revolutions);
        self.put("wheel_time_s", f64::from(ticks) / ticks_per_s);
        Some(())
    }

    fn crank(&mut self) -> Option<()> {
        let (revolutions, ticks) = (self.u16()?, self.u16()?);
        self.put("crank_revolutions", revolutions);
        self.put("crank_time_s", f64::from(ticks) / 1024.0);
        Some(())
    }

    fn running(&mut self) -> Option<()> {
        let flags = self.u8()?;
        let (speed, cadence) = (self.u16()?, self.u8()?);
        self.put("speed_mps", f64::from(speed) / 256.0);
        self.put("cadence_per_min", cadence);
        if flags & 1 != 0 {
            let stride_cm = self.u16()?;
            self.put("stride_m", f64::from(stride_cm) / 100.0);
        }
        if flags & 2 != 0 {
            let distance_dm = self.u32()?;
            self.put("distance_m", f64::from(distance_dm) / 10.0);
        }
        Some(())
    }

    fn power(&mut self) -> Option<()> {
        let flags = self.u16()?;
        let has = |bit: u8| flags >> bit & 1 == 1;
        let watt = self.i16()?;
        self.put("power_w", watt);
        if has(0) {
            let half_percent = self.u8()?;
            self.put("balance_percent", f64::from(half_percent) / 2.0);
        }
        if has(2) {
            let torque = self.u16()?;
            self.put("torque_nm", f64::from(torque) / 32.0);
        }
        if has(4) {
            // Unlike in 2A5B the unit is half as long.
            self.wheel(2048.0)?;
        }
        if has(5) {
            self.crank()?;
        }
        // Extremes and dead spots on the way to the energy.
        for (bit, bytes) in [(6, 4), (7, 4), (8, 3), (9, 2), (10, 2)] {
            if has(bit) {
                self.bytes.get(self.at..self.at + bytes)?;
                self.at += bytes;
            }
        }
        if has(11) {
            let energy = self.u16()?;
            self.put("energy_kj", energy);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_their_flags() {
        let bytes = [
            0x31, 0x08, 0x94, 0x01, 0x6e, 0x39, 0x30, 0, 0, 0, 0x10, 0x90, 0x01, 0, 0x08, 0x15, 0,
        ];
        let want = [
            ("power_w", 404.0),
            ("balance_percent", 55.0),
            ("wheel_revolutions", 12345.0),
            ("wheel_time_s", 2.0),
            ("crank_revolutions", 400.0),
            ("crank_time_s", 2.0),
            ("energy_kj", 21.0),
        ];
        assert_eq!(parse(POWER, &bytes), Ok(want.to_vec()));
        for length in 0..bytes.len() {
            assert!(parse(POWER, &bytes[..length]).is_err(), "{length}");
        }
    }
}
