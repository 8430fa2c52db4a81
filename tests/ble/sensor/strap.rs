//! A heart-rate strap: 180D with one RR interval a second, 180F, 180A. Its energy field counts notifications.

use super::{Feel, Sensor, Service, Ticker, characteristic, sig};

const BPM: u8 = 120;

pub struct Strap {
    serial: String,
    count: u16,
    ticker: Option<Ticker>,
}

impl Strap {
    pub fn new(serial: String) -> Self {
        Self {
            serial,
            count: 0,
            ticker: None,
        }
    }
}

impl Sensor for Strap {
    fn name(&self) -> String {
        "Sim Strap".to_owned()
    }

    fn advertised(&self) -> Vec<String> {
        vec![sig(0x180D), sig(0x180F)]
    }

    fn services(&self) -> Vec<Service> {
        let text = |short, text: &str| characteristic(sig(short), &["read"], text.as_bytes());
        vec![
            Service {
                uuid: sig(0x180D),
                characteristics: vec![
                    characteristic(sig(0x2A37), &["notify"], &[]),
                    characteristic(sig(0x2A38), &["read"], &[1]),
                ],
            },
            Service {
                uuid: sig(0x180F),
                characteristics: vec![characteristic(sig(0x2A19), &["read", "notify"], &[87])],
            },
            Service {
                uuid: sig(0x180A),
                characteristics: vec![
                    text(0x2A29, "Plimsoll bench"),
                    text(0x2A24, "S1"),
                    text(0x2A25, &self.serial),
                    text(0x2A26, "1.0"),
                ],
            },
        ]
    }

    fn output(&self) -> String {
        sig(0x2A37)
    }

    fn subscribed(&mut self, on: bool, now_s: f64) {
        self.ticker = on.then(|| Ticker::from(now_s, 1.0));
    }

    fn due(&mut self, now_s: f64, _feel: &mut Feel, out: &mut Vec<Vec<u8>>) {
        let Some(ticker) = &mut self.ticker else {
            return;
        };
        while ticker.beat(now_s, 1.0).is_some() {
            // Contact seen, energy present, one interval in 1/1024 s.
            let mut value = vec![0x1E, BPM];
            value.extend(self.count.to_le_bytes());
            value.extend((61_440 / u16::from(BPM)).to_le_bytes());
            self.count = self.count.wrapping_add(1);
            out.push(value);
        }
    }
}
