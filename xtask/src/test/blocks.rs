//! The code blocks of a Markdown page.
//!
//! A block is a whole program, or the line before it says `<!-- in NAME -->`, which readers do not see: then it stands in the
//! place of `/* the block */` in `docs/frames/NAME`, which makes a whole program of it.

/// A block between "```language" and "```", without these lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// Empty: a picture or an output.
    pub(crate) language: &'a str,
    pub(crate) text: &'a str,
    /// The file in `docs/frames` that it belongs to.
    pub(crate) frame: Option<&'a str>,
}

/// What a frame has in a block's place.
const PLACE: &str = "/* the block */";

impl Block<'_> {
    /// The whole program; `frame` is the text of its frame, if it has one.
    pub(crate) fn program(&self, frame: Option<&str>) -> Result<String, String> {
        let Some(frame) = frame else { return Ok(self.text.to_owned()) };
        match frame.matches(PLACE).count() {
            1 => Ok(frame.replace(PLACE, self.text)),
            count => Err(format!(
                "docs/frames/{}: {count} × {PLACE:?}, one expected",
                self.frame.unwrap_or_default()
            )),
        }
    }
}

/// All blocks of a page, in their order.
pub(crate) fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut before = "";
    let mut open: Option<(&str, usize, Option<&str>)> = None;
    let mut at = 0;
    for line in page.split_inclusive('\n') {
        let fence = line.trim_end().strip_prefix("```");
        match (fence, open) {
            (Some(language), None) => open = Some((language, at + line.len(), framed(before))),
            (Some(""), Some((language, start, frame))) => {
                found.push(Block { language, text: &page[start..at], frame });
                open = None;
            }
            _ => {}
        }
        before = line;
        at += line.len();
    }
    found
}

/// The name in `<!-- in NAME -->`.
fn framed(line: &str) -> Option<&str> {
    line.trim().strip_prefix("<!-- in ")?.strip_suffix(" -->")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_language_and_frame_and_kept_as_they_stand() {
        let page = "# x\n<!-- in a.c -->\n```c\nint a;\n\nint b;\n```\ntext `c`\n```\nout\n```\n```sh\n```\n```c\nnever closed\n";
        let block = |language, text, frame| Block { language, text, frame };
        let expected =
            [block("c", "int a;\n\nint b;\n", Some("a.c")), block("", "out\n", None), block("sh", "", None)];
        assert_eq!(blocks(page), expected);
    }

    #[test]
    fn a_frame_makes_a_program_of_a_block() {
        let block = Block { language: "c", text: "x;\n", frame: Some("a.c") };
        assert_eq!(block.program(Some("a { /* the block */ }")).unwrap(), "a { x;\n }");
        assert!(block.program(Some("a {}")).unwrap_err().contains("docs/frames/a.c: 0"));
        assert_eq!(block.program(None).unwrap(), "x;\n");
    }
}
