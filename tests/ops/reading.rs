//! Reads the pages as a newcomer does: from a fresh clone, every page in the order of its links, every block in one shell.

mod clone;
pub(crate) mod page;
mod reader;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::polygon::FakePolygon;
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, SECRET_ACCESS_KEY};
use tests::workspace_root;

use page::{Action, Block};
use reader::Reader;

/// The terminals in which blocks run until they are stopped.
const SERVER: &str = "server";
const KEYS: &str = "host of keys";

/// Pages that this test leaves out.
const LEFT_OUT: [(&str, &str); 1] =
    [("docs/deployment.md", "its blocks need a container engine; tests/deploy does what they say")];

/// Fails if Git would commit a file that has a line of a secret.
const NOTHING_SECRET_IS_LEFT: &str = r#"
git ls-files --others --exclude-standard > ../untracked
grep --quiet body.json ../untracked
sort --unique secrets/[a-z]*_* webhook-keys/*secret | grep '^.\{30,\}' > ../secret-lines
! xargs grep --files-with-matches --fixed-strings --file=../secret-lines < ../untracked
"#;

/// A block that was run or left out.
struct Line {
    page: PathBuf,
    block: Block,
    elapsed: Duration,
}

/// The readers: one with secrets in files, and one with secrets in AWS.
struct Readers {
    files: Reader,
    aws: Reader,
    /// What the last block printed.
    printed: String,
}

#[test]
fn every_block_of_every_page_works_in_reading_order() {
    let started = Instant::now();
    let (vendor, aws) = (FakePolygon::start(), FakeSecretsManager::start());
    let mut readers = Readers {
        files: Reader::start(&[], &[("POLYGON_BASE_URL", vendor.base_url())]),
        aws: Reader::start(
            &[
                ("AWS_ENDPOINT_URL", aws.endpoint_url()),
                ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
                ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ],
            &[],
        ),
        printed: String::new(),
    };
    readers.aws.run("cargo build\n").unwrap();
    let mut lines = Vec::new();
    for (page, text) in pages() {
        for block in page::blocks(&text) {
            let begun = Instant::now();
            if let Err(fault) = readers.act(&block) {
                print_lines(&lines, started.elapsed());
                panic!("{}:{}:\n{}\n{fault}", page.display(), block.line, block.text);
            }
            if block.action() != Ok(Action::Read) {
                lines.push(Line { page: page.clone(), block, elapsed: begun.elapsed() });
            }
        }
    }
    print_lines(&lines, started.elapsed());
    readers.files.run(NOTHING_SECRET_IS_LEFT).unwrap();
    let leak = format!("cp secrets/api_keys leaked\n{NOTHING_SECRET_IS_LEFT}");
    assert!(readers.files.run(&leak).unwrap_err().contains("leaked"), "a leak would be found");
    for written in ["checkpoint.json", "chain.jsonl", "findings.json", "report.json", "rotation.ics"] {
        assert!(readers.files.path(written).exists(), "{written}");
    }
}

#[test]
fn every_page_with_commands_is_reached_from_the_readme() {
    let reached: Vec<PathBuf> = pages().into_iter().map(|(path, _)| path).collect();
    for (page, text) in all_pages() {
        let has_commands = page::blocks(&text).iter().any(|block| block.kind.starts_with("sh"));
        let is_known = reached.contains(&page) || is_left_out(&page);
        assert!(is_known || !has_commands, "no page that the README leads to links {}", page.display());
    }
}

impl Readers {
    fn act(&mut self, block: &Block) -> Result<(), String> {
        let text = &block.text;
        match block.action()? {
            Action::Run => self.printed = self.files.run(text)?,
            Action::RunStopped => {
                self.files.stop(SERVER)?;
                self.printed = self.files.run(text)?;
            }
            Action::RunAws => self.printed = self.aws.run(text)?,
            Action::StartServer => self.files.serve(SERVER, text)?,
            Action::StartKeys => self.files.serve(KEYS, text)?,
            Action::Compare if without_times(text) != without_times(&self.printed) => {
                return Err(format!("the block before it prints:\n{}", self.printed));
            }
            Action::Compare | Action::Skip | Action::Read => {}
        }
        Ok(())
    }
}

/// The pages in reading order, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    page::reading_order(|path| {
        let text = (!is_left_out(path)).then(|| std::fs::read_to_string(workspace_root().join(path)));
        text.and_then(Result::ok)
    })
}

/// Every page of the work tree.
fn all_pages() -> Vec<(PathBuf, String)> {
    let paths = clone::tracked_files().into_iter();
    let pages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), std::fs::read_to_string(workspace_root().join(path)).unwrap())).collect()
}

fn is_left_out(page: &Path) -> bool {
    LEFT_OUT.iter().any(|(left_out, _)| page == Path::new(left_out))
}

/// With one word in place of every time, which differs from run to run, and one space between words: a column is as wide as
/// its times.
fn without_times(text: &str) -> String {
    let word = |word: &str| if word.parse::<jiff::Timestamp>().is_ok() { "TIME" } else { word }.to_owned();
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Not captured: the list is in the log of every run.
fn print_lines(lines: &[Line], total: Duration) {
    let mut out = format!("\n{:>7}  {:<16} {:<34} first line\n", "seconds", "block", "page");
    for Line { page, block, elapsed } in lines {
        let place = format!("{}:{}", page.display(), block.line);
        let first = block.text.lines().next().unwrap_or_default().chars().take(80).collect::<String>();
        out += &format!("{:>7.2}  {:<16} {place:<34} {first}\n", elapsed.as_secs_f64(), block.kind);
    }
    out += &format!("{} blocks in {:.1} seconds\n", lines.len(), total.as_secs_f64());
    drop(std::io::stdout().write_all(out.as_bytes()));
}

#[test]
fn a_transcript_may_differ_in_times_only() {
    let at = |time: &str| without_times(&format!("1  applied  {time}\nend\n"));
    assert_eq!(at("2026-11-22T03:20:22.123456Z  2"), at("2025-01-01T00:00:00Z         2"));
    assert_ne!(at("2026-11-22T03:20:22Z"), at("never"));
}

#[test]
fn equations_of_the_day_hold_and_their_results_are_printed() {
    assert_eq!(value("10 × 150.25 − 2 × 1,000.00 + 0.02"), -49_748);
    let page = std::fs::read_to_string(workspace_root().join("docs/ledger.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("A day\n")).unwrap();
    let transcripts = page::blocks(section).into_iter().filter(|block| block.kind == "text transcript");
    let printed: String = transcripts.map(|block| block.text).collect();
    let printed: Vec<&str> = printed.split([' ', ',', '\n']).collect();
    let cells = section.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('|'));
    let equations: Vec<(&str, &str)> = cells.filter_map(|cell| cell.trim().split_once(" = ")).collect();
    assert_eq!(equations.len(), 12, "{equations:?}");
    for (sum, result) in equations {
        assert_eq!(value(sum), value(result), "{sum}");
        assert!(printed.contains(&&*result.replace(',', "")), "no command prints {result}");
    }
}

/// A sum of products such as `10 × 150.25 − 0.02`, in hundredths.
fn value(sum: &str) -> i64 {
    let hundredths = |number: &str| {
        let number = number.replace(',', "").replace('−', "-");
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, "00"));
        format!("{whole}{fraction}").parse::<i64>().unwrap()
    };
    let product = |term: &str| term.split(" × ").map(hundredths).reduce(|left, right| left * right / 100);
    sum.replace(" − ", " + −").split(" + ").filter_map(product).sum()
}
