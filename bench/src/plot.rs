//! A bar chart of the ratios against their bars, as SVG.

use std::fmt::Write;

use crate::row::Row;

const LABEL: f64 = 240.0;
const CHART: f64 = 440.0;
const VALUE: f64 = 130.0;
const LINE: f64 = 26.0;
const TOP: f64 = 58.0;

/// Ends of the scale, which is logarithmic: rates are tenths, times may be many times the plain one.
const LEAST: f64 = 0.05;
const MOST: f64 = 100.0;

/// Where the scale is labelled.
const TICKS: [f64; 7] = [0.1, 0.2, 0.5, 1.0, 2.0, 10.0, 50.0];

/// Draws all rows whose unit is a ratio, from 1 (as fast as the plain statement) to their value. Green reaches its bar, red
/// does not, grey has none.
pub fn ratios(rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.unit == "ratio").collect();
    let (width, height) = (LABEL + CHART + VALUE, TOP + LINE * rows.len() as f64 + 8.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Ratios against their bars\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" fill=\"#444444\">ratio to the plain statement, from 1; the thick line is the bar \
         (≥: to its right, ≤: to its left)</text>\n"
    );
    for tick in TICKS {
        let x = place(tick);
        line(&mut svg, x, TOP - 6.0, height - 8.0, "#dddddd", 1);
        let y = TOP - 12.0;
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"#777777\">{tick}</text>"
        );
    }
    for (at, row) in rows.iter().enumerate() {
        draw(&mut svg, row, TOP + LINE * at as f64);
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, row: &Row, top: f64) {
    let colour = match (&row.bar, row.ok) {
        (None, _) => "#9aa4ae",
        (Some(_), true) => "#3f9b5f",
        (Some(_), false) => "#c8443c",
    };
    let (one, value) = (place(1.0), place(row.value.as_f64().unwrap_or(1.0)));
    let (left, length) = (one.min(value), (one - value).abs().max(1.0));
    let name = escape(&row.name);
    let bar = row
        .bar
        .as_deref()
        .map_or_else(String::new, |bar| format!("(bar {})", escape(bar)));
    let middle = top + LINE / 2.0 + 4.0;
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{name}</text>\
         <rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{middle:.1}\">{} {bar}</text>",
        LABEL - 8.0,
        top + 4.0,
        LINE - 8.0,
        LABEL + CHART + 10.0,
        row.value,
    );
    if let Some(bar) = limit(row) {
        line(svg, place(bar), top + 1.0, top + LINE - 1.0, "#000000", 3);
    }
}

fn line(svg: &mut String, x: f64, top: f64, bottom: f64, colour: &str, width: u8) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\" \
         stroke-width=\"{width}\"/>"
    );
}

/// Where a ratio lies on the scale.
fn place(ratio: f64) -> f64 {
    let share = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LABEL + CHART * share
}

/// The number of a bar such as `≥ 0.5`.
fn limit(row: &Row) -> Option<f64> {
    row.bar.as_deref()?.rsplit(' ').next()?.parse().ok()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Bar;

    #[test]
    fn only_ratios_are_drawn_each_with_its_bar() {
        let rows = [
            Row::new("slow", 0.3, "ratio", Bar::AtLeast(0.5)),
            Row::new("free", 0.3, "ratio", Bar::Reported),
            Row::new("lost", 0.0, "rows", Bar::Exactly(0.0)),
        ];
        let svg = ratios(&rows);
        assert!(svg.contains(">slow<") && svg.contains(">free<") && !svg.contains(">lost<"));
        assert_eq!(svg.matches("stroke-width=\"3\"").count(), 1);
        assert_eq!(svg.matches("#c8443c").count(), 1);
    }

    #[test]
    fn the_scale_keeps_everything_on_the_chart() {
        assert_eq!(place(0.0), LABEL);
        assert_eq!(place(1e9), LABEL + CHART);
        assert!(place(0.5) < place(1.0) && place(1.0) < place(2.0));
    }
}
