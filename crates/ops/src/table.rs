//! Tables of text.

/// Each column is as wide as its widest cell. Every row has a cell for each column of the heading.
pub(crate) fn table<'h>(heading: impl AsRef<[&'h str]>, rows: &[impl AsRef<[String]>]) -> String {
    let heading = heading.as_ref();
    let mut widths: Vec<usize> = heading.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        let line: Vec<String> = padded.collect();
        format!("{}\n", line.join("  ").trim_end())
    };
    let rows = rows.iter().map(|row| line(&mut row.as_ref().iter().map(String::as_str)));
    std::iter::once(line(&mut heading.iter().copied())).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["jwt_secret".to_owned(), "3".to_owned()], ["é".to_owned(), String::new()]];
        assert_eq!(table(["name", "days"], &rows), "name        days\njwt_secret  3\né\n");
    }
}
