//! Which key a caller meant.

use super::Key;

/// The name of the key that is spelled most like `name`. The name the Java client uses counts as the key's own.
pub(super) fn nearest(table: &'static [Key], name: &str) -> &'static str {
    // Longer than any key: what follows cannot change which one is nearest.
    let name: Vec<char> = name.to_lowercase().replace(['_', '-'], ".").chars().take(80).collect();
    let distance = |key: &Key| {
        let own = edit_distance(&name, key.name);
        if key.java.is_empty() { own } else { own.min(edit_distance(&name, &key.java.to_lowercase())) }
    };
    table.iter().min_by_key(|key| distance(key)).map_or("", |key| key.name)
}

/// How many characters must be put in, taken out or replaced to get from one to the other.
fn edit_distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (above, expected) in to.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, found) in from.iter().enumerate() {
            let replaced = diagonal + usize::from(*found != expected);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[from.len()]
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        let distance = |from: &str, to: &str| edit_distance(&from.chars().collect::<Vec<_>>(), to);
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("flaw", "lawn"), 2);
    }

    #[test]
    fn slips_other_spellings_and_java_names_lead_to_the_key() {
        for (meant, key) in [
            ("retry.time", "retry.times"),
            ("name_server", "name.server"),
            ("namesrvAddr", "name.server"),
            ("producerGroup", "producer.group"),
            ("sendMsgTimeout", "send.timeout.ms"),
            ("LOG-LEVEL", "log.level"),
        ] {
            assert_eq!(nearest(Config::keys(), meant), key, "{meant}");
        }
    }
}
