//! The blocks of a page, and what the words after a fence say about running them.

use std::path::{Path, PathBuf};

/// A fenced block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The words after the fence, such as `sh run`.
    pub(crate) kind: String,
    pub(crate) text: String,
    /// The line of its first command.
    pub(crate) line: usize,
}

/// What a reader does with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `sh run`: runs it.
    Run,
    /// `sh run stopped`: stops the server, then runs it.
    RunStopped,
    /// `sh run aws`: runs it with secrets in AWS.
    RunAws,
    /// `sh server`: starts it in the terminal of the server, in place of what runs there.
    StartServer,
    /// `sh server keys`: starts it in a terminal of its own.
    StartKeys,
    /// `sh skip REASON`: it does not run here.
    Skip,
    /// `text transcript`: compares it with the output of the block before.
    Compare,
    /// Another language: there is nothing to run.
    Read,
}

/// Why a block does not run here: the words after `sh skip`.
const SKIP_REASONS: [(&str, &str); 4] = [
    ("build", "it builds or tests the product, which has happened before this test"),
    (
        "example",
        "it names journals, reviews and keys of the text alone; journals.rs and blackbox/api_keys.rs run the commands",
    ),
    ("replaced", "no database was replaced; tests/webhooks/storage runs it"),
    ("terminal", "it asks a person for a value, which is tested on a terminal in keys.rs"),
];

/// Languages in which nothing is run.
const READ: [&str; 5] = ["json", "mermaid", "rust", "text", "yaml"];
/// First words of lines with commands.
const PROGRAMS: [&str; 8] =
    ["aws", "cargo", "curl", "docker", "investiq", "systemctl", "tests/run", "tools/start"];

pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), is_open) {
            (Some(kind), false) => {
                let kind = kind.trim().to_owned();
                blocks.push(Block { kind, text: String::new(), line: number + 2 });
                is_open = true;
            }
            (Some(_), true) => is_open = false,
            (None, true) => {
                let text = &mut blocks.last_mut().expect("a block is open").text;
                text.push_str(line);
                text.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

impl Block {
    /// The error names what is wrong with the words after the fence.
    pub(super) fn action(&self) -> Result<Action, String> {
        let words: Vec<&str> = self.kind.split(' ').collect();
        match words[..] {
            ["sh", "run"] => Ok(Action::Run),
            ["sh", "run", "stopped"] => Ok(Action::RunStopped),
            ["sh", "run", "aws"] => Ok(Action::RunAws),
            ["sh", "server"] => Ok(Action::StartServer),
            ["sh", "server", "keys"] => Ok(Action::StartKeys),
            ["sh", "skip", reason] if SKIP_REASONS.iter().any(|(known, _)| *known == reason) => {
                Ok(Action::Skip)
            }
            ["text", "transcript"] => Ok(Action::Compare),
            [language] if READ.contains(&language) && !self.has_command() => Ok(Action::Read),
            [language] if READ.contains(&language) => Err("it has commands and is not `sh`".to_owned()),
            _ => Err(format!("`{}` does not say whether it is run", self.kind)),
        }
    }

    fn has_command(&self) -> bool {
        let mut first_words = self.text.lines().filter_map(|line| line.split_whitespace().next());
        first_words.any(|word| PROGRAMS.contains(&word))
    }
}

/// The pages that a reader reaches from README.md, in the order in which pages link them: first those of README.md, then
/// those of its pages. `read` returns the text of a page.
pub(super) fn reading_order(read: impl Fn(&Path) -> Option<String>) -> Vec<(PathBuf, String)> {
    let mut found = vec![PathBuf::from("README.md")];
    let mut pages: Vec<(PathBuf, String)> = Vec::new();
    let mut next = 0;
    while next < found.len() {
        let path = found[next].clone();
        next += 1;
        let Some(text) = read(&path) else { continue };
        for target in links(&path, &text) {
            if !found.contains(&target) {
                found.push(target);
            }
        }
        pages.push((path, text));
    }
    pages
}

/// The pages that a page links, relative to the root.
fn links(page: &Path, text: &str) -> Vec<PathBuf> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
    let pages = targets.filter(|target| target.ends_with(".md") && !target.contains("://"));
    pages.map(|target| normalized(&page.parent().unwrap_or(Path::new("")).join(target))).collect()
}

/// Without `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.iter().filter_map(|part| part.to_str()) {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.iter().collect()
}

#[test]
fn blocks_have_their_kind_their_text_and_their_line() {
    let found = blocks("text\n```sh run\nfalse\n```\nmore\n```yaml\na: 1\nb: 2\n```\n");
    let block = |kind: &str, text: &str, line| Block { kind: kind.to_owned(), text: text.to_owned(), line };
    assert_eq!(found, [block("sh run", "false\n", 3), block("yaml", "a: 1\nb: 2\n", 7)]);
}

#[test]
fn a_block_that_does_not_say_whether_it_is_run_is_refused() {
    let block = |kind: &str, text: &str| Block { kind: kind.to_owned(), text: text.to_owned(), line: 1 };
    for kind in ["", "sh", "bash", "console", "sh skip", "sh skip because", "sh run later", "text other"] {
        assert!(block(kind, "true\n").action().is_err(), "{kind}");
    }
    assert!(block("text", "investiq secrets init\n").action().is_err(), "a command in another language");
    assert_eq!(block("text", "GET /\n").action(), Ok(Action::Read));
    assert_eq!(block("sh skip build", "cargo build\n").action(), Ok(Action::Skip));
}

#[test]
fn pages_are_read_in_the_order_of_their_links() {
    let pages = [
        ("README.md", "[b](docs/b.md#x), [c](https://c.example/c.md), [a](docs/a.md)"),
        ("docs/b.md", "[back](../README.md) [d](../crates/d/README.md) [gone](gone.md)"),
        ("docs/a.md", "[b](b.md)"),
        ("crates/d/README.md", ""),
    ];
    let read = |path: &Path| {
        let found = pages.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned())
    };
    let order: Vec<PathBuf> = reading_order(read).into_iter().map(|(path, _)| path).collect();
    assert_eq!(order, ["README.md", "docs/b.md", "docs/a.md", "crates/d/README.md"].map(PathBuf::from));
}
