//! What has to be done again and again while a sensor streams: keys that keep it awake, its battery. Pure; ns of the
//! host's clock.

use crate::{
    decode::{Driver, script::Script},
    model::time::HostNs,
};

/// Shortest time between two turns of a chore, ms.
const SHORTEST_MS: u32 = 100;

#[derive(Debug)]
struct Chore {
    every_ns: i64,
    next: HostNs,
    /// Its place in the driver's list.
    index: usize,
}

/// The chores of one connection.
#[derive(Debug, Default)]
pub struct Chores(Vec<Chore>);

impl Chores {
    /// Those of the driver's sensors, from now on.
    #[must_use]
    pub fn begin(driver: &dyn Driver, now: HostNs) -> Self {
        let repeats = driver.repeat().into_iter().enumerate();
        let chore = |(index, every_ms): (usize, u32)| {
            let every_ns = i64::from(every_ms.max(SHORTEST_MS)) * 1_000_000;
            Chore {
                every_ns,
                next: HostNs(now.0 + every_ns),
                index,
            }
        };
        Self(repeats.map(|(i, r)| chore((i, r.every_ms))).collect())
    }

    /// When the next of them is due.
    #[must_use]
    pub fn next(&self) -> Option<HostNs> {
        self.0.iter().map(|c| c.next).min()
    }

    /// One that is due; it is due again later.
    pub fn due(&mut self, driver: &dyn Driver, now: HostNs) -> Option<Script> {
        let chore = self.0.iter_mut().find(|c| c.next <= now)?;
        chore.next = HostNs(now.0 + chore.every_ns);
        let repeat = driver.repeat().into_iter().nth(chore.index)?;
        Some(Script::new(repeat.ops))
    }
}
