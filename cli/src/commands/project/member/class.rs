//! Class lists: CSV files with the members of a project.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use csv::{Position, Reader, ReaderBuilder, StringRecord, Trim};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::NewMember;

/// The maximum size of a file, in bytes: more than the longest list of members needs.
const FILE_BYTES: u64 = 4 << 20;
/// How many lines an error names.
const NAMED: usize = 20;

/// The columns that are read, of which only the first must be there.
const USER: &str = "user";
const ROLE: &str = "role";
const GROUP: &str = "group";

/// The members in a file, and the lines that cannot be used.
#[derive(Debug, Default)]
pub(super) struct Class {
    /// The members, each with the number of its line.
    pub(super) members: Vec<(u64, NewMember)>,
    pub(super) bad: Vec<BadLine>,
}

/// A line that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    pub(super) number: u64,
    pub(super) message: String,
}

/// Reads a class list from a file, or from stdin if the path is "-".
pub(super) fn read(path: &Path) -> Result<Class, Problem> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(FILE_BYTES).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(FILE_BYTES).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        let message = format!("{} cannot be read.", path.display());
        let problem = Problem::new(Code::LocalIo, message).because(error);
        problem.hint("Name a CSV file with a column \"user\".")
    })?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Class, Problem> {
    // Spreadsheets begin UTF-8 files with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = reader(bytes);
    let heads = reader.headers().map_err(unreadable)?;
    let at = |name: &str| {
        heads
            .iter()
            .position(|head| head.eq_ignore_ascii_case(name))
    };
    let (Some(user), role, group) = (at(USER), at(ROLE), at(GROUP)) else {
        let message = "The first line of the file names no column \"user\".";
        return Err(Problem::new(Code::InvalidInput, message).hint(
            "The first line has the names of the columns: user and, if you like, role and group. Further columns are ignored.",
        ));
    };
    let columns = Columns { user, role, group };
    let mut class = Class::default();
    for record in reader.into_records() {
        match record {
            Ok(record) => {
                let number = line_at(bytes, record.position());
                match columns.member(&record) {
                    Ok(member) => class.members.push((number, member)),
                    Err(problem) => class.bad.push(BadLine {
                        number,
                        message: problem.message,
                    }),
                }
            }
            Err(error) => class.bad.push(BadLine {
                number: line_at(bytes, error.position()),
                message: "It is not text in UTF-8, or has another number of columns.".to_owned(),
            }),
        }
    }
    Ok(class)
}

/// The number of the line on which a record begins. The reader's own number is not used, because it does not count the line
/// feed of a carriage return before the record, nor empty lines.
fn line_at(bytes: &[u8], position: Option<&Position>) -> u64 {
    let at = position.and_then(|it| usize::try_from(it.byte()).ok());
    let (before, rest) = bytes.split_at(at.unwrap_or_default().min(bytes.len()));
    let skipped = rest.iter().take_while(|byte| b"\r\n".contains(byte));
    let feeds = before.iter().chain(skipped).filter(|byte| **byte == b'\n');
    feeds.count() as u64 + 1
}

/// The separator is the one that the first line has: spreadsheets use semicolons where the comma is a decimal separator.
fn reader(bytes: &[u8]) -> Reader<&[u8]> {
    let first = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let has = |separator: u8| first.contains(&separator);
    let separator = match (has(b','), has(b';'), has(b'\t')) {
        (false, true, _) => b';',
        (false, false, true) => b'\t',
        _ => b',',
    };
    ReaderBuilder::new()
        .delimiter(separator)
        .trim(Trim::All)
        .from_reader(bytes)
}

fn unreadable(error: csv::Error) -> Problem {
    let message = "The first line of the file is not text in UTF-8.";
    Problem::new(Code::InvalidInput, message).because(error)
}

struct Columns {
    user: usize,
    role: Option<usize>,
    group: Option<usize>,
}

impl Columns {
    fn member(&self, record: &StringRecord) -> Result<NewMember, Problem> {
        let text = |at: usize| record.get(at).unwrap_or_default();
        let filled = |at: Option<usize>| at.map(text).filter(|text| !text.is_empty());
        let group = filled(self.group).map(str::parse);
        Ok(NewMember {
            user: text(self.user).parse().map_err(Problem::from)?,
            role: filled(self.role).map(str::parse).transpose()?,
            group: group.transpose().map_err(Problem::from)?,
        })
    }
}

/// The problem of a file with lines that cannot be used.
pub(super) fn problem(file: &Path, mut bad: Vec<BadLine>) -> Problem {
    bad.sort_by_key(|line| line.number);
    let lines = bad.iter().take(NAMED);
    let lines: Vec<String> = lines
        .map(|line| format!("line {}: {}", line.number, line.message))
        .collect();
    let (count, are) = match bad.len() {
        1 => ("1 line".to_owned(), "is"),
        count => (format!("{count} lines"), "are"),
    };
    let more = if bad.len() > NAMED { " …" } else { "" };
    let message = format!(
        "{count} of {} {are} not valid, so nobody was added. {}{more}",
        file.display(),
        lines.join(" ")
    );
    Problem::new(Code::InvalidInput, message).hint("Correct the file, and repeat the command.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(class: &Class) -> Vec<(u64, &str)> {
        let users = class.members.iter();
        users
            .map(|(line, member)| (*line, member.user.as_str()))
            .collect()
    }

    #[test]
    fn a_file_of_a_spreadsheet_is_read() {
        let text = "\u{feff}Name;User;Group;Role\r\n\"Lovelace; Ada\";ada@uni.edu;lab1;\r\n\r\nBen; ben ;;viewer\r\n";
        let class = parse(text.as_bytes()).unwrap();
        assert_eq!(users(&class), [(2, "ada@uni.edu"), (4, "ben")]);
        assert_eq!(class.bad, []);
        let [(_, ada), (_, ben)] = class.members.as_slice() else {
            panic!("{class:?}");
        };
        assert_eq!(ada.group.as_ref().unwrap().as_str(), "lab1");
        assert_eq!((ada.role, &ben.group), (None, &None));
        assert_eq!(ben.role.unwrap().as_str(), "viewer");
        assert_eq!(users(&parse(b"user\nada\n").unwrap()), [(2, "ada")]);
    }

    #[test]
    fn each_bad_line_is_named_with_its_number() {
        let text =
            b"user,role,group\nada,,\na b,,\nben,boss,\ncy,,UP\n,,\nx,y\n\xff,,\ndan,member,lab1\n";
        let class = parse(text).unwrap();
        assert_eq!(users(&class), [(2, "ada"), (9, "dan")]);
        let numbers: Vec<u64> = class.bad.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7, 8]);
        let problem = problem(Path::new("class.csv"), class.bad);
        for part in ["6 lines of class.csv", "line 3: ", "\"boss\"", "line 8: "] {
            assert!(problem.message.contains(part), "{problem}");
        }
    }

    #[test]
    fn a_file_without_the_column_is_refused() {
        for text in ["", "ada\nben\n", "name,role\n"] {
            let refused = parse(text.as_bytes()).unwrap_err();
            assert!(refused.message.contains("\"user\""), "{refused}");
        }
    }
}
