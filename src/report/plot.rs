//! The three kinds of picture in the report, as SVG text: judged values against the therapist's
//! number, one repetition's trace, heart rate over the session. Colours mean verdicts and always come
//! with a shape: circle within, square outside, triangle unsure, hatched column no data.

use super::{
    facts::{Breach, Chart, ChartPoint},
    words,
};
use crate::model::finding::Verdict;
use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
};

const INK: RGBColor = RGBColor(38, 50, 56);
const GRID: RGBColor = RGBColor(232, 235, 237);
const GREY: RGBColor = RGBColor(120, 130, 138);
const GREEN: RGBColor = RGBColor(22, 128, 61);
const RED: RGBColor = RGBColor(190, 24, 34);
const AMBER: RGBColor = RGBColor(196, 120, 0);
const LINE: RGBColor = RGBColor(40, 84, 140);

/// Width that all pictures but thumbnails are drawn for; the sheet scales them.
const WIDTH: u32 = 380;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// A drawing that failed has no content worth keeping; the text says so.
type Drawn = Result<(), String>;

fn failed(e: impl std::fmt::Display) -> String {
    e.to_string()
}

fn picture(size: (u32, u32), draw: impl FnOnce(&Area) -> Drawn) -> String {
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area).and_then(|()| area.present().map_err(failed))
    };
    match drawn {
        Ok(()) => svg,
        Err(_) => {
            "<p>This picture could not be drawn; the values are in the tables.</p>".to_owned()
        }
    }
}

/// Judged values, repetition by repetition, against limit and guard band.
pub(super) fn limit(chart: &Chart, height: u32) -> String {
    picture((WIDTH, height), |area| draw_limit(area, chart))
}

fn draw_limit(area: &Area, chart: &Chart) -> Drawn {
    let n = chart.points.len() as f64;
    let (low, high) = value_range(chart);
    let mut plane = plane(area, 0.5..n + 0.5, low..high, 34)?;
    let points = &chart.points;
    let label = |x: &f64| rep_label(points, *x);
    axes(
        &mut plane,
        chart.points.len().min(16),
        &label,
        words::unit(chart.metric.facts().unit),
    )?;
    guard_bands(&mut plane, chart, n, (low, high))?;
    set_borders(&mut plane, chart, (low, high))?;
    for (i, point) in chart.points.iter().enumerate() {
        marker(&mut plane, i as f64 + 1.0, point, (low, high))?;
    }
    Ok(())
}

fn rep_label(points: &[ChartPoint], x: f64) -> String {
    let at = x.round();
    if (x - at).abs() > 0.01 || at < 1.0 {
        return String::new();
    }
    points
        .get(at as usize - 1)
        .map(|p| p.rep.to_string())
        .unwrap_or_default()
}

fn value_range(chart: &Chart) -> (f64, f64) {
    let values = chart
        .points
        .iter()
        .filter_map(|p| p.value)
        .filter(|v| v.is_finite());
    // Both sides of a number show, so that a chart without a single value still reads.
    let around = |m: f64| [m - chart.guard.max(2.0), m + chart.guard.max(2.0)];
    let ends = chart.max.into_iter().chain(chart.min).flat_map(around);
    padded(values.chain(ends))
}

fn padded(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| {
        (lo.min(v), hi.max(v))
    });
    if low > high {
        return (0.0, 1.0);
    }
    let room = ((high - low) * 0.18).max(high.abs() * 0.02).max(0.5);
    (low - room, high + room)
}

fn plane<'a, 'b>(
    area: &'a Area<'b>,
    x: std::ops::Range<f64>,
    y: std::ops::Range<f64>,
    left: u32,
) -> Result<Plane<'a, 'b>, String> {
    ChartBuilder::on(area)
        .margin(4)
        .x_label_area_size(16)
        .y_label_area_size(left)
        .build_cartesian_2d(x, y)
        .map_err(failed)
}

fn axes(plane: &mut Plane, columns: usize, label: &dyn Fn(&f64) -> String, unit: &str) -> Drawn {
    let style = ("sans-serif", 11).into_font().color(&INK);
    let y_label = |v: &f64| format!("{}{}", words::number(*v, "deg"), unit.trim_start());
    plane
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .axis_style(GREY)
        .label_style(style)
        .x_labels(columns.max(2))
        .y_labels(5)
        .x_label_formatter(label)
        .y_label_formatter(&y_label)
        .draw()
        .map_err(failed)
}

fn rectangle(plane: &mut Plane, from: (f64, f64), to: (f64, f64), style: ShapeStyle) -> Drawn {
    plane
        .draw_series(std::iter::once(Rectangle::new([from, to], style)))
        .map(|_| ())
        .map_err(failed)
}

fn path(plane: &mut Plane, points: Vec<(f64, f64)>, style: ShapeStyle) -> Drawn {
    plane
        .draw_series(std::iter::once(PathElement::new(points, style)))
        .map(|_| ())
        .map_err(failed)
}

fn dashed(plane: &mut Plane, x: (f64, f64), y: f64, colour: RGBColor) -> Drawn {
    let line = DashedLineSeries::new(vec![(x.0, y), (x.1, y)], 5, 3, colour.stroke_width(2));
    plane.draw_series(line).map(|_| ()).map_err(failed)
}

/// The number itself as a line, beyond it the guard band in light amber, beyond that light red.
fn guard_bands(plane: &mut Plane, chart: &Chart, n: f64, (low, high): (f64, f64)) -> Drawn {
    let x = (0.5, n + 0.5);
    let over = RED.mix(0.08).filled();
    let near = AMBER.mix(0.16).filled();
    if let Some(max) = chart.max {
        rectangle(plane, (x.0, max), (x.1, max + chart.guard), near)?;
        rectangle(plane, (x.0, max + chart.guard), (x.1, high), over)?;
        dashed(plane, x, max, RED)?;
    }
    if let Some(min) = chart.min {
        rectangle(plane, (x.0, min - chart.guard), (x.1, min), near)?;
        rectangle(plane, (x.0, low), (x.1, min - chart.guard), over)?;
        dashed(plane, x, min, RED)?;
    }
    Ok(())
}

fn set_borders(plane: &mut Plane, chart: &Chart, (low, high): (f64, f64)) -> Drawn {
    for (i, pair) in chart.points.windows(2).enumerate() {
        if let [a, b] = pair
            && a.set != b.set
        {
            let x = i as f64 + 1.5;
            path(plane, vec![(x, low), (x, high)], GREY.stroke_width(1))?;
        }
    }
    Ok(())
}

fn marker(plane: &mut Plane, x: f64, point: &ChartPoint, span: (f64, f64)) -> Drawn {
    let Some(value) = point.value.filter(|v| v.is_finite()) else {
        return no_data_column(plane, x, span);
    };
    let colour = match point.verdict {
        Some(Verdict::Within) => GREEN,
        Some(Verdict::Outside) => RED,
        Some(Verdict::Unsure) => AMBER,
        Some(Verdict::NotAssessed | Verdict::Invalid) | None => GREY,
    };
    if let Some(error) = point.error.filter(|e| e.is_finite()) {
        let ends = vec![(x, value - error), (x, value + error)];
        path(plane, ends, colour.mix(0.7).stroke_width(1))?;
    }
    let at = (x, value);
    match point.verdict {
        Some(Verdict::Outside) => plane
            .draw_series(std::iter::once(
                EmptyElement::at(at) + Rectangle::new([(-4, -4), (4, 4)], colour.filled()),
            ))
            .map(|_| ())
            .map_err(failed),
        Some(Verdict::Unsure) => plane
            .draw_series(std::iter::once(TriangleMarker::new(at, 5, colour.filled())))
            .map(|_| ())
            .map_err(failed),
        Some(Verdict::Within) => circle(plane, at, colour.filled()),
        Some(Verdict::NotAssessed | Verdict::Invalid) | None => {
            circle(plane, at, colour.stroke_width(2))
        }
    }
}

fn circle(plane: &mut Plane, at: (f64, f64), style: ShapeStyle) -> Drawn {
    plane
        .draw_series(std::iter::once(Circle::new(at, 4, style)))
        .map(|_| ())
        .map_err(failed)
}

/// A column of slanted strokes over the whole height: looks like nothing measured.
fn no_data_column(plane: &mut Plane, x: f64, (low, high): (f64, f64)) -> Drawn {
    const STROKES: usize = 14;
    let step = (high - low) / STROKES as f64;
    rectangle(
        plane,
        (x - 0.4, low),
        (x + 0.4, high),
        GREY.mix(0.10).filled(),
    )?;
    for i in 0..STROKES {
        let y = low + step * i as f64;
        path(
            plane,
            vec![(x - 0.4, y), (x + 0.4, y + step)],
            GREY.mix(0.6).stroke_width(1),
        )?;
    }
    Ok(())
}

/// Splits at points that are not finite: a gap is drawn as a gap.
fn pieces(points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    points
        .split(|p| !p.0.is_finite() || !p.1.is_finite())
        .filter(|piece| piece.len() > 1)
        .map(<[_]>::to_vec)
        .collect()
}

/// One repetition against the number it passed.
pub(super) fn thumbnail(breach: &Breach) -> String {
    picture((170, 84), |area| draw_thumbnail(area, breach))
}

fn draw_thumbnail(area: &Area, breach: &Breach) -> Drawn {
    let finite: Vec<_> = breach
        .trace
        .iter()
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .collect();
    let (Some(first), Some(last)) = (finite.first(), finite.last()) else {
        return Err("nothing to draw".to_owned());
    };
    let ends = breach.max.into_iter().chain(breach.min);
    let (low, high) = padded(finite.iter().map(|p| p.1).chain(ends));
    let x = first.0..last.0.max(first.0 + 0.1);
    let from = first.0;
    let mut plane = plane(area, x.clone(), low..high, 26)?;
    let label = |t: &f64| format!("{:.0} s", t - from);
    let style = ("sans-serif", 10).into_font().color(&INK);
    plane
        .configure_mesh()
        .disable_mesh()
        .axis_style(GREY)
        .label_style(style)
        .x_labels(3)
        .y_labels(3)
        .x_label_formatter(&label)
        .y_label_formatter(&|v: &f64| format!("{v:.0}"))
        .draw()
        .map_err(failed)?;
    for end in breach.max.into_iter().chain(breach.min) {
        dashed(&mut plane, (x.start, x.end), end, RED)?;
    }
    for piece in pieces(&breach.trace) {
        path(&mut plane, piece, LINE.stroke_width(2))?;
    }
    Ok(())
}

/// Heart rate over the session with its ceiling; gaps stay gaps.
pub(super) fn heart(series: &[(f64, f64)], ceiling: Option<f64>, height: u32) -> String {
    picture((WIDTH, height), |area| draw_heart(area, series, ceiling))
}

fn draw_heart(area: &Area, series: &[(f64, f64)], ceiling: Option<f64>) -> Drawn {
    let thin = thinned(series, 400);
    let values = thin.iter().map(|p| p.1).filter(|v| v.is_finite());
    let (low, high) = padded(values.chain(ceiling));
    let end_s = thin.last().map_or(1.0, |p| p.0).max(1.0);
    // Ticks fall on round numbers of the axis: minutes once there are some.
    let (scale, unit) = if end_s > 180.0 {
        (60.0, "min")
    } else {
        (1.0, "s")
    };
    let thin: Vec<(f64, f64)> = thin.iter().map(|p| (p.0 / scale, p.1)).collect();
    let end = end_s / scale;
    let mut plane = plane(area, 0.0..end, low..high, 34)?;
    let label = |t: &f64| format!("{} {unit}", words::number(*t, "deg"));
    axes(&mut plane, 7, &label, "")?;
    if let Some(max) = ceiling {
        dashed(&mut plane, (0.0, end), max, RED)?;
    }
    for piece in pieces(&thin) {
        path(&mut plane, piece, LINE.stroke_width(2))?;
    }
    Ok(())
}

/// At most about `keep` points. A bucket with a gap in it becomes a gap, else its largest value stays:
/// neither a gap nor a peak may vanish by drawing less.
fn thinned(series: &[(f64, f64)], keep: usize) -> Vec<(f64, f64)> {
    let bucket = series.len().div_ceil(keep.max(1)).max(1);
    series
        .chunks(bucket)
        .filter_map(|chunk| {
            let gap = chunk.iter().find(|p| !p.1.is_finite());
            gap.or_else(|| chunk.iter().max_by(|a, b| a.1.total_cmp(&b.1)))
                .copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_peaks_and_gaps() {
        let mut series: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 100.0)).collect();
        series[500].1 = 180.0;
        series[700].1 = f64::NAN;
        let thin = thinned(&series, 100);
        assert!(thin.len() <= 100);
        assert!(thin.iter().any(|p| p.1 > 179.0));
        assert!(thin.iter().any(|p| p.1.is_nan()));
        assert_eq!(pieces(&thin).len(), 2);
    }

    #[test]
    fn a_range_never_collapses() {
        let (low, high) = padded([70.0, 70.0].into_iter());
        assert!(low < 70.0 && high > 70.0);
        assert_eq!(padded(std::iter::empty()), (0.0, 1.0));
    }
}
