//! Reads a `.t` file into blocks. Knows the shape of the text, not what any section means.

use std::path::Path;

use super::Outcome;

/// One `--- key: inline` section with the lines below it.
#[derive(Clone)]
pub(crate) struct Section {
    pub(crate) key: String,
    /// The text behind `--- key:` on the same line.
    pub(crate) inline: Option<String>,
    /// The lines below, without the final newline.
    pub(crate) body: String,
    /// Line number of the first body line, for reports.
    pub(crate) line: usize,
}

impl Section {
    /// The inline text if there is one, else the body.
    pub(crate) fn text(&self) -> &str {
        self.inline.as_deref().unwrap_or(&self.body)
    }
}

/// One `=== name` block; sections the block does not have come from the head of its file.
#[derive(Clone)]
pub(crate) struct Block {
    /// `file: name`
    pub(crate) name: String,
    pub(crate) sections: Vec<Section>,
}

impl Block {
    pub(crate) fn section(&self, key: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.key == key)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.section(key).map(Section::text)
    }

    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.sections.iter().filter(move |section| section.key == key).map(Section::text)
    }
}

/// Every section a block may have; anything else is a typing error.
const KEYS: [&str; 22] = [
    "main_config",
    "events",
    "http_config",
    "config",
    "extra_config",
    "reload_http_config",
    "reload_config",
    "listen",
    "workers",
    "no_module",
    "no_zone",
    "conf_file",
    "replace",
    "timeout",
    "steps",
    "table",
    "nginx_t",
    "error_log",
    "no_error_log",
    "allow_error_log",
    "fails",
    "pending",
];

/// The blocks of one file.
pub(crate) fn read(path: &Path) -> Outcome<Vec<Block>> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    parse(&stem, &text).map_err(|reason| format!("{}: {reason}", path.display()))
}

fn parse(stem: &str, text: &str) -> Outcome<Vec<Block>> {
    if !text.starts_with("# ") {
        return Err("the first line must be a comment saying what the file shows".into());
    }
    let mut shared: Vec<Section> = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if let Some(name) = line.strip_prefix("=== ") {
            blocks.push(Block { name: format!("{stem}: {}", name.trim()), sections: Vec::new() });
            continue;
        }
        let sections = blocks.last_mut().map_or(&mut shared, |block| &mut block.sections);
        if let Some(head) = line.strip_prefix("--- ") {
            let (key, inline) = match head.split_once(':') {
                Some((key, inline)) => (key.trim(), Some(inline.trim().to_owned())),
                None => (head.trim(), None),
            };
            if !KEYS.contains(&key) {
                return Err(format!("line {number}: unknown section {key}"));
            }
            let (key, body) = (key.to_owned(), String::new());
            sections.push(Section { key, inline, body, line: number + 1 });
        } else if let Some(section) = sections.last_mut() {
            section.body.push_str(line);
            section.body.push('\n');
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            return Err(format!("line {number}: text before the first section"));
        }
    }
    for block in &mut blocks {
        let missing: Vec<Section> =
            shared.iter().filter(|s| block.section(&s.key).is_none()).cloned().collect();
        block.sections.extend(missing);
    }
    if blocks.is_empty() { Err("no blocks".into()) } else { Ok(blocks) }
}
