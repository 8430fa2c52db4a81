//! A fake `org.bluez` on a bus of its own, in this process: a test changes its world and sees what becomes of it.
//!
//! The order of signals and the names of errors are those of BlueZ 5.66. Time is real. What it cannot show: faults and
//! timing of kernel and bluetoothd, ATT, pairing.

use super::{bench::Bench, bus::Bus, peripheral::Peripheral, world::World};
use dbus::{Message, MessageType, channel::Channel};
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

const BUS: &str = "org.freedesktop.DBus";
const TICK: Duration = Duration::from_millis(2);
/// How long bluetoothd is away when it is started again.
const AWAY: Duration = Duration::from_millis(500);

pub struct Bluez {
    bus: Bus,
    world: Arc<Mutex<World>>,
    stop: Arc<AtomicBool>,
    service: Option<JoinHandle<()>>,
}

impl Bluez {
    /// Sensors as `peripheral::sensors` reads them.
    pub fn with(set: &str) -> Self {
        Self::start(Bus::start(), set, true)
    }

    /// bluetoothd runs, the machine has no adapter.
    pub fn without_adapter() -> Self {
        Self::start(Bus::start(), "strap", false)
    }

    /// Nobody may talk to it.
    pub fn forbidden() -> Self {
        Self::start(Bus::forbidden(), "strap", true)
    }

    fn start(bus: Bus, set: &str, adapter: bool) -> Self {
        let mut world = World::new(set);
        world.boot(adapter);
        let world = Arc::new(Mutex::new(world));
        let stop = Arc::new(AtomicBool::new(false));
        let channel = appear(&bus.address());
        let (shared, ended, address) = (Arc::clone(&world), Arc::clone(&stop), bus.address());
        let service = std::thread::spawn(move || serve(channel, &address, &shared, &ended));
        Self {
            bus,
            world,
            stop,
            service: Some(service),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn with_sensor<T>(&self, label: &str, what: impl FnOnce(&mut Peripheral) -> T) -> T {
        what(self.world().labelled(label))
    }

    /// In reach or not; a link that is up stays.
    pub fn reachable(&self, label: &str, yes: bool) {
        self.with_sensor(label, |p| p.reachable = yes);
    }

    /// The next connects fail.
    pub fn fail_connects(&self, count: u32) {
        self.world().fail_connects = count;
    }

    /// The next connects are never answered, until they are taken back.
    pub fn hang_connects(&self, count: u32) {
        self.world().hang_connects = count;
    }

    /// The service hangs: it neither reads nor says anything, and goes on afterwards as if nothing had been.
    pub fn freeze(&self, seconds: f64) {
        let mut world = self.world();
        world.frozen_until_s = world.now_s() + seconds;
    }

    /// The service ends, and nobody starts it again.
    pub fn quit(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let served = self.service.take().map(JoinHandle::join);
        assert!(served.is_some_and(|s| s.is_ok()), "the fake BlueZ died");
    }

    /// Somebody switches the adapter.
    pub fn power(&self, on: bool) {
        self.world().power(on);
    }
}

impl Bench for Bluez {
    fn address(&self) -> String {
        self.bus.address()
    }

    fn drop_link(&self, label: &str) {
        self.world().drop_link(label);
    }

    /// BlueZ tells of both in the same words.
    fn lose_link(&self, label: &str) {
        self.drop_link(label);
    }

    fn stall(&self, label: &str, yes: bool) {
        self.with_sensor(label, |p| p.stalled = yes);
    }

    fn sent(&self, label: &str) -> u64 {
        self.with_sensor(label, |p| p.sent)
    }

    fn links(&self, label: &str) -> u32 {
        self.with_sensor(label, |p| p.links)
    }

    fn shake(&self, label: &str, seconds: f64) {
        let until_s = self.world().now_s() + seconds;
        self.with_sensor(label, |p| p.feel.shaken_until_s = until_s);
    }

    fn squat(&self) {
        let mut world = self.world();
        let now_s = world.now_s();
        world.person.squat(now_s);
    }

    fn stand(&self) {
        let mut world = self.world();
        let now_s = world.now_s();
        world.person.stand(now_s);
    }

    fn kill_service(&self) {
        self.world().restart = true;
    }

    fn unplug(&self) {
        self.world().unplug();
    }

    fn plug(&self) {
        self.world().plug();
    }
}

impl Drop for Bluez {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(service) = self.service.take() {
            let served = service.join();
            assert!(
                served.is_ok() || std::thread::panicking(),
                "the fake BlueZ died"
            );
        }
    }
}

/// Connects to the bus as `org.bluez`.
fn appear(address: &str) -> Channel {
    let mut channel = Channel::open_private(address).unwrap();
    channel.register().unwrap();
    let ask = |member| Message::new_method_call(BUS, "/", BUS, member).unwrap();
    let calls = [
        ask("AddMatch").append1(
            "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
        ),
        ask("RequestName").append2("org.bluez", 4_u32),
    ];
    for call in calls {
        channel
            .send_with_reply_and_block(call, Duration::from_secs(5))
            .unwrap();
    }
    channel
}

fn serve(mut channel: Channel, address: &str, world: &Mutex<World>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if world.lock().unwrap().is_frozen() {
            std::thread::sleep(TICK);
            continue;
        }
        channel.read_write(Some(TICK)).unwrap();
        let mut world = world.lock().unwrap();
        if world.restart {
            world.restart = false;
            world.boot(true);
            // Nobody hears of the objects of a daemon that is not there yet.
            world.tree.outbox.clear();
            drop(channel);
            drop(world);
            std::thread::sleep(AWAY);
            channel = appear(address);
            continue;
        }
        while let Some(message) = channel.pop_message() {
            match message.msg_type() {
                MessageType::MethodCall => world.call(&message),
                MessageType::Signal => {
                    let name: Option<&str> = message.get1();
                    world.client_gone(name.unwrap_or_default());
                }
                _ => {}
            }
        }
        world.tick();
        for message in world.tree.outbox.drain(..) {
            channel.send(message).unwrap();
        }
        channel.flush();
    }
}
