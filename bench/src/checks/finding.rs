//! A figure and its budget.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Finding {
    /// What was measured, and how.
    pub(super) what: String,
    pub(super) value: f64,
    pub(super) unit: String,
    /// The most that it may be; `None` where there is no promise.
    pub(super) budget: Option<f64>,
}

impl Finding {
    pub(super) fn new(what: impl Into<String>, value: f64, unit: &str, budget: Option<f64>) -> Finding {
        Finding { what: what.into(), value, unit: unit.to_owned(), budget }
    }
}

/// Markdown.
pub(super) fn table(findings: &[Finding]) -> String {
    let mut text = "| what | measured | budget | |\n| --- | ---: | ---: | --- |\n".to_owned();
    for Finding { what, value, unit, budget } in findings {
        let (budget, kept) = match budget {
            Some(budget) if value <= budget => (format!("≤ {budget}"), "kept"),
            Some(budget) => (format!("≤ {budget}"), "**missed**"),
            None => ("–".to_owned(), ""),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {what} | {} | {budget} | {kept} |",
            format!("{} {unit}", rounded(*value)).trim_end()
        );
    }
    text
}

/// Three digits that count, and all before the point; whole numbers without one.
fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        _ if value.fract() == 0.0 => 0,
        size => (2 - size.log10().floor() as i32).clamp(0, 3) as usize,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_kept_up_to_its_value() {
        let row = |value, budget| {
            table(&[Finding::new("x", value, "ms", budget)]).lines().nth(2).unwrap().to_owned()
        };
        assert_eq!(row(10.0, Some(10.0)), "| x | 10 ms | ≤ 10 | kept |");
        assert_eq!(row(10.04, Some(10.0)), "| x | 10.0 ms | ≤ 10 | **missed** |");
        assert_eq!(row(12_345.6, None), "| x | 12346 ms | – |  |");
        assert_eq!(row(0.0, None), "| x | 0 ms | – |  |");
        assert_eq!(row(0.012, None), "| x | 0.012 ms | – |  |");
    }
}
