//! A whole recording at once: the streaming code in a loop, so that it can never drift from it.

use super::{
    analysis::{Analysis, Params},
    ingest::{Ingest, IngestError},
};
use crate::{
    model::{event::Numbered, plan::Plan, session::SessionHeader, window::Window},
    wire::recording::Item,
};

/// Everything the analysis has to say about `items`, in order.
///
/// # Errors
/// A sensor of the header that no driver decodes.
pub fn analyse(
    params: &Params,
    header: &SessionHeader,
    plan: Option<&Plan>,
    items: &[Item],
) -> Result<Vec<Numbered>, IngestError> {
    let mut analysis = Analysis::new(params, header, plan);
    let mut events = Vec::new();
    windows(header, items, |window| analysis.push(window, &mut events))?;
    analysis.finish(&mut events);
    Ok(events)
}

/// Cuts `items` into windows and gives each to `each`.
///
/// # Errors
/// A sensor of the header that no driver decodes.
pub fn windows(
    header: &SessionHeader,
    items: &[Item],
    mut each: impl FnMut(&Window),
) -> Result<(), IngestError> {
    let mut ingest = Ingest::new(header)?;
    let mut out = Vec::new();
    let mut end = header.started_host;
    for item in items {
        end = end.max(item.host());
        take(&mut ingest, item, &mut out);
        for window in out.drain(..) {
            each(&window);
            ingest.recycle(window);
        }
    }
    ingest.finish(end, &mut out);
    for window in &out {
        each(window);
    }
    Ok(())
}

/// Gives one item of a recording to the ingest.
pub fn take(ingest: &mut Ingest, item: &Item, out: &mut Vec<Window>) {
    match item {
        Item::Packet(packet) => ingest.packet(packet, out),
        Item::Command(host, command) => ingest.command(*host, command.clone(), out),
        Item::Link(host, event) => ingest.link(*host, event, out),
        Item::Time(host) => ingest.advance(*host, out),
    }
}
