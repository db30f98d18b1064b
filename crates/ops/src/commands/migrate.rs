//! `investiq migrate`: shows which migrations of the schema the database has, and applies those that are pending, as the server
//! does when it starts. It creates no SQLite file.

use serde::Serialize;
use store::{MigrationState, MigrationStatus, check_migrations, migration_status};

use crate::console::Console;
use crate::database::{failed, find_url};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq migrate --dry-run\n  investiq migrate")]
pub(crate) struct Arguments {
    /// Show the migrations, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Body {
    dry_run: bool,
    database: String,
    applied: usize,
    pending: usize,
    migrations: Vec<MigrationStatus>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let (config, _credentials, url) = find_url(console).await?;
    let (database, config) = (url.to_string(), config.store(url));
    let mut migrations = migration_status(&config).await.map_err(failed)?;
    let checked = check_migrations(&migrations);
    let mut applied = 0;
    if checked.is_ok() && !arguments.dry_run {
        applied = store::migrate(&config, console.now()).await.map_err(failed)?;
        migrations = migration_status(&config).await.map_err(failed)?;
    }
    let is_pending = |migration: &&MigrationStatus| migration.state == MigrationState::Pending;
    let pending = migrations.iter().filter(is_pending).count();
    let body = Body { dry_run: arguments.dry_run, database, applied, pending, migrations };
    arguments.output.print(console, "investiq.migrate.v1", &body, text)?;
    checked.map_err(failed)?;
    Ok(Exit::Success)
}

fn text(Body { dry_run, database, applied, pending, migrations }: &Body) -> String {
    let row = |MigrationStatus { version, name, state, applied_at }: &MigrationStatus| {
        let state = match state {
            MigrationState::Applied => "applied",
            MigrationState::Pending => "pending",
            MigrationState::Changed => "changed since it was applied",
            MigrationState::Unknown => "of a newer version",
        };
        let applied_at = applied_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        [version.to_string(), name.clone(), state.to_owned(), applied_at]
    };
    let rows: Vec<_> = migrations.iter().map(row).collect();
    let summary = match dry_run {
        true => format!("{database}: {pending} pending, nothing was changed"),
        false => format!("{database}: {applied} applied now, {pending} pending"),
    };
    format!("{}{summary}\n", table(["VERSION", "MIGRATION", "STATE", "APPLIED AT"], &rows))
}
