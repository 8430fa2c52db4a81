//! A phone that runs Sensor Logger: total acceleration and angular rate 100 times a second, a message every 0.1 s, stamped
//! by a clock of its own. Every seventh message comes twice, every eleventh after the one that follows it.

use super::person::Feel;
use rumqttc::{Client, MqttOptions, QoS};
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const RATE: u64 = 100;
const PER_MESSAGE: u64 = 10;
/// The phone's clock when it is switched on: ns since 1970, beyond what a float holds.
const EPOCH_NS: u64 = 1_770_000_000_123_456_789;

/// How messages are pushed.
pub enum Way {
    Http(SocketAddr),
    Mqtt(u16),
}

pub struct Phone {
    stop: Arc<AtomicBool>,
    silent: Arc<AtomicBool>,
    squats: Arc<AtomicU32>,
    thread: Option<JoinHandle<u64>>,
}

impl Phone {
    /// Pushes from now on; `place` as the person knows it.
    pub fn start(place: &'static str, way: Way) -> Self {
        let (stop, silent, squats) = (Arc::default(), Arc::default(), Arc::default());
        let (ended, mute, asked) = (Arc::clone(&stop), Arc::clone(&silent), Arc::clone(&squats));
        let thread = thread::spawn(move || push(place, &way, &ended, &mute, &asked));
        Self {
            stop,
            silent,
            squats,
            thread: Some(thread),
        }
    }

    /// Its wearer squats so many times from now on.
    pub fn squat(&self, times: u32) {
        self.squats.store(times, Ordering::Relaxed);
    }

    /// The network is gone, or back; the app drops what it cannot send.
    pub fn silent(&self, yes: bool) {
        self.silent.store(yes, Ordering::Relaxed);
    }

    /// Ends with a whole message; samples sent.
    pub fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn push(place: &str, way: &Way, stop: &AtomicBool, silent: &AtomicBool, squats: &AtomicU32) -> u64 {
    let send = sender(place, way);
    let begin = Instant::now();
    let mut feel = Feel::at(place);
    let mut held: Option<String> = None;
    let mut sent = 0;
    for number in 0.. {
        let mut entries = Vec::new();
        for k in number * PER_MESSAGE..(number + 1) * PER_MESSAGE {
            let t_s = k as f64 / RATE as f64;
            match squats.swap(0, Ordering::Relaxed) {
                0 => {}
                times => {
                    feel.person.squat(t_s);
                    feel.person.stand(t_s + 3.0 * f64::from(times) - 1.0);
                }
            }
            let (acc, gyro) = feel.motion(t_s);
            let time = EPOCH_NS + k * 1_000_000_000 / RATE;
            let entry = |name: &str, v: [f64; 3]| json!({"name": name, "time": time, "values": {"x": v[0], "y": v[1], "z": v[2]}});
            entries.push(entry("totalacceleration", acc));
            entries.push(entry("gyroscope", gyro.map(f64::to_radians)));
        }
        let due = Duration::from_millis((number + 1) * 1000 * PER_MESSAGE / RATE);
        thread::sleep(due.saturating_sub(begin.elapsed()));
        let message = json!({"messageId": number, "sessionId": "push", "deviceId": format!("{place}-id"), "payload": entries}).to_string();
        let mute = silent.load(Ordering::Relaxed);
        let ends = stop.load(Ordering::Relaxed);
        if !mute {
            sent += PER_MESSAGE;
            if number % 11 == 5 && !ends {
                held = Some(message);
                continue;
            }
            send(&message);
            if number % 7 == 3 {
                send(&message);
            }
        }
        if let Some(late) = held.take() {
            send(&late);
        }
        if ends {
            break;
        }
    }
    // Over MQTT it leaves with what was said before.
    thread::sleep(Duration::from_millis(300));
    sent
}

fn sender(place: &str, way: &Way) -> Box<dyn Fn(&str)> {
    match *way {
        Way::Http(address) => Box::new(move |message| {
            // The app does not try again, and does not look at the answer.
            let _ = super::daemon::try_post(address, "", message);
        }),
        Way::Mqtt(port) => {
            let options = MqttOptions::new(format!("phone-{place}"), "127.0.0.1", port);
            let (client, mut connection) = Client::new(options, 100);
            thread::spawn(move || connection.iter().take_while(Result::is_ok).count());
            Box::new(move |message| {
                client
                    .publish("sensor-logger", QoS::AtMostOnce, false, message.as_bytes())
                    .unwrap();
            })
        }
    }
}
