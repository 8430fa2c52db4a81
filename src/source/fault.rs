//! Radio faults on purpose: loses, delays, doubles and reorders packets and steps the host's clock, as a
//! seed says. Times are host nanoseconds, settings milliseconds and seconds since the session began.
//! Commands are never touched, but for the clock step, which a host's clock makes for everything.
//!
//! The same plan over the same items gives the same result, whole or streamed. Each packet draws the same
//! number of random numbers whatever the settings, so that changing one fault leaves the others in place.

use crate::{
    model::{
        packet::{DeviceIndex, Packet},
        time::{HostNs, SessionNs},
    },
    wire::recording::Item,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What goes wrong. The default is nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// Seed of the random numbers.
    pub seed: u64,
    /// Probability that a packet is lost, 0-1.
    pub drop: f64,
    /// Shortest and longest delay of a packet, ms. A link keeps its order: a late packet holds up the next.
    pub delay_ms: (f64, f64),
    /// Probability that a packet arrives twice, 0-1.
    pub duplicate: f64,
    /// Probability that a packet is overtaken by those behind it, 0-1.
    pub reorder: f64,
    /// How much later an overtaken packet arrives, ms.
    pub reorder_ms: f64,
    /// Times without a connection.
    pub disconnect: Vec<Disconnect>,
    /// A step of the host's clock.
    pub clock_step: Option<ClockStep>,
}

/// A time without a connection: what is sent then is lost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// Which sensor; absent = all.
    #[serde(default)]
    pub device: Option<DeviceIndex>,
    /// Begin, s since the session began.
    pub from_s: f64,
    /// End, s since the session began; not included.
    pub to_s: f64,
}

/// A step of the host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockStep {
    /// First instant that is stamped wrong, s since the session began.
    pub at_s: f64,
    /// Size; positive = the clock jumps ahead, ms.
    pub step_ms: f64,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FaultLog {
    /// Packets that came in.
    pub packets: u64,
    /// Lost at random.
    pub dropped: u64,
    /// Lost without a connection.
    pub disconnected: u64,
    /// Arrived later than sent, by their own delay or behind another.
    pub delayed: u64,
    /// Arrived twice.
    pub duplicated: u64,
    /// Overtaken.
    pub reordered: u64,
    /// Items stamped by a stepped clock.
    pub stepped: u64,
}

/// Applies a plan to a whole recording that began at `origin`.
#[must_use]
pub fn apply(plan: &FaultPlan, origin: HostNs, items: Vec<Item>) -> (Vec<Item>, FaultLog) {
    let mut faults = Faults::new(plan, origin);
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        faults.push(item, &mut out);
    }
    let log = faults.finish(&mut out);
    (out, log)
}

/// Applies a plan item by item.
pub struct Faults {
    plan: FaultPlan,
    origin: HostNs,
    random: ChaCha8Rng,
    /// On their way, by arrival and then in the order sent; holds no more than the longest delay's worth.
    in_flight: BTreeMap<(HostNs, u64), Item>,
    sent: u64,
    /// Latest arrival on each link.
    link: BTreeMap<DeviceIndex, HostNs>,
    log: FaultLog,
}

impl Faults {
    /// Begins at the session's beginning.
    #[must_use]
    pub fn new(plan: &FaultPlan, origin: HostNs) -> Self {
        Self {
            plan: plan.clone(),
            origin,
            random: ChaCha8Rng::seed_from_u64(plan.seed),
            in_flight: BTreeMap::new(),
            sent: 0,
            link: BTreeMap::new(),
            log: FaultLog::default(),
        }
    }

    /// Takes an item in, appends what arrives before or with it.
    pub fn push(&mut self, item: Item, out: &mut Vec<Item>) {
        let now = item.host();
        match item {
            Item::Command(..) | Item::Link(..) | Item::Time(_) => self.send(now, item),
            Item::Packet(packet) => self.packet(packet),
        }
        self.arrive(Some(now), out);
    }

    /// Appends what is still on its way, says what was done.
    pub fn finish(mut self, out: &mut Vec<Item>) -> FaultLog {
        self.arrive(None, out);
        self.log
    }

    fn packet(&mut self, mut packet: Packet) {
        let [drop, delay, duplicate, reorder]: [f64; 4] = self.random.random();
        self.log.packets += 1;
        if self.disconnected(&packet) {
            self.log.disconnected += 1;
            return;
        }
        if drop < self.plan.drop {
            self.log.dropped += 1;
            return;
        }
        let sent = packet.host;
        packet.host = self.arrival(&packet, delay, reorder < self.plan.reorder);
        self.log.delayed += u64::from(packet.host > sent);
        let arrival = packet.host;
        let item = Item::Packet(packet);
        if duplicate < self.plan.duplicate {
            self.log.duplicated += 1;
            self.send(arrival, item.clone());
        }
        self.send(arrival, item);
    }

    fn arrival(&mut self, packet: &Packet, delay: f64, overtaken: bool) -> HostNs {
        let (shortest, longest) = self.plan.delay_ms;
        let delay_ms = (shortest + delay * (longest - shortest)).max(0.0);
        let arrival = later(packet.host, delay_ms);
        if overtaken {
            self.log.reordered += 1;
            return later(arrival, self.plan.reorder_ms.max(0.0));
        }
        let last = self.link.entry(packet.device).or_insert(arrival);
        *last = arrival.max(*last);
        *last
    }

    fn disconnected(&self, packet: &Packet) -> bool {
        let t_s = packet.host.since(self.origin).seconds();
        self.plan.disconnect.iter().any(|gap| {
            gap.device.is_none_or(|d| d == packet.device) && (gap.from_s..gap.to_s).contains(&t_s)
        })
    }

    fn send(&mut self, arrival: HostNs, item: Item) {
        self.in_flight.insert((arrival, self.sent), item);
        self.sent += 1;
    }

    /// Nothing that is sent from now on can arrive before now.
    fn arrive(&mut self, now: Option<HostNs>, out: &mut Vec<Item>) {
        while let Some(first) = self.in_flight.first_entry() {
            if now.is_some_and(|now| first.key().0 > now) {
                break;
            }
            let item = first.remove();
            out.push(self.stamped(item));
        }
    }

    fn stamped(&mut self, mut item: Item) -> Item {
        let Some(step) = self.plan.clock_step else {
            return item;
        };
        let host = match &mut item {
            Item::Packet(packet) => &mut packet.host,
            Item::Command(host, _) | Item::Link(host, _) | Item::Time(host) => host,
        };
        if host.since(self.origin) >= SessionNs::from_seconds(step.at_s) {
            *host = later(*host, step.step_ms);
            self.log.stepped += 1;
        }
        item
    }
}

fn later(host: HostNs, ms: f64) -> HostNs {
    HostNs(host.0.saturating_add((ms * 1e6) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::recording::fixture::{BEGIN, items};
    use proptest::prelude::*;

    fn packets(items: &[Item]) -> usize {
        items
            .iter()
            .filter(|i| matches!(i, Item::Packet(_)))
            .count()
    }

    fn run(plan: &FaultPlan, n: usize) -> (Vec<Item>, FaultLog) {
        apply(plan, BEGIN, items(n))
    }

    #[test]
    fn no_plan_changes_nothing() {
        let (out, log) = run(&FaultPlan::default(), 200);
        assert_eq!(out, items(200));
        assert_eq!(
            log,
            FaultLog {
                packets: packets(&out) as u64,
                ..FaultLog::default()
            }
        );
    }

    #[test]
    fn a_tenth_is_lost_and_no_command() {
        let plan = FaultPlan {
            seed: 1,
            drop: 0.1,
            ..FaultPlan::default()
        };
        let (out, log) = run(&plan, 5000);
        let lost = log.dropped as f64 / log.packets as f64;
        assert!((0.08..0.12).contains(&lost), "{lost}");
        assert_eq!(packets(&out) as u64, log.packets - log.dropped);
        let commands = |items: &[Item]| items.len() - packets(items);
        assert_eq!(commands(&out), commands(&items(5000)));
    }

    #[test]
    fn the_lost_ones_stay_the_same_when_other_faults_join() {
        let alone = FaultPlan {
            seed: 3,
            drop: 0.2,
            ..FaultPlan::default()
        };
        let joined = FaultPlan {
            delay_ms: (0.0, 35.0),
            duplicate: 0.1,
            ..alone.clone()
        };
        let left = |plan| {
            let mut bytes: Vec<_> = run(plan, 250)
                .0
                .into_iter()
                .filter_map(|i| match i {
                    Item::Packet(p) => Some((p.device, p.bytes)),
                    Item::Command(..) | Item::Link(..) | Item::Time(_) => None,
                })
                .collect();
            bytes.sort();
            bytes.dedup();
            bytes
        };
        assert_eq!(left(&alone), left(&joined));
    }

    #[test]
    fn delays_keep_the_order_of_a_link_and_of_arrival() {
        let plan = FaultPlan {
            seed: 2,
            delay_ms: (5.0, 60.0),
            ..FaultPlan::default()
        };
        let (out, log) = run(&plan, 200);
        assert_eq!(out.len(), 200);
        assert_eq!(log.delayed, log.packets);
        assert!(out.is_sorted_by_key(Item::host));
        for device in 0..3 {
            let bytes = |items: &[Item]| -> Vec<Box<[u8]>> {
                let of_device = items.iter().filter_map(|i| match i {
                    Item::Packet(p) if p.device.0 == device => Some(p.bytes.clone()),
                    _ => None,
                });
                of_device.collect()
            };
            assert_eq!(bytes(&out), bytes(&items(200)));
        }
    }

    #[test]
    fn overtaken_packets_change_places() {
        let plan = FaultPlan {
            seed: 5,
            reorder: 0.2,
            reorder_ms: 45.0,
            ..FaultPlan::default()
        };
        let (out, log) = run(&plan, 200);
        assert!(log.reordered > 10);
        assert_eq!(out.len(), 200);
        assert!(out.is_sorted_by_key(Item::host));
        assert_ne!(out, items(200));
    }

    #[test]
    fn a_gap_in_the_connection_is_a_gap_of_that_sensor_only() {
        let plan = FaultPlan {
            disconnect: vec![Disconnect {
                device: Some(DeviceIndex(1)),
                from_s: 0.5,
                to_s: 1.0,
            }],
            ..FaultPlan::default()
        };
        let (out, log) = run(&plan, 200);
        assert!(log.disconnected > 0);
        let inside = |item: &&Item| (0.5..1.0).contains(&item.host().since(BEGIN).seconds());
        let from = |item: &Item| match item {
            Item::Packet(p) => p.device.0,
            Item::Command(..) | Item::Link(..) | Item::Time(_) => u16::MAX,
        };
        let (now, before) = (out.iter().filter(inside), items(200));
        let now: Vec<_> = now.cloned().collect();
        let others = before.iter().filter(inside).filter(|i| from(i) != 1);
        assert_eq!(now, others.cloned().collect::<Vec<_>>());
        assert_eq!(out.len() as u64, 200 - log.disconnected);
    }

    #[test]
    fn the_clock_steps_for_everything_from_an_instant_on() {
        let plan = FaultPlan {
            clock_step: Some(ClockStep {
                at_s: 1.0,
                step_ms: -250.0,
            }),
            ..FaultPlan::default()
        };
        let (out, log) = run(&plan, 200);
        assert_eq!(log.stepped, 100);
        for (out, item) in out.iter().zip(items(200)) {
            let step = if item.host().since(BEGIN).0 >= 1_000_000_000 {
                -250_000_000
            } else {
                0
            };
            assert_eq!(out.host().0, item.host().0 + step);
        }
    }

    #[test]
    fn settings_without_sense_do_no_harm() {
        let plan = FaultPlan {
            drop: f64::NAN,
            delay_ms: (f64::NAN, -5.0),
            duplicate: -1.0,
            reorder: 2.0,
            reorder_ms: f64::NAN,
            ..FaultPlan::default()
        };
        assert_eq!(run(&plan, 50).0.len(), 50);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn the_same_seed_gives_the_same_faults(seed: u64, drop in 0.0..0.5, duplicate in 0.0..0.5, reorder in 0.0..0.5) {
            let plan = FaultPlan { seed, drop, duplicate, reorder, reorder_ms: 30.0, delay_ms: (0.0, 20.0), ..FaultPlan::default() };
            let (out, log) = run(&plan, 150);
            prop_assert_eq!(run(&plan, 150), (out.clone(), log));
            prop_assert!(out.is_sorted_by_key(Item::host));
            prop_assert_eq!(packets(&out) as u64, log.packets - log.dropped + log.duplicated);
        }
    }
}
