//! A WitMotion BLE 5 sensor: streams while notifications are on, 10 Hz until its rate register is written after the
//! unlock. Its yaw field counts frames. Registers are read in eights.

use super::{Feel, Sensor, Service, Ticker, characteristic};
use std::collections::BTreeMap;

const FRAME_HEADER: [u8; 2] = [0x55, 0x61];
const UNLOCK: [u8; 5] = [0xFF, 0xAA, 0x69, 0x88, 0xB5];
const UNLOCKED_S: f64 = 10.0;
const RATE: u8 = 0x03;
const BATTERY: u8 = 0x64;
const GRAVITY: f64 = 9.80665;
/// Above this many notifications a second the sensor packs several frames into one.
const NOTIFICATIONS_HZ: f64 = 50.0;

fn uuid(short: u16) -> String {
    // 9a34fb: not the standard's base.
    format!("0000{short:04x}-0000-1000-8000-00805f9a34fb")
}

fn rate_hz(register: u16) -> Option<f64> {
    Some(match register {
        1 => 0.2,
        2 => 0.5,
        3 => 1.0,
        4 => 2.0,
        5 => 5.0,
        6 => 10.0,
        7 => 20.0,
        8 => 50.0,
        9 => 100.0,
        11 => 200.0,
        _ => return None,
    })
}

pub struct WitMotion {
    registers: BTreeMap<u8, u16>,
    unlocked_until_s: f64,
    count: u16,
    ticker: Option<Ticker>,
    answers: Vec<Vec<u8>>,
}

impl WitMotion {
    pub fn new() -> Self {
        Self {
            registers: [(RATE, 6), (BATTERY, 395)].into(),
            unlocked_until_s: 0.0,
            count: 0,
            ticker: None,
            answers: Vec::new(),
        }
    }

    fn rate_hz(&self) -> f64 {
        rate_hz(self.registers[&RATE]).unwrap()
    }

    fn frame(&mut self, t_s: f64, feel: &mut Feel) -> Vec<u8> {
        let (acc, gyro) = feel.motion(t_s);
        let mut bytes = FRAME_HEADER.to_vec();
        let parts = acc.map(|a| a / GRAVITY / 16.0).into_iter();
        for part in parts.chain(gyro.map(|g| g / 2000.0)) {
            bytes.extend(((part * 32768.0).round() as i16).to_le_bytes());
        }
        bytes.extend([0; 4]);
        self.count = self.count.wrapping_add(1);
        bytes.extend(self.count.to_le_bytes());
        bytes
    }

    fn registers_from(&self, start: u8) -> Vec<u8> {
        let mut bytes = vec![0x55, 0x71, start, 0];
        for register in start..start.saturating_add(8) {
            let value = self.registers.get(&register).copied().unwrap_or(0);
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }
}

impl Sensor for WitMotion {
    fn name(&self) -> String {
        "WT901BLE68".to_owned()
    }

    fn advertised(&self) -> Vec<String> {
        vec![uuid(0xFFE5)]
    }

    fn services(&self) -> Vec<Service> {
        vec![Service {
            uuid: uuid(0xFFE5),
            characteristics: vec![
                characteristic(uuid(0xFFE4), &["notify"], &[]),
                characteristic(uuid(0xFFE9), &["write", "write-without-response"], &[]),
            ],
        }]
    }

    fn output(&self) -> String {
        uuid(0xFFE4)
    }

    fn write(&mut self, _characteristic: &str, bytes: &[u8], now_s: f64) {
        match *bytes {
            _ if bytes == UNLOCK => self.unlocked_until_s = now_s + UNLOCKED_S,
            [0xFF, 0xAA, 0x27, start, _] => self.answers.push(self.registers_from(start)),
            [0xFF, 0xAA, register, low, high] if now_s < self.unlocked_until_s => {
                let value = u16::from_le_bytes([low, high]);
                if register != RATE || rate_hz(value).is_some() {
                    self.registers.insert(register, value);
                }
            }
            _ => {}
        }
    }

    fn subscribed(&mut self, on: bool, now_s: f64) {
        self.answers.clear();
        self.ticker = on.then(|| Ticker::from(now_s, 1.0 / self.rate_hz()));
    }

    fn due(&mut self, now_s: f64, feel: &mut Feel, out: &mut Vec<Vec<u8>>) {
        out.append(&mut self.answers);
        let rate = self.rate_hz();
        let frames = (rate / NOTIFICATIONS_HZ).ceil().max(1.0);
        let Some(mut ticker) = self.ticker else {
            return;
        };
        while let Some(due) = ticker.beat(now_s, frames / rate) {
            let earlier = (0..frames as u32).rev().map(|i| due - f64::from(i) / rate);
            out.push(earlier.flat_map(|t| self.frame(t, feel)).collect());
        }
        self.ticker = Some(ticker);
    }
}
