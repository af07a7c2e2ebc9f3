//! Tables for people.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;
use crate::text::plain;

/// Prints a list: as a table, or `value` with `--json`. For an empty list, people read the note `none` instead.
pub(crate) fn list(
    out: &Output,
    value: &Value,
    heads: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    none: &str,
) -> Outcome {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() && !out.json {
        out.note(none);
        return Ok(exit::DONE);
    }
    out.show(value, || render(out, heads, rows))?;
    if value["more"] == true && !out.json {
        out.note("There are more: show them with --limit.");
    }
    Ok(exit::DONE)
}

/// Formats a table with these column headings. On a terminal it fits the width; elsewhere every row is one line.
pub(crate) fn render(
    out: &Output,
    heads: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(heads.iter().copied());
    table.set_content_arrangement(if out.terminal {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    });
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}
