//! Carries out what the fleet says, with btleplug, on a thread and a runtime of its own: a stream that is dropped while
//! signals arrive brings a runtime with many threads down.

use super::{
    super::{
        outlet::{Board, Outlet, say_status},
        sensor::SensorConfig,
    },
    central::{Bus, Central, Events, RadioError, heard},
    config::{Config, Purpose},
    device::Device,
    fleet::{Act, Adapter, Fleet, Input, Leave, Member},
    intake::{Pump, packet},
    params::Params,
    power,
    protocol::{Event, Request},
    supervisor::Supervisor,
    survey,
};
use crate::{decode::Driver, model::packet::DeviceIndex, wire::recording::Item};
use btleplug::api::CentralEvent;
use futures::StreamExt;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    thread,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::{AbortHandle, LocalSet, spawn_local},
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

/// What happens waits here for the fleet; those who tell it wait when it is full.
const INPUTS: usize = 1024;
/// How often the adapter and the links are asked whether they are there.
const POLL: Duration = Duration::from_secs(1);

/// Starts the radio; packets and link changes of those of `sensors` that are on the air, by their position, go to
/// `outlet` until `stop`, then all streams are stopped and all links closed. Why it ended, once it has.
///
/// # Errors
/// A sensor names no driver, or no thread can be started.
pub(in super::super) fn start(
    config: &Config,
    sensors: &[SensorConfig],
    purpose: Purpose,
    outlet: Outlet,
    board: Board,
    stop: CancellationToken,
) -> Result<oneshot::Receiver<Result<(), RadioError>>, RadioError> {
    let params = Params::default();
    let (mut members, mut drivers) = (Vec::new(), Vec::new());
    for (i, sensor) in sensors.iter().enumerate() {
        let unknown = || RadioError::Over(format!("there is no driver {:?}", sensor.driver));
        let driver = sensor.driver().ok_or_else(unknown)?;
        if driver.pushes() {
            continue;
        }
        let index = DeviceIndex(u16::try_from(i).unwrap_or(u16::MAX));
        drivers.push((index, driver));
        let link = Supervisor::new(index, &sensor.alias, driver, sensor.wish(), &params);
        members.push(Member::new(&sensor.id, link));
    }
    let leave = Leave {
        power_cycle: config.power_cycle,
        take_over: purpose == Purpose::Session,
    };
    let fleet = Fleet::new(members, &params, leave, (outlet.clock)());
    let (end, over) = oneshot::channel();
    let config = config.clone();
    thread::Builder::new()
        .name("radio".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let result = match runtime {
                Ok(runtime) => {
                    let work = async {
                        Worker::new(config, fleet, drivers, outlet, board)
                            .run(stop)
                            .await
                    };
                    runtime.block_on(async {
                        let tasks = LocalSet::new();
                        let ended = tasks.run_until(work).await;
                        // Here, because dropped streams still need the runtime.
                        drop(tasks);
                        ended
                    })
                }
                Err(e) => Err(RadioError::Over(e.to_string())),
            };
            let _ = end.send(result);
        })
        .map_err(|e| RadioError::Over(e.to_string()))?;
    Ok(over)
}

/// A sensor's connection and the tasks that belong to it.
struct Link {
    address: String,
    device: Device,
    connected: Rc<Cell<bool>>,
    pump: AbortHandle,
}

struct Worker {
    config: Config,
    fleet: Fleet,
    /// Of each sensor: its place in the session, its driver.
    drivers: Vec<(DeviceIndex, &'static dyn Driver)>,
    outlet: Outlet,
    board: Board,
    inputs: mpsc::Sender<Input>,
    arrived: mpsc::Receiver<Input>,
    bus: Bus,
    central: Option<Central>,
    listening: Option<AbortHandle>,
    links: Vec<Rc<RefCell<Option<Link>>>>,
    /// Which sensors want to see every value.
    scripted: Vec<Rc<Cell<bool>>>,
    polling: Rc<Cell<bool>>,
    /// Why there was no adapter last.
    trouble: Option<String>,
    /// Whoever took packets and link changes has gone.
    unheard: bool,
}

impl Worker {
    fn new(
        config: Config,
        fleet: Fleet,
        drivers: Vec<(DeviceIndex, &'static dyn Driver)>,
        outlet: Outlet,
        board: Board,
    ) -> Self {
        let (inputs, arrived) = mpsc::channel(INPUTS);
        Self {
            config,
            links: drivers.iter().map(|_| Rc::default()).collect(),
            scripted: drivers.iter().map(|_| Rc::default()).collect(),
            fleet,
            drivers,
            outlet,
            board,
            inputs,
            arrived,
            bus: Bus::default(),
            central: None,
            listening: None,
            polling: Rc::default(),
            trouble: None,
            unheard: false,
        }
    }

    async fn run(mut self, stop: CancellationToken) -> Result<(), RadioError> {
        let mut poll = interval(POLL);
        let mut stopping = false;
        let mut acts = Vec::new();
        while !self.fleet.is_over() {
            let now = (self.outlet.clock)();
            let due = self.fleet.next(now).0 - now.0;
            let due = Duration::from_nanos(due.max(1_000_000).unsigned_abs());
            tokio::select! {
                biased;
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.fleet.input((self.outlet.clock)(), Input::Stop, &mut acts);
                }
                () = self.outlet.items.closed(), if !stopping => {
                    (stopping, self.unheard) = (true, true);
                    self.fleet.input((self.outlet.clock)(), Input::Stop, &mut acts);
                }
                Some(input) = self.arrived.recv() => {
                    self.fleet.input((self.outlet.clock)(), input, &mut acts);
                }
                _ = poll.tick() => self.poll().await,
                () = sleep(due) => {}
            }
            // Always, because what happens may come faster than what is due.
            self.fleet.tick((self.outlet.clock)(), &mut acts);
            for act in acts.drain(..) {
                self.act(act).await?;
            }
            for (i, scripted) in self.scripted.iter().enumerate() {
                scripted.set(self.fleet.is_scripted(i));
            }
            self.outlet.say_lost();
            say_status(&self.board, self.fleet.status(), |now| {
                info!(sensor = now.alias, "{}", now.words());
            });
        }
        if let Some(central) = &self.central {
            central.stop_scan().await;
        }
        self.outlet.say_last().await;
        if self.unheard && !stop.is_cancelled() {
            return Err(RadioError::Over("nobody takes what it hears".to_owned()));
        }
        Ok(())
    }

    async fn act(&mut self, act: Act) -> Result<(), RadioError> {
        debug!("{act:?}");
        match act {
            Act::Scan(on) => self.scan(on),
            Act::Request(i, number, request) => self.request(i, number, request),
            Act::Link(event) => {
                let item = Item::Link((self.outlet.clock)(), event);
                // The links are closed all the same before the radio ends.
                self.unheard |= self.outlet.items.send(item).await.is_err();
            }
            Act::PowerCycle => {
                warn!("the adapter hears nobody: switching it off and on");
                let adapter = self.config.adapter.clone();
                let cycled = tokio::task::spawn_blocking(move || power::cycle(adapter.as_deref()));
                spawn_local(async move {
                    if let Ok(Err(e)) = cycled.await {
                        error!("failed to switch the adapter off and on: {e}");
                    }
                });
            }
            Act::Release(address) => {
                info!("{address} is still connected from before: letting go of it");
                let adapter = self.config.adapter.clone();
                spawn_local(async move {
                    if let Err(reason) = survey::release(adapter.as_deref(), &address).await {
                        warn!("failed to let go of {address}: {reason}");
                    }
                });
            }
            Act::Rebuild => {
                info!("the Bluetooth service does not answer: connecting to it anew");
                self.forget();
            }
            Act::GiveUp(reason) => return Err(RadioError::Over(reason)),
        }
        Ok(())
    }

    /// Drops everything that belongs to the connection to the Bluetooth service.
    fn forget(&mut self) {
        self.central = None;
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
        for link in &self.links {
            if let Some(link) = link.take() {
                link.pump.abort();
            }
        }
    }

    fn scan(&self, on: bool) {
        let (Some(central), inputs) = (self.central.clone(), self.inputs.clone()) else {
            let inputs = self.inputs.clone();
            if on {
                spawn_local(async move {
                    let refused = Input::ScanRefused("there is no adapter yet".to_owned());
                    let _ = inputs.send(refused).await;
                });
            }
            return;
        };
        spawn_local(async move {
            if !on {
                central.stop_scan().await;
            } else if let Err(reason) = central.start_scan().await {
                debug!("no scan: {reason}");
                let _ = inputs.send(Input::ScanRefused(reason)).await;
            }
        });
    }

    fn request(&self, i: usize, number: u64, request: Request) {
        let (inputs, outlet) = (self.inputs.clone(), self.outlet.clone());
        let (slot, place) = (Rc::clone(&self.links[i]), self.drivers[i].0);
        let opening = match &request {
            Request::Connect(address) => Some(Opening {
                adapter: self.config.adapter.clone(),
                address: address.clone(),
                pump: self.pump(i),
            }),
            _ => None,
        };
        let connecting = opening.is_some();
        spawn_local(async move {
            let read = match &request {
                Request::Read(characteristic) => Some(*characteristic),
                _ => None,
            };
            let event = match reached(&slot, opening).await {
                Ok(device) => device.carry_out(request).await,
                Err(reason) => Event::Refused(reason),
            };
            if let (Some(characteristic), Event::Done(value)) = (read, &event) {
                let host = (outlet.clock)();
                outlet.packet(packet(place, characteristic, host, value.clone()));
            }
            if connecting && let Some(link) = &*slot.borrow() {
                link.connected.set(matches!(event, Event::Done(_)));
            }
            let _ = inputs.send(Input::Answered(i, number, event)).await;
        });
    }

    fn pump(&self, i: usize) -> Pump {
        Pump {
            index: i,
            device: self.drivers[i].0,
            decoder: self.drivers[i].1.decoder(),
            readings: Vec::new(),
            scripted: Rc::clone(&self.scripted[i]),
            outlet: self.outlet.clone(),
            inputs: self.inputs.clone(),
            said_at: BTreeMap::new(),
        }
    }

    /// Asks whether the adapter and the links are there; opens the adapter if it is not open.
    async fn poll(&mut self) {
        if self.central.is_none() {
            match self.open().await {
                Ok(()) => {}
                Err(e) => {
                    // Said once, tried for long.
                    let said = e.to_string();
                    if self.trouble.replace(said.clone()).as_ref() != Some(&said) {
                        warn!("failed to {said}");
                    }
                    let _ = self.inputs.try_send(Input::Adapter(Adapter::Gone));
                    return;
                }
            }
        }
        if self.polling.replace(true) {
            return;
        }
        let (central, inputs, polling) = (
            self.central.clone(),
            self.inputs.clone(),
            Rc::clone(&self.polling),
        );
        let (links, scanning) = (self.links.clone(), self.fleet.is_scanning());
        spawn_local(async move {
            if let Some(central) = central {
                let _ = inputs.send(Input::Adapter(central.power().await)).await;
                if scanning {
                    for seen in central.around().await {
                        let _ = inputs.send(Input::Seen(seen)).await;
                    }
                }
            }
            for (i, slot) in links.iter().enumerate() {
                let link = slot
                    .borrow()
                    .as_ref()
                    .map(|l| (l.device.clone(), Rc::clone(&l.connected)));
                if let Some((device, connected)) = link.filter(|(_, c)| c.get())
                    && !device.is_connected().await
                    && connected.replace(false)
                {
                    let gone = Event::Disconnected("the link is gone".to_owned());
                    let _ = inputs.send(Input::Happened(i, gone)).await;
                }
            }
            polling.set(false);
        });
    }

    async fn open(&mut self) -> Result<(), RadioError> {
        let central = self.bus.central(self.config.adapter.as_deref()).await?;
        let mut events: Events = central.events().await?;
        let (listener, inputs) = (central.clone(), self.inputs.clone());
        let links = self.links.clone();
        let listening = spawn_local(async move {
            while let Some(event) = events.next().await {
                if let CentralEvent::DeviceDisconnected(id) = &event {
                    let ended = links.iter().position(|slot| is_ended(slot, id));
                    if let Some(i) = ended {
                        let gone = Event::Disconnected("the sensor ended the link".to_owned());
                        let _ = inputs.send(Input::Happened(i, gone)).await;
                    }
                } else if let Some(id) = heard(event)
                    && let Some(seen) = listener.seen(&id).await
                {
                    let _ = inputs.send(Input::Seen(seen)).await;
                }
            }
        });
        self.listening = Some(listening.abort_handle());
        self.central = Some(central);
        self.trouble = None;
        let _ = self.inputs.try_send(Input::Adapter(Adapter::On));
        Ok(())
    }
}

/// Whether that device is the one of the slot, and was connected.
fn is_ended(slot: &Rc<RefCell<Option<Link>>>, id: &btleplug::platform::PeripheralId) -> bool {
    let slot = slot.borrow();
    let link = slot.as_ref().filter(|link| link.device.is(id));
    link.is_some_and(|link| link.connected.replace(false))
}

/// What is needed to reach a device for the first time.
struct Opening {
    adapter: Option<String>,
    address: String,
    pump: Pump,
}

/// The device of a slot; another one than before is opened first.
async fn reached(
    slot: &Rc<RefCell<Option<Link>>>,
    opening: Option<Opening>,
) -> Result<Device, String> {
    let known = slot
        .borrow()
        .as_ref()
        .map(|l| (l.address.clone(), l.device.clone()));
    match (opening, known) {
        (None, Some((_, device))) => Ok(device),
        (None, None) => Err("it is not connected".to_owned()),
        (Some(opening), Some((address, device))) if opening.address == address => {
            // What was decoded of the connection before is void.
            Ok(device)
        }
        (Some(opening), _) => {
            let (device, values) =
                Device::open(opening.adapter.as_deref(), &opening.address).await?;
            let pumped = spawn_local(opening.pump.run(device.clone(), values));
            let link = Link {
                address: opening.address,
                device: device.clone(),
                connected: Rc::default(),
                pump: pumped.abort_handle(),
            };
            if let Some(old) = slot.replace(Some(link)) {
                old.pump.abort();
            }
            Ok(device)
        }
    }
}
