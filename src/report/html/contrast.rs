//! What appears only under load: the same metrics in the accepted set with less load and in the loaded set.

use super::super::{facts::SessionReport, text, words};
use crate::model::finding::{ContrastRow, LoadContrast};
use maud::{Markup, html as markup};

pub(super) fn only_under_load(r: &SessionReport) -> Markup {
    markup! {
        @if !r.contrasts.is_empty() {
            h2 { "Only under load" }
            table {
                tr { th { "What changed" } th { "Set" } th { "Less load" } th { "This load" } th { "Can be told from" } }
                @for c in &r.contrasts {
                    @for row in c.rows.iter().filter(|row| row.appears) { (changed(c, row)) }
                    @if !c.rows.iter().any(|row| row.appears) {
                        tr {
                            td.soft { "nothing of " (c.rows.len()) " metrics" }
                            td { (text::contrast_of(c)) }
                            td {} td {} td {}
                        }
                    }
                }
            }
        }
    }
}

fn changed(c: &LoadContrast, row: &ContrastRow) -> Markup {
    let unit = row.metric.facts().unit;
    let quantity = |v: f64| words::quantity(Some(v), None, unit);
    markup! {
        tr {
            td { (words::metric(row.metric).therapist) }
            td { (text::contrast_of(c)) }
            td.num { (quantity(row.lighter)) }
            td.num {
                (quantity(row.loaded))
                @if row.departing > 0 { span.soft { ", apart in " (row.departing) " of " (row.reps) } }
            }
            td.num { (quantity(row.detectable)) }
        }
    }
}
