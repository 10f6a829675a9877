//! Comma-separated values as every table, of features, of runs or of a log, is written in them (RFC 4180, with plain line feeds).

/// Rows of cells, a line each; rows may differ in length.
pub fn csv_rows<C: AsRef<[u8]>>(rows: impl IntoIterator<Item = impl IntoIterator<Item = C>>) -> String {
    let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        // Nothing but memory is written to.
        let _ = writer.write_record(row);
    }
    String::from_utf8_lossy(&writer.into_inner().unwrap_or_default()).into_owned()
}
