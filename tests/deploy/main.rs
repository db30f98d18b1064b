//! The container image, the Compose files and what runs from them, on a real engine.
//!
//! Tests run one after another, because they publish the same ports. Without an engine, those that need one are counted as
//! ignored. A test is a function and a line in the table `TESTS` of its module.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]
#![expect(clippy::print_stdout, reason = "what was measured stands beside the result of its test")]

mod development;
mod doctor;
mod edge;
mod host;
mod image;
mod outages;
mod policy;
mod rollout;
mod secret_files;

use std::process::ExitCode;
use std::time::Instant;

use libtest_mimic::{Arguments, Trial};
use tests::engine::Engine;

/// A test with its name.
type Test = (&'static str, Run);

enum Run {
    /// Needs no engine.
    Alone(fn()),
    /// Needs the packages of npm, which `tests/run` installs.
    Npm(fn()),
    Engine(fn(&Engine)),
}

const MODULES: &[&[Test]] = &[
    policy::TESTS,
    image::TESTS,
    secret_files::TESTS,
    development::TESTS,
    doctor::TESTS,
    edge::TESTS,
    rollout::TESTS,
    outages::TESTS,
];

fn main() -> ExitCode {
    // Several names select the tests that contain any of them, as in the other test binaries.
    let (options, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let mut arguments = Arguments::from_iter(std::iter::once(String::new()).chain(options));
    arguments.test_threads = arguments.test_threads.or(Some(1));
    let selected = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part.as_str()));
    let tests: Vec<&Test> = MODULES.iter().copied().flatten().filter(|(name, _)| selected(name)).collect();
    let count = tests.iter().filter(|(_, run)| matches!(run, Run::Engine(_))).count();
    let engine = if count == 0 || arguments.list { Err(String::new()) } else { Engine::enter() };
    if let Err(reason) = &engine
        && !reason.is_empty()
    {
        println!("{count} tests are skipped, because no container engine can start: {reason}");
    }
    let trials = tests.into_iter().map(|(name, run)| match (run, engine.clone()) {
        (Run::Alone(test), _) => trial(name, *test),
        (Run::Npm(test), _) => {
            let is_installed = tests::workspace_root().join("target/dclint/.lock").exists();
            trial(name, *test).with_ignored_flag(!is_installed)
        }
        (Run::Engine(test), Ok(engine)) => trial(name, move || test(&engine)),
        (Run::Engine(_), Err(_)) => trial(name, || ()).with_ignored_flag(true),
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial(name: &'static str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let started = Instant::now();
        test();
        println!("{name}: {:.0?}", started.elapsed());
        Ok(())
    })
}
