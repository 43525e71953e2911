//! A simulation as a picture: people by where they stand, and what the clocks did, over the years. SVG by hand, in the
//! colours of the pages, for light and dark.

use std::fmt::{self, Write as _};

use super::{Outcome, Week};

/// Where the two graphs lie, in pixels.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 620.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 790.0;
const PEOPLE: Graph = Graph { top: 116.0, bottom: 350.0 };
const CLOCKS: Graph = Graph { top: 424.0, bottom: 574.0 };

const STYLE: &str = "
  svg { --paper: #fffefb; --ink: #1e1d1a; --quiet: #4d4a43; --line: #dfdad0;
        --open: #1d4d5f; --ended: #7fa6b5; --erased: #d8d1c2; --erasures: #87211b; background: var(--paper) }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #17181a; --ink: #e9e7e2; --quiet: #b9b6ae; --line: #36383b;
          --open: #a3cfe0; --ended: #507f92; --erased: #3d4043; --erasures: #f4b3aa } }
  text { font: 14px system-ui, sans-serif; fill: var(--quiet); font-variant-numeric: tabular-nums }
  .title { font-size: 20px; font-weight: 650; fill: var(--ink) }
  .of { font-weight: 600; fill: var(--ink) }
  .tick { text-anchor: end } .year { text-anchor: middle }
  .rule { stroke: var(--line); fill: none }
  .curve { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .lead { fill: none; stroke: var(--quiet) }
";

/// A graph's height on the page.
#[derive(Clone, Copy)]
struct Graph {
    top: f64,
    bottom: f64,
}

/// What a curve follows.
type Measure = fn(&Week) -> i64;

/// Draws what came of a simulation of the organisation with this name. Nothing happens in a simulation that broke in its
/// first week, and then there are axes only.
pub fn draw(outcome: &Outcome, of: &str) -> String {
    let mut svg = String::new();
    // Writing into a text does not fail.
    let _ = picture(&mut svg, outcome, of);
    svg
}

fn picture(svg: &mut String, outcome: &Outcome, of: &str) -> fmt::Result {
    let weeks = outcome.weeks.as_slice();
    let tally = &outcome.tally;
    let said = format!(
        "{} people in {} days: {} erasures, {} crashes, {}",
        grouped(tally.people),
        grouped(tally.days),
        grouped(tally.erasures),
        tally.crashes,
        if outcome.broken.is_some() { "one promise broken" } else { "every promise kept" }
    );
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>",
        escaped(&said)
    )?;
    writeln!(svg, "<text class=\"title\" x=\"{LEFT}\" y=\"42\">{}, simulated</text>", escaped(of))?;
    writeln!(svg, "<text x=\"{LEFT}\" y=\"66\">{}</text>", escaped(&said))?;

    let layers: [(&str, &str, Measure); 3] = [
        ("open", "open", |week| week.open),
        ("ended", "ended or resting", |week| week.ended),
        ("erased", "identity erased", |week| week.erased),
    ];
    heading(svg, PEOPLE, "People")?;
    let all: Measure = |week| week.open + week.ended + week.erased;
    let most = top_of(weeks, all);
    axes(svg, PEOPLE, most)?;
    let mut below = vec![0; weeks.len()];
    let mut labels = Vec::new();
    for (class, name, measure) in layers {
        let above: Vec<i64> = below.iter().zip(weeks).map(|(low, week)| low + measure(week)).collect();
        let up = points(weeks.len(), &above, PEOPLE, most);
        let mut back = points(weeks.len(), &below, PEOPLE, most);
        back.reverse();
        let path = up.into_iter().chain(back).collect::<Vec<_>>().join(" L");
        if !path.is_empty() {
            writeln!(svg, "<path d=\"M{path} Z\" style=\"fill: var(--{class})\"/>")?;
        }
        if let (Some(week), Some(low), Some(high)) = (weeks.last(), below.last(), above.last()) {
            labels.push((PEOPLE.y((low + high) / 2, most), name, measure(week)));
        }
        below = above;
    }
    label(svg, labels)?;

    let curves: [(&str, &str, Measure); 2] =
        [("open", "duties done", |week| week.duties), ("erasures", "erasures", |week| week.erasures)];
    heading(svg, CLOCKS, "Done by the clocks, in all")?;
    let most = top_of(weeks, |week| week.duties);
    axes(svg, CLOCKS, most)?;
    let mut labels = Vec::new();
    for (class, name, measure) in curves {
        let values: Vec<i64> = weeks.iter().map(measure).collect();
        let path = points(weeks.len(), &values, CLOCKS, most).join(" L");
        if !path.is_empty() {
            writeln!(svg, "<path class=\"curve\" d=\"M{path}\" style=\"stroke: var(--{class})\"/>")?;
        }
        if let Some(last) = values.last() {
            labels.push((CLOCKS.y(*last, most), name, *last));
        }
    }
    label(svg, labels)?;
    years(svg, weeks)?;
    writeln!(svg, "</svg>")
}

impl Graph {
    fn y(self, value: i64, most: i64) -> f64 {
        self.bottom - (self.bottom - self.top) * share(value, most)
    }
}

/// What a graph counts.
fn heading(svg: &mut String, graph: Graph, text: &str) -> fmt::Result {
    writeln!(svg, "<text class=\"of\" x=\"{LEFT}\" y=\"{}\">{text}</text>", graph.top - 14.0)
}

/// The scale: nothing, half, and all, as lines under what is drawn.
fn axes(svg: &mut String, graph: Graph, most: i64) -> fmt::Result {
    for value in [0, most / 2, most] {
        let y = graph.y(value, most);
        writeln!(svg, "<path class=\"rule\" d=\"M{LEFT} {y:.1} H{RIGHT}\"/>")?;
        writeln!(
            svg,
            "<text class=\"tick\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 10.0,
            y + 5.0,
            grouped(value)
        )?;
    }
    Ok(())
}

/// The first week of each year, under both graphs.
fn years(svg: &mut String, weeks: &[Week]) -> fmt::Result {
    let starts = weeks.iter().enumerate().scan(0, |year, (index, week)| {
        let begins = week.on.year() != *year;
        *year = week.on.year();
        Some((begins, index, week))
    });
    for (_, index, week) in starts.filter(|(begins, ..)| *begins) {
        let x = x_of(index, weeks.len());
        writeln!(
            svg,
            "<path class=\"rule\" d=\"M{x:.1} {} v6 M{x:.1} {} v6\"/>",
            PEOPLE.bottom, CLOCKS.bottom
        )?;
        for graph in [PEOPLE, CLOCKS] {
            writeln!(
                svg,
                "<text class=\"year\" x=\"{x:.1}\" y=\"{}\">{}</text>",
                graph.bottom + 23.0,
                week.on.year()
            )?;
        }
    }
    Ok(())
}

/// Names beside the ends of what they name, moved apart where they would touch.
fn label(svg: &mut String, mut labels: Vec<(f64, &str, i64)>) -> fmt::Result {
    const APART: f64 = 38.0;
    labels.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut free = f64::INFINITY;
    for (at, name, count) in labels {
        let y = at.min(free);
        free = y - APART;
        writeln!(svg, "<path class=\"lead\" d=\"M{} {at:.1} L{} {y:.1}\"/>", RIGHT + 4.0, RIGHT + 16.0)?;
        let x = RIGHT + 22.0;
        writeln!(svg, "<text class=\"of\" x=\"{x}\" y=\"{:.1}\">{}</text>", y - 1.0, grouped(count))?;
        writeln!(svg, "<text x=\"{x}\" y=\"{:.1}\">{name}</text>", y + 16.0)?;
    }
    Ok(())
}

fn points(count: usize, values: &[i64], graph: Graph, most: i64) -> Vec<String> {
    let point =
        |(index, value): (usize, &i64)| format!("{:.1} {:.1}", x_of(index, count), graph.y(*value, most));
    values.iter().enumerate().map(point).collect()
}

fn x_of(index: usize, count: usize) -> f64 {
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    LEFT + (RIGHT - LEFT) * share(whole(index), whole(count.saturating_sub(1)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of people and weeks, for a place on a page")]
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The top of a scale: a round number, of which half is one too.
fn top_of(weeks: &[Week], measure: Measure) -> i64 {
    let most = weeks.iter().map(measure).max().unwrap_or(0).max(10);
    let mut step = 1;
    while most > step * 10 {
        step *= 10;
    }
    let tenths = [10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100];
    tenths.into_iter().map(|tenths| tenths * step / 10).find(|top| *top >= most).unwrap_or(most)
}

/// A number as people read it: `12 345`.
fn grouped(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
