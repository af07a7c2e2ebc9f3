//! Tables for people.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;
use crate::text::{fitted, plain};

/// The columns with sentences, which may be broken between words if a table is too wide. All others have names, IDs,
/// times and prices, which are never broken.
const SENTENCES: [&str; 3] = ["DESCRIPTION", "DETAILS", "STATE"];
/// The least width of a column with sentences.
const NARROW: usize = 20;
/// The spaces between two columns.
const GAP: usize = 2;

/// Prints a list: as a table, or `value` in a form for programs. For an empty list, people read the note `none` instead.
pub(crate) fn list(
    out: &Output,
    value: &Value,
    heads: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    none: &str,
) -> Outcome {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() && !out.for_programs() {
        out.note(none);
        return Ok(exit::DONE);
    }
    out.show_list(value, || render(out, heads, rows))?;
    if value["more"] == true && !out.for_programs() {
        out.note("There are more: show them with --limit.");
    }
    Ok(exit::DONE)
}

/// Formats a table with these column headings. On a terminal that is too narrow for it, sentences are broken between
/// words, or else each row becomes a paragraph. Elsewhere every row is one line.
pub(crate) fn render(
    out: &Output,
    heads: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let plain = |row: Vec<String>| row.iter().map(|cell| plain(cell)).collect();
    let rows: Vec<Vec<String>> = rows.into_iter().map(plain).collect();
    let Some(width) = out.width() else {
        return table(heads, rows, None);
    };
    let columns = columns(heads, &rows);
    // comfy-table pads the last column too.
    let gaps = (GAP * columns.len()).saturating_sub(1);
    if columns.iter().sum::<usize>() + gaps <= width {
        return table(heads, rows, None);
    }
    let least = least(heads, &columns, &rows);
    if least.iter().sum::<usize>() + gaps <= width {
        return table(heads, rows, Some(width));
    }
    stacked(heads, &rows, width)
}

/// A table of this width, or as wide as its contents.
fn table(heads: &[&str], rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(heads.iter().copied())
        .set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
        for (column, head) in table.column_iter_mut().zip(heads) {
            if !SENTENCES.contains(head) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    table.add_rows(rows);
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// A paragraph for each row, without the cells that are empty.
fn stacked(heads: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let label = heads.iter().map(|head| head.width()).max();
    let label = label.unwrap_or_default() + GAP;
    let mut text = String::new();
    for row in rows {
        let mut cells = row.iter().zip(heads);
        if let Some((first, _)) = cells.next() {
            text.push_str(first);
            text.push('\n');
        }
        for (cell, head) in cells.filter(|(cell, _)| !cell.is_empty() && *cell != "-") {
            let line = format!("  {:<label$}{cell}\n", head.to_lowercase());
            text.push_str(&fitted(&line, Some(width)));
        }
    }
    text
}

/// The widths that the columns need: a sentence can be broken, but none of its words.
fn least(heads: &[&str], columns: &[usize], rows: &[Vec<String>]) -> Vec<usize> {
    let words = |at: usize| rows.iter().filter_map(move |row| row.get(at));
    let longest = |at| {
        let words = words(at).flat_map(|cell| cell.split(' '));
        words.map(UnicodeWidthStr::width).max().unwrap_or_default()
    };
    let columns = columns.iter().zip(heads).enumerate();
    let least = columns.map(|(at, (&size, head))| {
        if SENTENCES.contains(head) {
            size.min(NARROW.max(longest(at)))
        } else {
            size
        }
    });
    least.collect()
}

/// The widths of the columns.
fn columns(heads: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let width = |at: usize, head: &str| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let widest = cells.map(|cell| cell.width()).max();
        widest.unwrap_or_default().max(head.width())
    };
    let heads = heads.iter().enumerate();
    heads.map(|(at, head)| width(at, head)).collect()
}
