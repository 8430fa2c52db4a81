//! D-Bus objects as plain data, and the signals that tell of their changes.

use dbus::{
    Message, Path,
    arg::{PropMap, RefArg, Variant},
};
use std::collections::{BTreeMap, HashMap};

const OBJECTS: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// A property's value; one variant for each type that BlueZ's objects have.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    I16(i16),
    U16(u16),
    U32(u32),
    Text(String),
    Texts(Vec<String>),
    Path(String),
    Bytes(Vec<u8>),
}

impl Value {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    fn variant(&self) -> Variant<Box<dyn RefArg>> {
        Variant(match self {
            Self::Bool(v) => Box::new(*v),
            Self::I16(v) => Box::new(*v),
            Self::U16(v) => Box::new(*v),
            Self::U32(v) => Box::new(*v),
            Self::Text(v) => Box::new(v.clone()),
            Self::Texts(v) => Box::new(v.clone()),
            Self::Path(v) => Box::new(Path::from(v.clone())),
            Self::Bytes(v) => Box::new(v.clone()),
        })
    }
}

/// Properties of one interface.
pub type Properties = BTreeMap<&'static str, Value>;

fn dictionary(properties: &Properties) -> PropMap {
    properties
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.variant()))
        .collect()
}

/// Every object that is exported, and the messages that wait to be sent.
#[derive(Default)]
pub struct Tree {
    objects: BTreeMap<String, BTreeMap<&'static str, Properties>>,
    pub outbox: Vec<Message>,
}

impl Tree {
    pub fn has(&self, path: &str) -> bool {
        self.objects.contains_key(path)
    }

    pub fn properties(&self, path: &str, interface: &str) -> Option<&Properties> {
        self.objects.get(path)?.get(interface)
    }

    pub fn get(&self, path: &str, interface: &str, name: &str) -> Option<&Value> {
        self.properties(path, interface)?.get(name)
    }

    pub fn is(&self, path: &str, interface: &str, name: &str) -> bool {
        self.get(path, interface, name) == Some(&Value::Bool(true))
    }

    /// Exports an object of one interface.
    pub fn add(&mut self, path: &str, interface: &'static str, properties: Properties) {
        let told: HashMap<String, PropMap> =
            [(interface.to_owned(), dictionary(&properties))].into();
        self.objects
            .insert(path.to_owned(), [(interface, properties)].into());
        let signal = Message::new_signal("/", OBJECTS, "InterfacesAdded").unwrap();
        self.outbox
            .push(signal.append2(Path::from(path.to_owned()), told));
    }

    /// Takes an object and all below it away, the deepest first.
    pub fn remove(&mut self, top: &str) {
        let below = format!("{top}/");
        let gone: Vec<String> = self
            .objects
            .keys()
            .rev()
            .filter(|p| *p == top || p.starts_with(&below))
            .cloned()
            .collect();
        for path in gone {
            let interfaces: Vec<&str> = self.objects.remove(&path).unwrap().into_keys().collect();
            let signal = Message::new_signal("/", OBJECTS, "InterfacesRemoved").unwrap();
            self.outbox
                .push(signal.append2(Path::from(path), interfaces));
        }
    }

    /// Changes properties and says so; nothing happens to an object that is gone.
    pub fn set<const N: usize>(
        &mut self,
        path: &str,
        interface: &'static str,
        changes: [(&'static str, Value); N],
    ) {
        let Some(own) = self
            .objects
            .get_mut(path)
            .and_then(|o| o.get_mut(interface))
        else {
            return;
        };
        let changes = Properties::from(changes);
        own.extend(changes.clone());
        self.say_changed(path, interface, dictionary(&changes), Vec::new());
    }

    /// Takes a property away and says so.
    pub fn unset(&mut self, path: &str, interface: &'static str, name: &'static str) {
        let own = self
            .objects
            .get_mut(path)
            .and_then(|o| o.get_mut(interface));
        if own.and_then(|p| p.remove(name)).is_some() {
            self.say_changed(path, interface, PropMap::new(), vec![name.to_owned()]);
        }
    }

    fn say_changed(&mut self, path: &str, interface: &str, changed: PropMap, gone: Vec<String>) {
        let signal = Message::new_signal(path, PROPERTIES, "PropertiesChanged").unwrap();
        self.outbox.push(signal.append3(interface, changed, gone));
    }

    /// Answers what every object of D-Bus is asked; `None` = none of these questions.
    pub fn answer(&self, call: &Message) -> Option<Message> {
        let path = call.path()?.to_string();
        let (first, second): (Option<&str>, Option<&str>) = call.get2();
        match (&*call.interface()?, &*call.member()?) {
            ("org.freedesktop.DBus.Introspectable", "Introspect") => {
                Some(call.method_return().append1(self.introspect(&path)))
            }
            (OBJECTS, "GetManagedObjects") => Some(call.method_return().append1(self.managed())),
            (PROPERTIES, "GetAll") => {
                let all = self.properties(&path, first?)?;
                Some(call.method_return().append1(dictionary(all)))
            }
            (PROPERTIES, "Get") => {
                let value = self.get(&path, first?, second?)?;
                Some(call.method_return().append1(value.variant()))
            }
            _ => None,
        }
    }

    fn managed(&self) -> HashMap<Path<'static>, HashMap<String, PropMap>> {
        let object = |interfaces: &BTreeMap<&'static str, Properties>| {
            interfaces
                .iter()
                .map(|(name, properties)| ((*name).to_owned(), dictionary(properties)))
                .collect()
        };
        self.objects
            .iter()
            .map(|(path, interfaces)| (Path::from(path.clone()), object(interfaces)))
            .collect()
    }

    fn introspect(&self, path: &str) -> String {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let mut children: Vec<&str> = self
            .objects
            .keys()
            .filter_map(|p| p.strip_prefix(&prefix)?.split('/').next())
            .collect();
        children.dedup();
        let mut xml = String::from("<node>");
        for name in self.objects.get(path).into_iter().flat_map(BTreeMap::keys) {
            xml += "<interface name=\"";
            xml += name;
            xml += "\"/>";
        }
        for child in children {
            xml += "<node name=\"";
            xml += child;
            xml += "\"/>";
        }
        xml + "</node>"
    }
}
