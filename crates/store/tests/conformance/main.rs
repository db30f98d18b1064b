//! What a store promises, held against both databases: every case runs on an SQLite file and on a Postgres cluster of its
//! own, which is started from the system's packages and must be there.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod cases;
mod stage;

#[path = "../../../../tests/harness/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "the starter is a part of the harness of other tests too")]
mod postgres;

/// Each case on each database.
macro_rules! on_both {
    ($($file:ident { $($case:ident),* $(,)? })*) => {
        mod sqlite {
            $(mod $file {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::cases::$file::$case(&crate::stage::Stage::sqlite()).await;
                })*
            })*
        }

        mod on_postgres {
            $(mod $file {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::cases::$file::$case(&crate::stage::Stage::postgres()).await;
                })*
            })*
        }
    };
}

on_both! {
    receiving {
        a_delivery_is_kept_as_it_was,
        a_thousand_racing_copies_are_one,
        a_copy_is_known_after_a_restart,
        one_bad_delivery_does_not_refuse_the_others,
        a_full_line_refuses_and_keeps_what_waits,
        a_cursor_is_kept_with_its_delivery,
        a_cursor_that_moves_is_recorded,
        closing_keeps_what_waits,
        two_stores_keep_one_copy,
    }
    working {
        work_is_leased_once,
        an_object_is_never_in_two_hands,
        work_is_finished_once,
        who_held_too_long_changes_nothing,
        what_fails_is_tried_later_and_then_given_up,
        work_that_outlives_every_lease_is_given_up,
        what_killed_its_workers_takes_no_other_work_with_it,
        what_is_given_back_has_lost_no_attempt,
        what_a_newer_program_received_is_left_to_it,
        two_stores_share_the_work,
        an_office_has_one_holder,
        who_takes_an_office_is_recorded_and_who_prolongs_it_is_not,
    }
    circle_keys {
        a_key_is_kept_as_it_was_told_last,
        the_key_told_longest_ago_gives_way,
        a_key_that_is_dropped_is_gone_and_both_are_recorded,
    }
    operating {
        lists_are_filtered_and_paged,
        a_replay_adds_work_and_changes_nothing_else,
        replays_at_once_ask_for_each_delivery_once,
        what_was_given_up_can_be_asked_for_again,
        what_was_given_up_and_is_replayed_is_given_up_no_more,
        redaction_keeps_the_hash_and_the_key,
        the_backlog_is_counted,
    }
    auditing {
        every_write_is_in_a_whole_chain,
        two_writers_cannot_fork_the_chain,
        a_changed_entry_is_found,
        a_cut_chain_is_found,
        an_entry_before_the_first_is_found,
        a_chain_that_was_wiped_is_not_begun_anew,
        nothing_is_written_without_a_head,
        an_entry_of_others_is_recorded,
    }
    opening {
        opening_twice_changes_nothing,
        a_newer_database_is_refused,
        a_step_that_was_changed_is_refused,
        a_step_that_fails_changes_nothing,
        who_may_not_migrate_leaves_another_database_as_it_is,
        two_processes_may_open_at_once,
        another_audit_key_is_refused,
    }
    racing {
        a_close_and_its_flows_are_of_one_moment,
        workers_of_two_processes_finish_everything_at_once,
        a_body_is_emptied_once_and_never_under_a_replay,
    }
}

mod files;
mod outages;
mod wire;
