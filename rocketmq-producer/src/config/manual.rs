//! The page of the manual that the table of keys prints.

use std::fmt::Write;

use super::table::TABLE;
use super::{Key, Kind};

/// The page "Configuration" in Markdown, complete with its title.
pub fn manual() -> String {
    let mut page = String::from(
        "# Configuration\n\
         \n\
         Every setting is a key with a text value. A value is checked when it is set; an unknown key is an error\n\
         that names the nearest one. A producer reads its configuration once, when it is made. Words may be\n\
         written in any case, and an empty text puts a key back to its default.\n\
         \n\
         This page is printed from the table of keys in the source.\n\
         \n\
         | Key | Kind | Default | Values | Java client |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for key in TABLE {
        let java = if key.java.is_empty() { String::new() } else { format!("`{}`", key.java) };
        let default = default(key);
        let (name, kind, values) = (key.name, key.kind.name(), cell(&values(key)));
        let anchor = name.replace('.', "");
        line(&mut page, format_args!("| [`{name}`](#{anchor}) | {kind} | {default} | {values} | {java} |"));
    }
    for key in TABLE {
        line(&mut page, format_args!("\n## {}\n\n{}", key.name, key.text));
    }
    page
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}

fn default(key: &Key) -> String {
    if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) }
}

fn values(key: &Key) -> String {
    match key.kind {
        Kind::Text(_) => key.range(),
        Kind::Integer { .. } => format!("{} {}", key.range(), key.unit).trim_end().to_owned(),
        Kind::Boolean => "`true`, `false`".to_owned(),
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
    }
}

/// A text that must not end its table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_row_of_five_cells_and_a_section() {
        let page = manual();
        for key in TABLE {
            let start = format!("| [`{}`](", key.name);
            let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
            assert_eq!(rows.len(), 1, "{}", key.name);
            assert_eq!(rows[0].replace("\\|", "").matches('|').count(), 6, "{}", rows[0]);
            assert!(page.contains(&format!("\n## {}\n\n{}\n", key.name, key.text)));
        }
    }
}
