//! What a scenario can do to the sensors and the Bluetooth service, whichever bench it runs on. Sensors are called by
//! their labels: kind and number, or the place on the person.

/// A bench with sensors, their person, and a Bluetooth service.
pub trait Bench {
    /// `DBUS_SYSTEM_BUS_ADDRESS` of the program under test.
    fn address(&self) -> String;
    /// The sensor ends the link.
    fn drop_link(&self, label: &str);
    /// The link breaks: both ends hear nothing of each other any more.
    fn lose_link(&self, label: &str);
    /// The sensor takes connections and sends nothing, or sends again.
    fn stall(&self, label: &str, yes: bool);
    /// Notifications handed to the radio so far.
    fn sent(&self, label: &str) -> u64;
    /// Connections made to it so far.
    fn links(&self, label: &str) -> u32;
    /// Somebody shakes the sensor from now on.
    fn shake(&self, label: &str, seconds: f64);
    /// The person begins to squat, 3 s a repetition.
    fn squat(&self);
    /// The person stands after the repetition under way.
    fn stand(&self);
    /// bluetoothd dies; somebody starts it again.
    fn kill_service(&self);
    /// The adapter leaves the machine.
    fn unplug(&self);
    /// And comes back.
    fn plug(&self);
}

/// One sensor of a scenario.
#[derive(Debug, Clone)]
pub struct Worn {
    pub label: String,
    pub driver: &'static str,
    pub segment: &'static str,
    /// Its place in the bench's set, from 1.
    pub number: usize,
}

impl Worn {
    pub fn address(&self) -> String {
        format!("C0:FF:EE:00:00:{:02X}", self.number)
    }

    /// How the configuration tells it from others: a serial number where the family has one.
    fn id(&self) -> String {
        match self.driver {
            "witmotion" => self.address(),
            _ => format!("{}", 174_630_000_000 + self.number),
        }
    }

    /// The name it advertises.
    pub fn name(&self) -> String {
        match self.driver {
            "heart_rate" => "Sim Strap".to_owned(),
            "witmotion" => "WT901BLE68".to_owned(),
            _ => format!("Movesense {}", self.id()),
        }
    }

    /// Its part of the configuration.
    pub fn config(&self) -> String {
        let rate = match self.driver {
            "heart_rate" => "",
            "witmotion" => "rate_hz = 50.0\n",
            _ => "rate_hz = 52.0\n",
        };
        format!(
            "[[sensors]]\nalias = {:?}\ndriver = {:?}\nid = {:?}\nsegment = {:?}\nconfirmed_by = \"bench\"\n{rate}",
            self.label,
            self.driver,
            self.id(),
            self.segment,
        )
    }
}

/// The sensors of a set as the benches label them, each on a segment of its own.
pub fn worn(set: &str) -> Vec<Worn> {
    let mut free = [
        "pelvis", "thorax", "thigh_l", "shank_l", "foot_l", "foot_r", "head",
    ]
    .into_iter();
    let mut all: Vec<Worn> = Vec::new();
    for word in set.split(',') {
        let (kind, times) = word.split_once('*').unwrap_or((word, "1"));
        let (kind, place) = kind.split_once(':').unwrap_or((kind, ""));
        for count in 1..=times.parse().unwrap() {
            let (driver, segment) = match (kind, place) {
                ("strap", _) => ("heart_rate", "chest"),
                ("wit", "thigh") => ("witmotion", "thigh_r"),
                ("wit", _) => ("witmotion", free.next().unwrap()),
                (_, "shank") => ("movesense", "shank_r"),
                _ => ("movesense", free.next().unwrap()),
            };
            let label = match (place, kind) {
                ("", "strap") => kind.to_owned(),
                ("", _) => format!("{kind}{count}"),
                _ => place.to_owned(),
            };
            let number = all.len() + 1;
            all.push(Worn {
                label,
                driver,
                segment,
                number,
            });
        }
    }
    all
}
