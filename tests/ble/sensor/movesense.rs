//! A Movesense sensor by its GATT SensorData Protocol: HELLO, SUBSCRIBE and UNSUBSCRIBE of `/Meas/{Acc,Gyro,IMU6}/R`.
//! Its clock (ms since it was switched on) tells of lost batches.

use super::{Feel, Sensor, Service, Ticker, characteristic, sig};
use std::collections::BTreeMap;

const COMMAND: &str = "34800001-7185-4d5d-b431-630e7050e8f0";
const OUTPUT: &str = "34800002-7185-4d5d-b431-630e7050e8f0";
const RATES: [u16; 6] = [13, 26, 52, 104, 208, 416];
const SUBSCRIPTIONS: usize = 4;
/// Bytes of one notification; larger messages are split.
const ROOM: usize = 514;

const OK: u16 = 200;
const BAD_REQUEST: u16 = 400;
const NOT_FOUND: u16 = 404;
const RATE_UNKNOWN: u16 = 501;
const NO_ROOM: u16 = 507;

#[derive(Debug, Clone, Copy)]
struct Stream {
    acceleration: bool,
    rotation: bool,
    rate_hz: u16,
    ticker: Ticker,
}

impl Stream {
    fn batch(&self) -> u16 {
        (self.rate_hz / 13).max(4)
    }

    fn period_s(&self) -> f64 {
        f64::from(self.batch()) / f64::from(self.rate_hz)
    }

    fn payload(&self, last_s: f64, feel: &mut Feel) -> Vec<u8> {
        let rate = f64::from(self.rate_hz);
        let first_s = last_s - f64::from(self.batch() - 1) / rate;
        let samples: Vec<_> = (0..self.batch())
            .map(|i| feel.motion(first_s + f64::from(i) / rate))
            .collect();
        let mut bytes = ((first_s * 1000.0).round() as u32).to_le_bytes().to_vec();
        let mut add = |v: [f64; 3]| bytes.extend(v.iter().flat_map(|x| (*x as f32).to_le_bytes()));
        if self.acceleration {
            for s in &samples {
                add(s.0);
            }
        }
        if self.rotation {
            for s in &samples {
                add(s.1);
            }
        }
        bytes
    }
}

pub struct Movesense {
    serial: String,
    streams: BTreeMap<u8, Stream>,
    answers: Vec<Vec<u8>>,
}

impl Movesense {
    pub fn new(serial: String) -> Self {
        Self {
            serial,
            streams: BTreeMap::new(),
            answers: Vec::new(),
        }
    }

    fn hello(&self) -> Vec<u8> {
        let texts = [
            &self.serial,
            "Movesense",
            "0C8CDC000001",
            "plimsoll",
            "2.3.1",
        ];
        let mut bytes = vec![1];
        for text in texts {
            bytes.extend(text.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    fn subscribe(&mut self, reference: u8, path: &[u8], now_s: f64) -> u16 {
        let path = String::from_utf8_lossy(path);
        let ["", "Meas", kind, rate] = *path.split('/').collect::<Vec<_>>() else {
            return NOT_FOUND;
        };
        let (acceleration, rotation) = match kind {
            "Acc" => (true, false),
            "Gyro" => (false, true),
            "IMU6" => (true, true),
            _ => return NOT_FOUND,
        };
        let Some(rate_hz) = rate.parse().ok().filter(|r| RATES.contains(r)) else {
            return RATE_UNKNOWN;
        };
        if self.streams.len() >= SUBSCRIPTIONS {
            return NO_ROOM;
        }
        let mut stream = Stream {
            acceleration,
            rotation,
            rate_hz,
            ticker: Ticker::from(now_s, 0.0),
        };
        stream.ticker = Ticker::from(now_s, stream.period_s());
        self.streams.insert(reference, stream);
        OK
    }
}

impl Sensor for Movesense {
    fn name(&self) -> String {
        format!("Movesense {}", self.serial)
    }

    fn advertised(&self) -> Vec<String> {
        Vec::new()
    }

    fn services(&self) -> Vec<Service> {
        vec![
            Service {
                uuid: "34802252-7185-4d5d-b431-630e7050e8f0".to_owned(),
                characteristics: vec![
                    characteristic(COMMAND.to_owned(), &["write"], &[]),
                    characteristic(OUTPUT.to_owned(), &["notify"], &[]),
                ],
            },
            Service {
                uuid: sig(0x180F),
                characteristics: vec![characteristic(sig(0x2A19), &["read"], &[73])],
            },
        ]
    }

    fn output(&self) -> String {
        OUTPUT.to_owned()
    }

    fn write(&mut self, characteristic: &str, bytes: &[u8], now_s: f64) {
        let (COMMAND, [code, reference @ 1..=255, data @ ..]) = (characteristic, bytes) else {
            return;
        };
        let mut answer = vec![1, *reference];
        match code {
            0 => answer.extend(self.hello()),
            1 => answer.extend(self.subscribe(*reference, data, now_s).to_le_bytes()),
            2 => {
                let known = self.streams.remove(reference).is_some();
                answer.extend(if known { OK } else { NOT_FOUND }.to_le_bytes());
            }
            _ => answer.extend(BAD_REQUEST.to_le_bytes()),
        }
        self.answers.push(answer);
    }

    fn subscribed(&mut self, on: bool, _now_s: f64) {
        if !on {
            self.streams.clear();
            self.answers.clear();
        }
    }

    fn due(&mut self, now_s: f64, feel: &mut Feel, out: &mut Vec<Vec<u8>>) {
        out.append(&mut self.answers);
        for (reference, stream) in &mut self.streams {
            let period_s = stream.period_s();
            while let Some(last_s) = stream.ticker.beat(now_s, period_s) {
                let payload = stream.payload(last_s, feel);
                for (i, part) in payload.chunks(ROOM - 2).enumerate() {
                    let code = if i == 0 { 2 } else { 3 };
                    out.push([&[code, *reference], part].concat());
                }
            }
        }
    }
}
