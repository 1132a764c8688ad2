//! A bar chart of the ratios against their bars, as SVG.

use std::fmt::Write;

use crate::row::Row;

const LABEL: f64 = 190.0;
const CHART: f64 = 460.0;
const VALUE: f64 = 110.0;
const LINE: f64 = 26.0;
const TOP: f64 = 34.0;
const FONT: &str = "font-family=\"system-ui, sans-serif\" font-size=\"13\"";

/// Draws all rows whose unit is a ratio. Green reaches its bar, red does not, grey has none.
pub fn ratios(rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.unit == "ratio").collect();
    let most = rows
        .iter()
        .flat_map(|row| [value(row), bar(row).unwrap_or(0.0)]);
    let scale = CHART / most.fold(1.0, f64::max);
    let (width, height) = (LABEL + CHART + VALUE, TOP + LINE * rows.len() as f64 + 8.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Ratios against their bars\" {FONT}>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" fill=\"#444444\">ratio to the plain statement; the black line is the bar (≥ to its \
         right, ≤ to its left)</text>\n"
    );
    for (at, row) in rows.iter().enumerate() {
        draw(&mut svg, row, TOP + LINE * at as f64, scale);
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, row: &Row, top: f64, scale: f64) {
    let colour = match (&row.bar, row.ok) {
        (None, _) => "#9aa4ae",
        (Some(_), true) => "#3f9b5f",
        (Some(_), false) => "#c8443c",
    };
    let middle = top + LINE / 2.0 + 4.0;
    let length = value(row) * scale;
    let name = escape(&row.name);
    let bar_text = row
        .bar
        .as_deref()
        .map_or_else(String::new, |bar| format!(" ({})", escape(bar)));
    // Writing to a string does not fail.
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{name}</text>\
         <rect x=\"{LABEL}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{middle:.1}\">{}{bar_text}</text>",
        LABEL - 8.0,
        top + 4.0,
        LINE - 8.0,
        LABEL + CHART + 8.0,
        row.value,
    );
    if let Some(bar) = bar(row) {
        let x = LABEL + bar * scale;
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{:.1}\" stroke=\"#000000\" stroke-width=\"2\"/>",
            top + LINE
        );
    }
}

fn value(row: &Row) -> f64 {
    row.value.as_f64().unwrap_or(0.0).max(0.0)
}

/// The number of a bar such as `≥ 0.5`.
fn bar(row: &Row) -> Option<f64> {
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
        assert_eq!(svg.matches("<line").count(), 1);
        assert_eq!(svg.matches("#c8443c").count(), 1);
    }
}
