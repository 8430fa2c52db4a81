//! The processes of the tests: a broker, a hub, a gateway, each started again when it ends, as a service manager does.

use crate::port::free_port;
use plimsoll::{
    model::session::SessionId,
    store::Store,
    wire::recording::{self, Writer},
};
use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Which broker gateway and hub meet at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// Debian's, without persistence: a restart forgets everything.
    Mosquitto,
    /// In the hub's process.
    Embedded,
}

/// A process that is started again when it ends.
pub struct Service {
    name: &'static str,
    command: Box<dyn Fn() -> Command>,
    child: Option<Child>,
    pub starts: u32,
}

impl Service {
    pub fn new(name: &'static str, command: impl Fn() -> Command + 'static) -> Self {
        Self {
            name,
            command: Box::new(command),
            child: None,
            starts: 0,
        }
    }

    /// Starts it if it does not run.
    pub fn tend(&mut self) {
        if self.has_ended() {
            self.starts += 1;
            let child = (self.command)().spawn();
            self.child = Some(child.unwrap_or_else(|e| panic!("start {}: {e}", self.name)));
        }
    }

    /// How it ended, if it has.
    pub fn code(&mut self) -> Option<i32> {
        self.child.as_mut()?.try_wait().unwrap()?.code()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child
            .as_mut()
            .is_none_or(|c| c.try_wait().unwrap().is_some())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end, and waits; its exit code.
    pub fn end(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.take()?.wait().unwrap().code()
    }

    /// Stops it for a while without ending it.
    pub fn freeze(&self, time: Duration) {
        self.signal("STOP");
        std::thread::sleep(time);
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        if let Some(child) = &self.child {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-s", name, &pid]).status();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn mosquitto(port: u16) -> Service {
    let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
        .into_iter()
        .find(|p| Path::new(p).exists())
        .unwrap_or("mosquitto");
    Service::new("mosquitto (install the package mosquitto)", move || {
        let mut command = Command::new(program);
        command
            .args(["-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    })
}

pub fn wait_for_port(port: u16) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    wait_until("the broker answers", Duration::from_secs(20), || {
        TcpStream::connect(address).is_ok()
    });
}

pub fn wait_until(what: &str, limit: Duration, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A session's three processes and their folder.
pub struct World {
    pub dir: PathBuf,
    pub broker: Option<Service>,
    pub hub: Service,
    pub gateway: Service,
    pub session: SessionId,
    sample: PathBuf,
    port: u16,
    /// Where the gateway thinks the broker is.
    gateway_port: u16,
    speed: String,
}

impl World {
    /// Broker and hub run; the gateway plays the sample as sensors would, `speed` times as fast.
    pub fn start(dir: &Path, kind: Broker, name: &str, speed: &str) -> Self {
        Self::start_through(dir, kind, name, speed, |port| port)
    }

    /// The same, with something between gateway and broker: `through` says at which port, given the broker's.
    pub fn start_through(
        dir: &Path,
        kind: Broker,
        name: &str,
        speed: &str,
        through: impl FnOnce(u16) -> u16,
    ) -> Self {
        let port = free_port();
        let sample = dir.join("sample.mcap");
        let session = renamed("sit-to-stand", name, &sample);
        let hub_config = config(dir, "hub", port, kind == Broker::Mosquitto);
        let log = log(dir, "hub");
        let hub = Service::new("the hub", move || {
            daemon(&log, &["run", "--role", "hub"], &hub_config)
        });
        let idle = Service::new("nothing", || Command::new("true"));
        let mut world = Self {
            dir: dir.to_owned(),
            broker: (kind == Broker::Mosquitto).then(|| mosquitto(port)),
            hub,
            gateway: idle,
            session,
            sample,
            port,
            gateway_port: through(port),
            speed: speed.to_owned(),
        };
        world.tend_hub();
        world.play();
        world
    }

    /// Starts what has ended, except the gateway.
    pub fn tend_hub(&mut self) {
        if let Some(broker) = &mut self.broker {
            broker.tend();
            wait_for_port(self.port);
        }
        self.hub.tend();
        wait_for_port(self.port);
    }

    fn play(&mut self) {
        let recordings = self.dir.join("gateway/recordings");
        fs::create_dir_all(&recordings).unwrap();
        let (sample, recording) = (self.sample.clone(), self.recording());
        let (broker, data) = (self.url(), self.dir.join("gateway"));
        let (log, speed) = (log(&self.dir, "gateway"), self.speed.clone());
        self.gateway = Service::new("the gateway", move || {
            let mut command = program(&log);
            command.args(["replay", "--role", "gateway", "--live", "--headless"]);
            command.args(["--speed", &speed, "--broker", &broker, "--data"]);
            command.arg(&data).arg("--record").arg(&recording);
            command.arg(&sample);
            command
        });
        self.gateway.tend();
    }

    /// From now on the gateway is one that delivers what was left.
    pub fn deliver(&mut self) {
        let config = config(&self.dir, "gateway", self.gateway_port, true);
        let log = log(&self.dir, "gateway");
        self.gateway.kill();
        self.gateway = Service::new("the gateway", move || {
            daemon(&log, &["run", "--role", "gateway"], &config)
        });
        self.gateway.tend();
    }

    /// A gateway that ended before everything was delivered is followed by one that delivers.
    pub fn gateway_again(&mut self) {
        if self.gateway.has_ended() {
            self.deliver();
        }
    }

    fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.gateway_port)
    }

    /// What the gateway plays.
    pub fn sample(&self) -> &Path {
        &self.sample
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn recording(&self) -> PathBuf {
        self.dir.join("gateway/recordings/session.mcap")
    }

    pub fn store(&self) -> PathBuf {
        self.dir.join("hub")
    }

    /// Windows that the store has without a hole.
    pub fn windows(&self) -> u64 {
        stored_windows(&self.store(), &self.session)
    }

    pub fn is_closed(&self) -> bool {
        Store::open(&self.store())
            .and_then(|s| s.session(&self.session))
            .is_ok_and(|s| s.closed)
    }

    /// What the processes said, for a test that failed.
    pub fn logs(&self) -> String {
        ["hub", "gateway"]
            .map(|name| fs::read_to_string(log(&self.dir, name)).unwrap_or_default())
            .join("\n---\n")
    }
}

/// Windows of a session that a store has without a hole; 0 where there is no store yet.
pub fn stored_windows(store: &Path, session: &SessionId) -> u64 {
    let standing = Store::open(store).and_then(|s| s.standing(session));
    standing.map_or(0, |s| s.windows)
}

/// A sample under another name of session, so that no two runs are one.
fn renamed(sample: &str, name: &str, to: &Path) -> SessionId {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sample-data/{sample}.mcap"));
    let mut recording = recording::read(&fs::read(path).unwrap()).unwrap();
    recording.header.session = SessionId(name.to_owned());
    let plan = recording.plan_text.as_deref();
    let mut writer = Writer::create(Vec::new(), &recording.header, plan).unwrap();
    for item in &recording.items {
        writer.item(item).unwrap();
    }
    fs::write(to, writer.finish().unwrap().inner).unwrap();
    recording.header.session
}

/// A configuration for one part of the daemon; without `broker` it starts its own. What `<part>.more.toml` says is part
/// of it.
pub fn config(dir: &Path, part: &str, port: u16, broker: bool) -> PathBuf {
    let bus = if broker {
        format!("url = \"mqtt://127.0.0.1:{port}\"")
    } else {
        format!("listen = \"127.0.0.1:{port}\"")
    };
    let data = dir.join(part).display().to_string();
    let more = fs::read_to_string(dir.join(format!("{part}.more.toml"))).unwrap_or_default();
    let text = format!(
        "[bus]\n{bus}\nclient_id = \"{part}\"\n[store]\ndir = \"{data}\"\n[web]\nlisten = \"127.0.0.1:0\"\n{more}"
    );
    let path = dir.join(format!("{part}.toml"));
    fs::write(&path, text).unwrap();
    path
}

fn log(dir: &Path, part: &str) -> PathBuf {
    dir.join(format!("{part}.log"))
}

fn program(log: &Path) -> Command {
    let file = fs::File::options()
        .append(true)
        .create(true)
        .open(log)
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.stdout(Stdio::null()).stderr(file);
    command
}

pub fn daemon(log: &Path, arguments: &[&str], config: &Path) -> Command {
    let mut command = program(log);
    command.args(arguments).arg("--config").arg(config);
    command
}
