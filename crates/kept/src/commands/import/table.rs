//! A file of lines and cells (RFC 4180), in UTF-8, with or without a mark at its beginning, its lines ended in either way.

use std::{collections::HashMap, fs::File, path::Path};

use csv::{ByteRecord, Reader, ReaderBuilder};
use kept_accounts::{Email, import::Fault};

/// The largest file, in bytes. A larger one is parted.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The longest line, in bytes. A quotation mark that is not closed makes the rest of the file one line.
const LONGEST: usize = 64 * 1024;

/// A file, and the addresses and member ids that were in it so far: each may be there once.
pub(super) struct Table {
    reader: Reader<File>,
    columns: Vec<String>,
    seen: HashMap<(usize, String), u64>,
}

/// A line with its number in the file; what is wrong with it, if it cannot be read.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) cells: Result<Vec<String>, Vec<Fault>>,
}

impl Table {
    /// Opens a file and reads the names of its columns.
    pub(super) fn open(path: &Path) -> Result<(Table, Vec<String>), String> {
        let unreadable = |cause: std::io::Error| format!("it cannot be read: {cause}");
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.len() > LARGEST {
            return Err(
                "it has more than 64 MiB; part it into smaller files, each with the same first line".into()
            );
        }
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
        let mut head = ByteRecord::new();
        if !reader.read_byte_record(&mut head).map_err(|cause| broken(&cause))? {
            return Err("it is empty; its first line names the columns: given_name,family_name,email".into());
        }
        let named: Option<Vec<String>> =
            head.iter().map(|cell| std::str::from_utf8(cell).ok().map(str::to_owned)).collect();
        let columns = named.ok_or("its first line is not UTF-8; save the file as CSV in UTF-8")?;
        if let [one] = columns.as_slice()
            && one.contains([';', '\t'])
        {
            return Err("its columns are not separated by commas; save the file as CSV with commas".into());
        }
        Ok((Table { reader, columns: columns.clone(), seen: HashMap::new() }, columns))
    }

    /// The next line; none at the end of the file.
    pub(super) fn line(&mut self) -> Result<Option<Line>, String> {
        let mut record = ByteRecord::new();
        if !self.reader.read_byte_record(&mut record).map_err(|cause| broken(&cause))? {
            return Ok(None);
        }
        let number = record.position().map_or(0, csv::Position::line);
        Ok(Some(Line { number, cells: self.cells(&record, number) }))
    }

    fn cells(&mut self, record: &ByteRecord, number: u64) -> Result<Vec<String>, Vec<Fault>> {
        if record.as_slice().len() > LONGEST {
            let message = "the line has more than 64 KiB; look whether a quotation mark is not closed";
            return Err(vec![Fault { column: String::new(), message: message.into() }]);
        }
        let (mut cells, mut faults) = (Vec::new(), Vec::new());
        for (at, cell) in record.iter().enumerate() {
            match std::str::from_utf8(cell) {
                Ok(text) => cells.push(text.to_owned()),
                Err(_) => {
                    faults.push(self.fault(at, "It is not UTF-8: save the file as CSV in UTF-8.".into()))
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        for (at, cell) in cells.iter().enumerate() {
            let Some(same) = self.columns.get(at).and_then(|column| identity(column, cell)) else { continue };
            match self.seen.get(&(at, same.clone())) {
                Some(first) => {
                    faults.push(
                        self.fault(at, format!("It is the same as in line {first}: leave one of them.")),
                    );
                }
                None => drop(self.seen.insert((at, same), number)),
            }
        }
        if faults.is_empty() { Ok(cells) } else { Err(faults) }
    }

    fn fault(&self, at: usize, message: String) -> Fault {
        Fault { column: self.columns.get(at).map(|name| name.trim().to_owned()).unwrap_or_default(), message }
    }
}

/// By what a cell names one person and no other, if it does.
fn identity(column: &str, cell: &str) -> Option<String> {
    match column.trim() {
        "email" => cell.parse::<Email>().ok().map(|email| email.folded()),
        "member_id" => Some(cell.trim().to_uppercase()).filter(|id| !id.is_empty()),
        _ => None,
    }
}

fn broken(cause: &csv::Error) -> String {
    format!("it cannot be read to its end: {cause}")
}
