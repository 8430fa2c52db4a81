//! The supervision of radios without a radio: a scripted world answers what the fleet asks, on a clock of its own.
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use plimsoll::{
    decode::{self, Advert, Wish},
    model::{
        link::{LinkChange, LinkStatus, Stage},
        packet::{DeviceIndex, Uuid},
        reading::Measurand,
        time::HostNs,
    },
    source::ble::{
        fleet::{Act, Adapter, Fleet, Input, Leave, Member},
        identity::Seen,
        params::Params,
        protocol::{Event, Offer, Request},
        supervisor::Supervisor,
    },
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Sensors of the session that are not on the air come first in these sessions.
const PHONES: u16 = 1;
const MS: i64 = 1_000_000;

/// What a simulated sensor does with what it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    /// All works.
    Well,
    /// Takes the connection and says nothing.
    Mute,
    /// Finds no heart beat, and says so.
    Unworn,
    /// Refuses the connection.
    Refuses,
    /// Never answers a request to connect.
    Hangs,
    /// Out of reach.
    Away,
}

struct Sensor {
    address: String,
    advert: Advert,
    serial: Option<&'static str>,
    /// So many readings of the serial number fail.
    unread: u32,
    mood: Mood,
    connected: bool,
    subscribed: bool,
}

/// Sensors around a fleet.
struct World {
    fleet: Fleet,
    now: i64,
    sensors: Vec<Sensor>,
    /// Which sensor each member reached for last.
    reached: BTreeMap<usize, usize>,
    scanning: bool,
    links: Vec<(usize, LinkChange)>,
    connects: Vec<(i64, usize)>,
    gave_up: bool,
    power_cycles: usize,
    rebuilds: usize,
    released: Vec<(i64, String)>,
}

fn strap(n: u8) -> Sensor {
    Sensor {
        address: format!("C0:FF:EE:00:00:{n:02X}"),
        advert: Advert {
            name: "strap".to_owned(),
            services: vec![Uuid::sig(0x180d)],
            manufacturer: Vec::new(),
        },
        serial: None,
        unread: 0,
        mood: Mood::Well,
        connected: false,
        subscribed: false,
    }
}

impl World {
    fn new(ids: &[&str], sensors: Vec<Sensor>) -> Self {
        let leave = Leave {
            power_cycle: true,
            take_over: true,
        };
        Self::with(leave, ids, sensors)
    }

    fn with(leave: Leave, ids: &[&str], sensors: Vec<Sensor>) -> Self {
        let params = Params::default();
        let driver = decode::driver("heart_rate").unwrap();
        let members = ids
            .iter()
            .enumerate()
            .map(|(i, id)| {
                let device = DeviceIndex(i as u16 + PHONES);
                let alias = format!("s{i}");
                let link = Supervisor::new(device, &alias, driver, Wish::default(), &params);
                Member::new(id, link)
            })
            .collect();
        Self {
            fleet: Fleet::new(members, &params, leave, HostNs(0)),
            now: 0,
            sensors,
            reached: BTreeMap::new(),
            scanning: false,
            links: Vec::new(),
            connects: Vec::new(),
            gave_up: false,
            power_cycles: 0,
            rebuilds: 0,
            released: Vec::new(),
        }
    }

    fn input(&mut self, input: Input) {
        let mut acts = Vec::new();
        self.fleet.input(HostNs(self.now), input, &mut acts);
        self.carry_out(acts);
    }

    fn carry_out(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Scan(on) => self.scanning = on,
                Act::Link(event) => {
                    let i = event.device.0 - PHONES;
                    self.links.push((i.into(), event.change));
                }
                Act::Request(i, number, request) => {
                    if let Some(event) = self.answer(i, &request) {
                        self.input(Input::Answered(i, number, event));
                    }
                }
                Act::PowerCycle => self.power_cycles += 1,
                Act::Rebuild => self.rebuilds += 1,
                Act::Release(address) => {
                    self.released.push((self.now, address.clone()));
                    let held = self.sensors.iter_mut().find(|s| s.address == address);
                    held.unwrap().connected = false;
                }
                Act::GiveUp(_) => self.gave_up = true,
            }
        }
    }

    fn answer(&mut self, i: usize, request: &Request) -> Option<Event> {
        let done = Some(Event::Done(Vec::new()));
        if let Request::Connect(address) = request {
            let k = self.sensors.iter().position(|s| s.address == *address)?;
            self.reached.insert(i, k);
            self.connects.push((self.now, k));
            return match self.sensors[k].mood {
                Mood::Refuses => Some(Event::Refused("no".to_owned())),
                Mood::Hangs | Mood::Away => None,
                Mood::Well | Mood::Mute | Mood::Unworn => {
                    self.sensors[k].connected = true;
                    done
                }
            };
        }
        let sensor = &mut self.sensors[*self.reached.get(&i)?];
        match request {
            Request::Discover => {
                let serial_unread = sensor.unread > 0;
                sensor.unread = sensor.unread.saturating_sub(1);
                Some(Event::Offers(Offer {
                    mtu: 247,
                    serial: sensor.serial.filter(|_| !serial_unread).map(str::to_owned),
                    serial_unread,
                    ..Offer::default()
                }))
            }
            Request::Subscribe(_) => {
                sensor.subscribed = true;
                done
            }
            Request::Disconnect => {
                (sensor.connected, sensor.subscribed) = (false, false);
                done
            }
            _ => done,
        }
    }

    /// Lets `ms` pass in steps of 50: sensors advertise while a scan runs, and send while they are subscribed to.
    fn pass(&mut self, ms: i64) {
        for _ in 0..ms / 50 {
            self.now += 50 * MS;
            let mut acts = Vec::new();
            self.fleet.tick(HostNs(self.now), &mut acts);
            self.carry_out(acts);
            let heard: Vec<Seen> = self
                .sensors
                .iter()
                .filter(|s| self.scanning && s.mood != Mood::Away)
                .map(|s| Seen {
                    address: s.address.clone(),
                    advert: s.advert.clone(),
                    // A connected sensor does not advertise.
                    rssi_dbm: (!s.connected).then_some(-50),
                    is_connected: s.connected,
                })
                .collect();
            for seen in heard {
                self.input(Input::Seen(seen));
            }
            let speaking: Vec<usize> = self
                .reached
                .iter()
                .filter(|(_, k)| {
                    let s = &self.sensors[**k];
                    let speaks = matches!(s.mood, Mood::Well | Mood::Unworn);
                    s.connected && s.subscribed && speaks
                })
                .map(|(i, _)| *i)
                .collect();
            for i in speaking {
                let heart = &[Measurand::HeartRate];
                let said = match self.sensors[self.reached[&i]].mood {
                    Mood::Unworn => Event::Blank(heart),
                    _ => Event::Heard(heart),
                };
                self.input(Input::Happened(i, said));
            }
            let busy = self.fleet.status();
            let connecting = busy
                .iter()
                .filter(|s| matches!(s.stage, Stage::Connecting | Stage::Discovering))
                .count();
            assert!(connecting <= 1, "two connections are made at once");
            assert!(
                connecting == 0 || !self.scanning,
                "a scan runs while a connection is made"
            );
        }
    }

    fn drop_link(&mut self, i: usize) {
        let k = self.reached[&i];
        (self.sensors[k].connected, self.sensors[k].subscribed) = (false, false);
        self.input(Input::Happened(
            i,
            Event::Disconnected("dropped".to_owned()),
        ));
    }

    fn stage(&self, i: usize) -> Stage {
        self.fleet.status()[i].stage
    }

    fn reason(&self, i: usize) -> String {
        self.fleet.status()[i].reason.clone().unwrap_or_default()
    }
}

const ONE: &str = "C0:FF:EE:00:00:01";
const TWO: &str = "C0:FF:EE:00:00:02";

#[test]
fn two_sensors_become_ready_one_after_the_other() {
    let mut world = World::new(&[ONE, TWO], vec![strap(1), strap(2)]);
    world.pass(10_000);
    assert!(world.fleet.status().iter().all(LinkStatus::is_ready));
    assert_eq!(world.connects.len(), 2);
    assert_ne!(world.connects[0].0, world.connects[1].0);
    assert!(!world.scanning, "nobody is missing");
}

#[test]
fn a_dropped_link_is_back_within_10_s_each_time() {
    let mut world = World::new(&[ONE, TWO], vec![strap(1), strap(2)]);
    world.pass(10_000);
    for _ in 0..3 {
        world.drop_link(0);
        assert_eq!(world.stage(0), Stage::Absent);
        world.pass(10_000);
        assert_eq!(world.stage(0), Stage::Streaming);
        assert_eq!(
            world.stage(1),
            Stage::Streaming,
            "the other one is not disturbed"
        );
    }
    let of_first: Vec<bool> = world
        .links
        .iter()
        .filter(|(i, _)| *i == 0)
        .map(|(_, change)| *change == LinkChange::Up)
        .collect();
    assert_eq!(of_first, [true, false, true, false, true, false, true]);
}

#[test]
fn a_sensor_that_accepts_and_sends_nothing_is_said_and_tried_again() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.sensors[0].mood = Mood::Mute;
    world.pass(30_000);
    assert!(
        world.reason(0).contains("sends nothing"),
        "{}",
        world.reason(0)
    );
    assert!(!world.fleet.status()[0].is_ready());
    world.pass(60_000);
    assert!(world.connects.len() >= 3, "{:?}", world.connects);
    world.sensors[0].mood = Mood::Well;
    world.pass(60_000);
    assert_eq!(world.stage(0), Stage::Streaming);
}

#[test]
fn a_strap_that_finds_no_beat_is_not_ready_and_stays_connected() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.sensors[0].mood = Mood::Unworn;
    world.pass(120_000);
    assert_eq!((world.stage(0), world.connects.len()), (Stage::Awaiting, 1));
    assert!(world.reason(0).contains("is it worn"));
    world.sensors[0].mood = Mood::Well;
    world.pass(1_000);
    assert_eq!(world.stage(0), Stage::Streaming);
    assert!(world.fleet.status()[0].is_ready());
    // Contact that is lost later is no broken link, and no readiness for another set.
    world.sensors[0].mood = Mood::Unworn;
    world.pass(120_000);
    assert_eq!(
        (world.stage(0), world.connects.len()),
        (Stage::Streaming, 1)
    );
    let status = &world.fleet.status()[0];
    assert!(!status.is_ready() && status.words().contains("is it worn"));
    assert_eq!(world.power_cycles, 0);
    world.sensors[0].mood = Mood::Well;
    world.pass(1_000);
    assert!(world.fleet.status()[0].is_ready());
}

#[test]
fn a_stream_that_falls_silent_is_started_anew() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.pass(5_000);
    world.sensors[0].mood = Mood::Mute;
    world.pass(16_000);
    assert_ne!(world.stage(0), Stage::Streaming);
    assert!(world.reason(0).contains("silent"));
    assert!(
        world
            .links
            .iter()
            .any(|(_, c)| matches!(c, LinkChange::Down { .. }))
    );
}

#[test]
fn a_connection_that_hangs_does_not_keep_the_others_waiting_for_ever() {
    let mut world = World::new(&[ONE, TWO], vec![strap(1), strap(2)]);
    world.sensors[0].mood = Mood::Hangs;
    world.pass(90_000);
    assert_eq!(world.stage(1), Stage::Streaming);
    assert!(world.reason(0).contains("no connection in time"));
}

#[test]
fn waits_grow_and_end_at_half_a_minute() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.sensors[0].mood = Mood::Refuses;
    world.pass(600_000);
    let steps: Vec<i64> = world
        .connects
        .windows(2)
        .map(|w| (w[1].0 - w[0].0) / MS)
        .collect();
    assert!(steps[0] < 5_000, "{steps:?}");
    assert!(*steps.last().unwrap() > 25_000, "{steps:?}");
    assert!(steps.iter().all(|s| *s < 45_000), "{steps:?}");
}

#[test]
fn what_is_only_remembered_is_not_connected_to() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.sensors[0].mood = Mood::Away;
    world.pass(5_000);
    let remembered = Seen {
        address: ONE.to_owned(),
        advert: strap(1).advert,
        rssi_dbm: None,
        is_connected: false,
    };
    world.input(Input::Seen(remembered));
    assert!(world.connects.is_empty());
}

#[test]
fn a_sensor_known_by_its_serial_number_alone_is_found_by_asking() {
    let mut world = World::new(&["SN-2"], vec![strap(1), strap(2)]);
    world.sensors[0].serial = Some("SN-1");
    world.sensors[1].serial = Some("SN-2");
    world.pass(60_000);
    assert_eq!(world.stage(0), Stage::Streaming);
    assert_eq!(world.reached[&0], 1);
    let first = world.connects.iter().filter(|(_, k)| *k == 0).count();
    assert_eq!(first, 1, "a sensor that said who it is is not asked again");
}

#[test]
fn a_serial_number_that_could_not_be_read_rules_nobody_out() {
    let mut world = World::new(&["SN-1"], vec![strap(1)]);
    world.sensors[0].serial = Some("SN-1");
    world.sensors[0].unread = 2;
    world.pass(60_000);
    assert_eq!(
        (world.stage(0), world.connects.len()),
        (Stage::Streaming, 3)
    );
}

#[test]
fn a_sensor_known_by_its_name_is_found_beside_another_of_its_family() {
    let mut world = World::new(&["TICKR 1"], vec![strap(1), strap(2)]);
    world.sensors[0].serial = Some("SN-1");
    world.sensors[1].advert.name = "TICKR 1".to_owned();
    // The other is heard first, and asked, because its serial number could be what was meant.
    world.sensors[1].mood = Mood::Away;
    world.pass(20_000);
    assert_eq!(world.reached[&0], 0);
    world.sensors[1].mood = Mood::Well;
    world.pass(60_000);
    assert_eq!((world.stage(0), world.reached[&0]), (Stage::Streaming, 1));
    // Once it is known, no other is asked in its place.
    let before = world.connects.len();
    world.sensors.push(strap(3));
    world.sensors[1].mood = Mood::Away;
    world.drop_link(0);
    world.pass(60_000);
    assert_eq!(world.connects.len(), before);
}

#[test]
fn why_there_is_no_scan_is_said_of_the_sensor() {
    let mut world = World::new(&[ONE], vec![]);
    world.pass(1_000);
    world.input(Input::ScanRefused("not permitted".to_owned()));
    assert!(world.reason(0).contains("not permitted"));
}

#[test]
fn a_sensor_known_by_its_name_stays_the_one_that_was_found() {
    let mut world = World::new(&["strap"], vec![strap(1), strap(2)]);
    world.sensors[1].mood = Mood::Away;
    world.pass(5_000);
    assert_eq!(world.stage(0), Stage::Streaming);
    // Its twin comes, and it goes.
    world.sensors[1].mood = Mood::Well;
    world.sensors[0].mood = Mood::Away;
    world.drop_link(0);
    world.pass(60_000);
    assert_eq!(world.stage(0), Stage::Absent);
    world.sensors[0].mood = Mood::Well;
    world.pass(60_000);
    assert_eq!((world.stage(0), world.reached[&0]), (Stage::Streaming, 0));
}

#[test]
fn of_two_with_one_name_neither_is_taken_until_one_is_gone() {
    let mut world = World::new(&["strap"], vec![strap(1), strap(2)]);
    world.pass(30_000);
    assert!(world.connects.is_empty());
    assert!(
        world
            .reason(0)
            .contains("2 in reach have its name (00:01, 00:02)"),
        "{}",
        world.reason(0)
    );
    world.sensors[0].mood = Mood::Away;
    world.pass(80_000);
    assert_eq!((world.stage(0), world.reached[&0]), (Stage::Streaming, 1));
}

#[test]
fn a_twin_that_is_another_sensor_of_the_session_does_not_count() {
    let mut world = World::new(&[ONE, "strap"], vec![strap(1), strap(2)]);
    world.pass(20_000);
    assert_eq!(
        (world.stage(0), world.stage(1)),
        (Stage::Streaming, Stage::Streaming)
    );
    assert_eq!((world.reached[&0], world.reached[&1]), (0, 1));
}

#[test]
fn another_sensor_of_the_family_is_not_taken() {
    let mut world = World::new(&[ONE], vec![strap(2)]);
    world.pass(30_000);
    assert!(world.connects.is_empty());
    assert_eq!(world.stage(0), Stage::Absent);
}

#[test]
fn an_adapter_that_is_switched_off_and_on_is_used_again() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.pass(5_000);
    world.input(Input::Adapter(Adapter::Off));
    world.sensors[0].connected = false;
    assert_eq!(world.stage(0), Stage::Absent);
    world.pass(5_000);
    assert!(!world.scanning, "an adapter that is off does not scan");
    world.input(Input::Adapter(Adapter::On));
    world.pass(10_000);
    assert_eq!(world.stage(0), Stage::Streaming);
}

#[test]
fn a_service_that_is_gone_is_sought_anew_and_in_the_end_given_up() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.pass(5_000);
    for second in 0..200 {
        world.input(Input::Adapter(Adapter::Gone));
        world.pass(1_000);
        if second == 60 {
            assert!(world.rebuilds > 10 && !world.gave_up);
        }
    }
    assert!(world.gave_up);
}

/// As the radio does where the bus itself hangs: an answer takes longer than the time between two questions.
#[test]
fn a_bus_that_hangs_is_given_up_after_the_same_time() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    let mut seconds = 0;
    while !world.gave_up {
        world.input(Input::Adapter(Adapter::Gone));
        world.pass(15_000);
        seconds += 15;
        assert!(seconds <= 150, "never given up");
    }
    assert!(seconds >= 120);
}

#[test]
fn an_adapter_that_hears_nobody_is_power_cycled_and_in_the_end_given_up() {
    let mut world = World::new(&[ONE], vec![strap(1)]);
    world.sensors[0].mood = Mood::Away;
    world.pass(130_000);
    assert_eq!((world.power_cycles, world.gave_up), (2, false));
    world.sensors[0].mood = Mood::Refuses;
    world.pass(10_000);
    world.sensors[0].mood = Mood::Away;
    world.pass(310_000);
    assert_eq!(
        (world.power_cycles, world.gave_up),
        (7, false),
        "it heard somebody in between"
    );
    world.pass(60_000);
    assert!(world.gave_up);
}

#[test]
fn a_link_that_was_left_behind_is_let_go_of_and_made_anew() {
    let mut world = World::new(&[ONE, TWO], vec![strap(1), strap(2)]);
    world.sensors[0].connected = true;
    world.pass(10_000);
    assert!(world.fleet.status().iter().all(LinkStatus::is_ready));
    assert_eq!(world.released.len(), 1);
    // One that is nobody's here, and the fleet's own, are left alone.
    world.drop_link(0);
    world.sensors[0].mood = Mood::Away;
    world.sensors.push(strap(3));
    world.sensors[2].connected = true;
    world.pass(60_000);
    assert_eq!(world.released.len(), 1);
    assert_eq!(world.stage(1), Stage::Streaming);
}

#[test]
fn a_link_of_a_sensor_known_by_its_serial_number_alone_is_let_go_of_too() {
    let mut world = World::new(&["SN-2"], vec![strap(1), strap(2)]);
    world.sensors[0].serial = Some("SN-1");
    world.sensors[1].serial = Some("SN-2");
    world.sensors[0].connected = true;
    world.sensors[1].connected = true;
    world.pass(60_000);
    assert_eq!((world.stage(0), world.reached[&0]), (Stage::Streaming, 1));
    // The other one was asked who it is, and is nobody's here from then on.
    assert_eq!(world.released.len(), 2);
}

#[test]
fn a_mere_look_takes_no_link_from_anybody() {
    let leave = Leave {
        power_cycle: false,
        take_over: false,
    };
    let mut world = World::with(leave, &[ONE], vec![strap(1)]);
    world.sensors[0].connected = true;
    world.pass(60_000);
    assert!(world.released.is_empty());
    assert_eq!(world.stage(0), Stage::Absent);
}

#[test]
fn an_adapter_with_a_good_link_is_not_power_cycled() {
    let mut world = World::new(&[ONE, TWO], vec![strap(1), strap(2)]);
    world.sensors[1].mood = Mood::Away;
    world.pass(200_000);
    assert_eq!((world.stage(0), world.power_cycles), (Stage::Streaming, 0));
}

#[test]
fn stopping_ends_every_link_and_then_all() {
    let mut world = World::new(&[ONE, TWO, "C0:FF:EE:00:00:09"], vec![strap(1), strap(2)]);
    world.pass(10_000);
    world.input(Input::Stop);
    world.pass(10_000);
    assert!(world.fleet.is_over());
    assert!(world.sensors.iter().all(|s| !s.connected));
    let closed = world
        .links
        .iter()
        .filter(|(_, c)| *c == LinkChange::Closed)
        .count();
    assert_eq!(closed, 2);
}

fn any_mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        3 => Just(Mood::Well),
        1 => Just(Mood::Mute),
        1 => Just(Mood::Unworn),
        1 => Just(Mood::Refuses),
        1 => Just(Mood::Hangs),
        1 => Just(Mood::Away),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// `pass` asserts that one connection is made at a time and no scan disturbs it.
    #[test]
    fn whatever_sensors_do_they_stream_once_they_are_well(
        moods in proptest::collection::vec((any_mood(), any_mood(), 0_i64..40_000, any::<bool>()), 1..8)
    ) {
        let mut world = World::new(&[ONE, TWO], vec![strap(1), strap(2)]);
        for (first, second, ms, dropped) in moods {
            (world.sensors[0].mood, world.sensors[1].mood) = (first, second);
            world.pass(ms);
            if dropped && world.stage(0) == Stage::Streaming {
                world.drop_link(0);
            }
        }
        (world.sensors[0].mood, world.sensors[1].mood) = (Mood::Well, Mood::Well);
        world.pass(240_000);
        prop_assert!(world.fleet.status().iter().all(LinkStatus::is_ready), "{:?}", world.fleet.status());
        // A link ends before it begins again.
        for i in 0..2 {
            let changes: Vec<bool> = world.links.iter().filter(|(k, _)| *k == i).map(|(_, c)| *c == LinkChange::Up).collect();
            prop_assert!(changes.windows(2).all(|w| w[0] != w[1]), "{changes:?}");
        }
    }
}
