//! Everything of one process, built, running, drained: broker, store, analysis, page, and sessions
//! carried through them.

use super::{
    clock,
    desk::Desk,
    feed,
    gateway::{self, Carried, Gateway, Sensors, Source},
    hub::{self, SharedStore},
    keeping,
    link::Link,
    phones::{self, Phones},
};
use crate::{
    config::Config,
    model::{
        finding::Baseline,
        session::{SessionHeader, SessionId},
    },
    mqtt::{BusConfig, broker::Embedded, probe::probe},
    pipeline::analysis::Params,
    source::{
        phone::Door,
        recorder::Recorder,
        replay::{self, Speed},
    },
    store::Store,
    web::{self, Feed, Page, WebState},
    wire::{
        recording::Item,
        topic::{Part, Subject},
    },
};
use anyhow::{Context, Result};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Items between the source and the gateway; the source waits when it is full.
const ITEM_QUEUE: usize = 256;
/// Time the tasks get to finish what they hold.
const GRACE: Duration = Duration::from_secs(10);

/// A session to carry: its header, its plan, its items.
pub struct Play {
    /// Header as recorded or made.
    pub header: SessionHeader,
    /// Text of the plan file.
    pub plan_text: Option<String>,
    /// Packets and commands in the order they arrived.
    pub items: Vec<Item>,
}

/// A session whose items come one by one.
pub struct Carry {
    /// Its header.
    pub header: SessionHeader,
    /// Text of the plan file.
    pub plan_text: Option<String>,
    /// Packets, link changes and commands, as they come; closed at the end.
    pub items: mpsc::Receiver<Item>,
    /// Its source can wait for the bus; sensors cannot.
    pub waits: bool,
    /// What a session with real sensors has beside.
    pub sensors: Option<Sensors>,
}

/// Which part of the daemon a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Role {
    /// Gateway, hub and, if none is named, broker.
    #[default]
    All,
    /// Sensors or recordings to the broker.
    Gateway,
    /// The broker to analysis, store and page.
    Hub,
}

/// A running process.
pub struct Plant {
    bus: BusConfig,
    /// Samples are also said as JSON.
    json: bool,
    /// Not in a gateway.
    store: Option<SharedStore>,
    page: Option<SocketAddr>,
    feed: Feed,
    phones: Phones,
    tasks: JoinSet<Result<()>>,
    stop: CancellationToken,
}

impl Plant {
    /// Starts the broker (unless another is named), the store, the analysis and, if `page`, the live page.
    ///
    /// # Errors
    /// A port in use, a store that does not open, a broker that does not answer or refuses.
    pub async fn build(config: &Config, role: Role, page: bool) -> Result<Self> {
        let mut plant = Self {
            bus: bus(config).await?,
            json: config.bus.json,
            store: None,
            page: None,
            feed: Feed::default(),
            phones: Phones::default(),
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
        };
        if role != Role::Gateway {
            plant.consume(config).await?;
        }
        if role == Role::Gateway {
            plant.phones = Phones::listen(config, &plant.stop).await?;
        } else if role == Role::All && config.has_phones() {
            plant.phones.hear(&plant.bus, config, &plant.stop).await?;
        }
        if page && role != Role::Gateway {
            plant.serve(config).await?;
        }
        Ok(plant)
    }

    /// Starts analysis, store and what feeds the page.
    async fn consume(&mut self, config: &Config) -> Result<()> {
        let store = Arc::new(Mutex::new(
            Store::open(&config.store.dir)
                .with_context(|| format!("open the store {}", config.store.dir.display()))?,
        ));
        let (bus, stop) = (&self.bus, &self.stop);
        let all = [Part::Session, Part::Samples, Part::Window];
        let with_acks = [all.as_slice(), &[Part::Ack]].concat();
        let link = Link::connect(bus, "analysis", &with_acks, None).await?;
        let (shared, params, token) = (Arc::clone(&store), Params::default(), stop.clone());
        self.tasks
            .spawn(async move { Ok(hub::analyse(link, shared, params, token).await?) });
        let with_events = [all.as_slice(), &[Part::Event]].concat();
        let link = Link::connect(bus, "store", &with_events, None).await?;
        let (shared, token) = (Arc::clone(&store), stop.clone());
        let settings = config.store.clone();
        self.tasks
            .spawn(async move { Ok(hub::store(link, shared, settings, token).await?) });
        if config.store.influx.is_some() {
            self.tasks
                .spawn(hub::forward(config.store.clone(), stop.clone()));
        }
        let shown = [
            Part::Session,
            Part::Event,
            Part::Live,
            Part::Sensors,
            Part::Status,
            Part::Ack,
        ];
        let link = Link::connect(bus, "page", &shown, None).await?;
        let shared = Arc::clone(&store);
        self.tasks
            .spawn(feed::run(link, self.feed.clone(), shared, stop.clone()));
        self.store = Some(store);
        Ok(())
    }

    async fn serve(&mut self, config: &Config) -> Result<()> {
        let listen = config.web.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("serve the live page on {listen} (choose another with --listen)")
        })?;
        self.page = Some(listener.local_addr()?);
        let store = self.store.clone();
        let reports = feed::reports(store.context("find the store")?);
        let clock = Arc::new(clock::wall_now);
        let stop = self.stop.clone();
        let state = WebState::new(self.feed.clone(), reports, clock, Vec::new(), stop.clone())
            .with_desk(Arc::new(Desk::new(self.bus.clone(), config.file.clone())));
        let router = Page::router(state).merge(phones::routes(self.phones.door()));
        self.tasks
            .spawn(async move { Ok(web::serve(listener, router, stop).await?) });
        Ok(())
    }

    /// Where the live page is.
    #[must_use]
    pub fn page(&self) -> Option<SocketAddr> {
        self.page
    }

    /// Accepted baselines of a client from earlier sessions; none in a gateway, which has no store.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn baselines(&self, client: &str) -> Result<Vec<Baseline>> {
        let Some(store) = &self.store else {
            return Ok(Vec::new());
        };
        let store = store
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(store.baselines(client)?)
    }

    /// Where phones' messages come in.
    #[must_use]
    pub fn door(&self) -> &Door {
        self.phones.door()
    }

    /// The store, shared with the tasks; none in a gateway.
    #[must_use]
    pub fn store(&self) -> Option<SharedStore> {
        self.store.clone()
    }

    /// Carries one session from its source to all consumers and waits until they have all of it.
    ///
    /// # Errors
    /// The bus, a sensor without driver, a consumer that does not acknowledge.
    pub async fn play(
        &mut self,
        play: Play,
        speed: Speed,
        waits: bool,
        record_to: Option<&Path>,
        stop: &CancellationToken,
    ) -> Result<Carried> {
        let Play {
            header,
            plan_text,
            items,
        } = play;
        let (sender, receiver) = mpsc::channel(ITEM_QUEUE);
        let token = stop.clone();
        let session = Carry {
            header,
            plan_text,
            items: receiver,
            waits,
            sensors: None,
        };
        let source = tokio::spawn(async move {
            tokio::select! {
                () = token.cancelled() => {}
                // A receiver that is gone has said why itself.
                _ = replay::play(items, speed, sender) => {}
            }
        });
        let carried = self.carry(session, record_to, stop).await;
        source.abort();
        carried
    }

    /// Carries a session whose items come from elsewhere.
    ///
    /// # Errors
    /// As [`Plant::play`].
    pub async fn carry(
        &mut self,
        session: Carry,
        record_to: Option<&Path>,
        stop: &CancellationToken,
    ) -> Result<Carried> {
        let recorder = record_to
            .map(|path| {
                Recorder::create(
                    path,
                    &session.header,
                    session.plan_text.as_deref(),
                    clock::host_now,
                )
            })
            .transpose()?;
        let recording = record_to.map(Path::to_path_buf);
        self.carry_recorded(session, recorder, recording, stop)
            .await
    }

    /// Carries a session that `recorder`, if there is one, writes to `recording`, or that was recorded there before.
    ///
    /// # Errors
    /// As [`Plant::play`].
    pub async fn carry_recorded(
        &mut self,
        session: Carry,
        recorder: Option<Recorder>,
        recording: Option<PathBuf>,
        stop: &CancellationToken,
    ) -> Result<Carried> {
        let Carry {
            header,
            plan_text,
            items,
            waits,
            sensors,
        } = session;
        let parts = [Part::Ack, Part::Command];
        let will = (Subject::Status, gateway::will()?);
        let link =
            Link::connect_with_will(&self.bus, "gateway", &parts, &header.session, will).await?;
        let source = Source {
            items,
            waits,
            recorder,
            recording,
        };
        let mut gateway = Gateway::new(link, &header, plan_text.as_deref(), source)?;
        if self.json {
            gateway = gateway.with_json();
        }
        tokio::select! {
            // On the heap: it is large.
            carried = Box::pin(gateway.carry(stop.clone(), sensors)) => Ok(carried?),
            ended = self.tasks.join_next(), if !self.tasks.is_empty() => Err(ended_early(ended)),
        }
    }

    /// Waits until told to stop or a task ends early.
    ///
    /// # Errors
    /// The task that ended early.
    pub async fn wait(&mut self, stop: &CancellationToken) -> Result<()> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = self.tasks.join_next(), if !self.tasks.is_empty() => Err(ended_early(ended)),
        }
    }

    /// Stops all tasks and waits until they have written what they hold.
    ///
    /// # Errors
    /// A task failed, or did not end within the grace period.
    pub async fn drain(mut self) -> Result<()> {
        self.stop.cancel();
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended.context("join a task")??;
            }
            self.phones.end().await
        };
        tokio::time::timeout(GRACE, all)
            .await
            .context("stop within the grace period")?
    }
}

fn ended_early(ended: Option<Result<Result<()>, tokio::task::JoinError>>) -> anyhow::Error {
    match ended {
        Some(Ok(Err(e))) => e,
        Some(Err(e)) => anyhow::Error::new(e).context("keep a task running"),
        _ => anyhow::anyhow!("a task of the daemon ended early"),
    }
}

/// The bus of a configuration, which takes from us and gives to us what is ours; starts the embedded broker where none
/// is named.
pub(super) async fn bus(config: &Config) -> Result<BusConfig> {
    if config.bus.url.is_some() {
        let bus = BusConfig::open(&config.bus)?;
        probe(&bus).await?;
        return Ok(bus);
    }
    let broker = Embedded::start(config.bus.listen).context("start the embedded broker")?;
    Ok(BusConfig::to(broker.address()).as_client(&config.bus.client_id))
}

/// A session id that the store, where there is one, does not hold yet: `id`, `id-2`, `id-3`, ...
///
/// # Errors
/// The store does not answer, or the session was erased from it.
pub fn fresh_id(store: Option<&Mutex<Store>>, id: &SessionId) -> Result<SessionId> {
    let Some(store) = store else {
        return Ok(id.clone());
    };
    let store = store
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    keeping::not_erased(&store, id)?;
    let taken: Vec<_> = store
        .sessions()?
        .into_iter()
        .map(|s| s.header.session)
        .collect();
    let numbered = (2..=taken.len() + 1).map(|n| SessionId(format!("{}-{n}", id.0)));
    let free = std::iter::once(id.clone())
        .chain(numbered)
        .find(|candidate| !taken.contains(candidate));
    // Of one more name than the store has sessions, one is free.
    Ok(free.unwrap_or_else(|| id.clone()))
}

/// A token that is cancelled by Ctrl-C or SIGTERM.
///
/// # Errors
/// The signal handlers cannot be installed.
pub fn stop_signal() -> Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let token = stop.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            result = tokio::signal::ctrl_c() => if let Err(e) = result { error!("failed to wait for Ctrl-C: {e}"); },
            _ = terminate.recv() => {}
        }
        token.cancel();
    });
    // Fixes the origin of the host clock at the start of the process.
    let _ = clock::host_now();
    Ok(stop)
}
