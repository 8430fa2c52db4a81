//! What only the system bus tells about Bluetooth: which adapters there are, whether they are powered, and who serves
//! them. Blocking; asked by `doctor` and when an adapter has to be switched off and on.

use dbus::{
    arg::{PropMap, prop_cast},
    blocking::{Connection, stdintf::org_freedesktop_dbus::Properties},
};
use std::{collections::HashMap, thread::sleep, time::Duration};

const SERVICE: &str = "org.bluez";
const ADAPTER: &str = "org.bluez.Adapter1";
const PATIENCE: Duration = Duration::from_secs(5);
const OFF_FOR: Duration = Duration::from_millis(1500);

/// An adapter, as the Bluetooth service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterState {
    /// `hci0`
    pub name: String,
    /// Its address.
    pub address: String,
    /// Switched on.
    pub powered: bool,
}

/// Why the bus did not tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// There is no system bus.
    #[error("reach the system bus: {0}")]
    NoBus(String),
    /// Nobody serves Bluetooth.
    #[error("reach the Bluetooth service: {0}")]
    NoService(String),
    /// The service is there and does not answer.
    #[error("get an answer of the Bluetooth service: {0}")]
    Hangs(String),
    /// This user may not ask.
    #[error("ask the Bluetooth service: this user may not ({0})")]
    Denied(String),
    /// No such adapter.
    #[error("find the adapter")]
    NoAdapter,
}

impl From<dbus::Error> for BusError {
    fn from(error: dbus::Error) -> Self {
        let text = error.message().unwrap_or_default().to_owned();
        match error.name().unwrap_or_default() {
            "org.freedesktop.DBus.Error.AccessDenied" => Self::Denied(text),
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => {
                Self::Hangs(text)
            }
            _ => Self::NoService(text),
        }
    }
}

/// Objects by path, each with its interfaces and their properties.
type Objects = HashMap<dbus::Path<'static>, HashMap<String, PropMap>>;

/// The adapters there are, by name.
///
/// # Errors
/// The bus or the service does not answer.
pub fn adapters() -> Result<Vec<AdapterState>, BusError> {
    let bus = Connection::new_system().map_err(|e| BusError::NoBus(said(&e)))?;
    let root = bus.with_proxy(SERVICE, "/", PATIENCE);
    let (objects,): (Objects,) = root.method_call(
        "org.freedesktop.DBus.ObjectManager",
        "GetManagedObjects",
        (),
    )?;
    let mut adapters: Vec<AdapterState> = objects
        .iter()
        .filter_map(|(path, interfaces)| {
            let properties = interfaces.get(ADAPTER)?;
            Some(AdapterState {
                name: path.rsplit('/').next()?.to_owned(),
                address: prop_cast::<String>(properties, "Address")?.clone(),
                powered: *prop_cast::<bool>(properties, "Powered")?,
            })
        })
        .collect();
    adapters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(adapters)
}

/// Switches an adapter off and on; the first without a name or address.
///
/// # Errors
/// The bus or the service does not answer, or refuses.
pub(super) fn cycle(wanted: Option<&str>) -> Result<(), BusError> {
    let is_wanted =
        |a: &AdapterState| wanted.is_none_or(|w| w == a.name || w.eq_ignore_ascii_case(&a.address));
    let adapter = adapters()?.into_iter().find(is_wanted);
    let path = format!("/org/bluez/{}", adapter.ok_or(BusError::NoAdapter)?.name);
    let bus = Connection::new_system().map_err(|e| BusError::NoBus(said(&e)))?;
    let object = bus.with_proxy(SERVICE, path, PATIENCE);
    object.set(ADAPTER, "Powered", false)?;
    sleep(OFF_FOR);
    object.set(ADAPTER, "Powered", true)?;
    Ok(())
}

fn said(error: &dbus::Error) -> String {
    error.message().unwrap_or("no answer").to_owned()
}
