//! The promises of a store, checked on both databases: every case runs on an SQLite file and on a Postgres cluster of its
//! own, most of them through PgBouncer too. Both are started from the system's packages and must be installed.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod cases;
mod fixture;

/// Each case on each of these databases.
macro_rules! cases {
    ($databases:tt: $($file:ident $cases:tt)*) => {
        $(mod $file {
            cases!(@file $file $databases $cases);
        })*
    };
    (@file $file:ident [$($database:ident),*] $cases:tt) => {
        $(mod $database {
            cases!(@database $file $database $cases);
        })*
    };
    (@database $file:ident $database:ident { $($case:ident),* $(,)? }) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            crate::cases::$file::$case(&crate::fixture::TestDatabase::$database()).await;
        })*
    };
}

cases! { [sqlite, postgres, pooled]:
    receiving {
        a_delivery_is_stored_as_received,
        a_thousand_racing_copies_are_one,
        a_copy_is_recognized_after_a_restart,
        other_content_of_a_known_id_is_stored_and_not_applied,
        a_refused_delivery_does_not_affect_the_others,
        a_full_queue_refuses_deliveries_and_stores_the_queued_ones,
        a_cursor_is_stored_with_its_delivery,
        a_cursor_that_moves_is_audited,
        closing_stores_queued_deliveries,
        two_stores_store_one_copy,
    }
    jobs {
        a_job_is_leased_once,
        a_resource_is_never_leased_to_two_workers,
        a_job_is_finished_once,
        an_expired_lease_changes_nothing,
        a_failed_job_is_retried_and_then_given_up,
        a_job_that_outlives_every_lease_is_given_up,
        a_job_that_kills_its_workers_affects_no_other,
        jobs_of_unknown_channels_are_left_to_a_newer_program,
        two_stores_share_the_jobs,
        a_leader_lease_has_one_owner,
        only_acquiring_a_leader_lease_is_audited,
    }
    statements {
        the_books_are_lines_of_a_statement,
        differences_are_reviews_until_a_run_finds_them_equal,
        reviews_of_states_and_undated_lines_are_resolved_once_they_are_known_to_be_equal,
    }
    operators {
        lists_are_filtered_and_paged,
        a_replay_adds_jobs_and_changes_nothing_else,
        a_replay_by_filter_leaves_out_conflicts,
        events_that_wait_for_a_person_are_reviews,
        an_event_that_a_journal_posted_is_replayed_only_by_id,
        concurrent_replays_replay_each_event_once,
        a_dead_letter_can_be_requeued,
        a_replayed_dead_letter_is_no_longer_dead,
        redaction_keeps_the_hash_and_the_key,
        the_backlog_is_counted,
    }
    audit_chain {
        every_write_is_in_a_whole_chain,
        two_writers_cannot_fork_the_chain,
        a_changed_entry_is_detected,
        a_truncated_chain_is_detected,
        an_entry_before_the_first_is_detected,
        a_deleted_chain_is_not_started_again,
        nothing_is_written_without_a_head,
        actions_outside_of_the_store_are_recorded,
    }
    api_keys {
        a_key_is_stored_as_it_was_created,
        a_rotated_key_has_one_successor_and_never_lives_longer,
        a_key_is_revoked_once,
        the_first_key_is_created_once_by_many_at_the_same_time,
        uses_are_added_and_the_last_one_counts,
        a_forged_key_is_recognized,
    }
    concurrency {
        a_snapshot_and_its_flows_are_of_one_moment,
        workers_of_two_processes_finish_everything_together,
        a_body_is_emptied_once_and_never_during_a_replay,
    }
}

// What opens a database or checks it as a whole does not differ behind a pooler.
cases! { [sqlite, postgres]:
    evidence {
        a_changed_event_is_never_posted,
        a_forged_fact_does_not_stand_for_a_reported_one,
        a_conflict_is_applied_only_by_a_replay,
        a_replayed_conflict_is_whole,
        a_dead_letter_and_a_replay_do_not_vanish,
        an_event_without_a_proof_is_believed_only_in_the_start_after_the_migration,
    }
    closing {
        a_day_is_closed_once_with_the_same_digest_on_both_databases,
        a_rebuild_settles_a_close_that_counted_a_forged_entry,
    }
    faults {
        the_faults_of_a_hostile_reading_are_mended,
    }
    mutations {
        every_mutation_is_named_and_mended,
        untouched_books_have_no_findings,
    }
    circle_keys {
        the_last_fetched_copy_of_a_key_is_stored,
        the_key_fetched_longest_ago_is_deleted,
        saving_and_deleting_a_key_are_audited,
    }
    opening {
        opening_twice_changes_nothing,
        a_newer_database_is_refused,
        a_changed_migration_is_refused,
        migrations_are_shown_before_they_are_applied,
        a_failed_migration_changes_nothing,
        a_database_is_not_changed_without_migrating,
        processes_may_open_at_once,
        another_audit_key_is_refused,
    }
    storage {
        a_database_that_lost_entries_is_not_used_until_it_is_accepted,
        the_database_of_another_is_refused,
        a_damaged_checkpoint_is_named_and_can_be_replaced,
    }
}

mod faulty_proxy;
mod pooler;
mod postgres_outages;
mod postgres_urls;
mod sqlite_file;
