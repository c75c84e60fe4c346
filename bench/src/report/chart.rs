//! Bars as SVG, without fonts or scripts of their own, for light and dark pages.

use std::fmt::Write as _;

use super::figures::short;

/// Whose bar it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Limit,
    Ours,
    Peer,
}

impl Kind {
    const ALL: [(Kind, &str, &str); 3] = [
        (Kind::Limit, "limit", "the limit: only bytes"),
        (Kind::Ours, "ours", "librmq"),
        (Kind::Peer, "peer", "other clients"),
    ];

    fn class(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, _, _)| *kind == self).map_or("", |(_, class, _)| class)
    }
}

/// A bar with its name.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) kind: Kind,
}

/// Bars that belong together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) bars: Vec<Bar>,
}

const NAMES: f64 = 310.0;
const BARS: f64 = 440.0;
const WIDTH: f64 = NAMES + BARS + 110.0;
const TOP: f64 = 78.0;
const ROW: f64 = 20.0;
const HEADING: f64 = 30.0;
const STYLE: &str = "\
    text{font:13px system-ui,sans-serif;fill:#1f2328}\
    .title{font-size:16px;font-weight:600}.group{font-weight:600}.axis{font-size:11px;fill:#59636e}\
    .grid{stroke:#d1d9e0}.limit{fill:#8c959f}.ours{fill:#2166c4}.peer{fill:#bf6a1f}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.axis{fill:#9198a1}.grid{stroke:#3d444d}\
    .limit{fill:#768390}.ours{fill:#58a6ff}.peer{fill:#e09b50}}";

/// Where a value stands on the axis, between 0 and 1.
struct Axis {
    least: f64,
    most: f64,
    logarithmic: bool,
}

impl Axis {
    /// Logarithmic when values differ by more than ten times; from zero otherwise.
    fn over(values: &[f64]) -> Axis {
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let least = values.iter().copied().filter(|value| *value > 0.0).fold(most, f64::min);
        if most / least > 10.0 {
            let power = |value: f64| 10_f64.powf(value);
            return Axis {
                least: power(least.log10().floor()),
                most: power(most.log10().ceil()),
                logarithmic: true,
            };
        }
        Axis { least: 0.0, most, logarithmic: false }
    }

    fn place(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value / self.least).log10() / (self.most / self.least).log10()
        } else {
            value / self.most
        };
        share.clamp(0.0, 1.0)
    }

    fn marks(&self) -> Vec<f64> {
        if !self.logarithmic {
            return (0..=4).map(|quarter| self.most * f64::from(quarter) / 4.0).collect();
        }
        let mut marks = vec![self.least];
        while let Some(last) = marks.last().copied().filter(|last| *last < self.most * 0.99) {
            marks.push(last * 10.0);
        }
        marks
    }
}

/// A chart of horizontal bars.
pub(super) fn svg(title: &str, groups: &[Group]) -> String {
    let bars = || groups.iter().flat_map(|group| &group.bars);
    let values: Vec<f64> = bars().map(|bar| bar.value).collect();
    let axis = Axis::over(&values);
    let bottom = TOP + groups.len() as f64 * HEADING + values.len() as f64 * ROW;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\"><style>{STYLE}</style>\
         <text class=\"title\" x=\"8\" y=\"22\">{title}</text>",
        height = bottom + 12.0,
        title = escaped(title),
    );
    legend(&mut out, |kind| bars().any(|bar| bar.kind == kind));
    for mark in axis.marks() {
        let x = NAMES + BARS * axis.place(mark);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text class=\"axis\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            TOP - 6.0,
            rounded(mark),
        );
    }
    let mut y = TOP;
    for group in groups {
        y += HEADING;
        let _ =
            write!(out, "<text class=\"group\" x=\"8\" y=\"{:.1}\">{}</text>", y - 8.0, escaped(&group.name));
        for bar in &group.bars {
            let width = (BARS * axis.place(bar.value)).max(1.0);
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>\
                 <rect class=\"{}\" x=\"{NAMES}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"14\" rx=\"2\"/>\
                 <text x=\"{:.1}\" y=\"{base:.1}\">{}</text>",
                NAMES - 8.0,
                escaped(&bar.name),
                bar.kind.class(),
                y + 2.0,
                NAMES + width + 6.0,
                short(bar.value),
                base = y + 13.5,
            );
            y += ROW;
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Names the colours that occur.
fn legend(out: &mut String, occurs: impl Fn(Kind) -> bool) {
    let mut x = 8.0;
    for (_, class, name) in Kind::ALL.iter().filter(|(kind, _, _)| occurs(*kind)) {
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"34\" width=\"12\" height=\"12\" rx=\"2\"/>\
             <text x=\"{}\" y=\"45\">{name}</text>",
            x + 18.0,
        );
        x += 44.0 + 7.0 * name.len() as f64;
    }
}

/// A mark of the axis, short.
fn rounded(value: f64) -> String {
    for (unit, letter) in [(1e6, "M"), (1e3, "k")] {
        if value >= unit {
            let text = format!("{:.1}", value / unit);
            return text.trim_end_matches(".0").to_owned() + letter;
        }
    }
    format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_logarithmic_only_where_it_must_be() {
        let near = Axis::over(&[5.0, 20.0]);
        assert!(!near.logarithmic && (near.place(10.0) - 0.5).abs() < 1e-9);
        let far = Axis::over(&[20.0, 50_000.0]);
        assert_eq!((far.least, far.most, far.marks().len()), (10.0, 100_000.0, 5));
        assert!((far.place(1_000.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn marks_are_short() {
        assert_eq!(
            [rounded(0.01), rounded(250.0), rounded(2_500.0), rounded(1e7)],
            ["0.01", "250", "2.5k", "10M"]
        );
    }

    #[test]
    fn a_chart_has_its_bars() {
        let bar = Bar { name: "a < b".to_owned(), value: 3.0, kind: Kind::Ours };
        let svg = svg("t", &[Group { name: "g".to_owned(), bars: vec![bar] }]);
        assert!(svg.contains("a &lt; b") && svg.matches("class=\"ours\"").count() == 2);
        assert!(!svg.contains("other clients"));
    }
}
