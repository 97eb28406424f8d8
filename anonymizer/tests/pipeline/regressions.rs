//! Faults that other engines for private statistics have, or had, each as a test of ours that would fail had we the fault too.
//!
//! | fault elsewhere | test here |
//! |---|---|
//! | a cast that is not strict, a `cut` on NaN or a remainder by zero releases an exact count | `values` |
//! | a limit on the length of a list is charged half of what it costs | `limits::the_charge_covers_what_the_heaviest_person_really_changes` |
//! | a column redefined after rows were cut costs ten thousand times what is charged | `limits::rows_are_chosen_after_filters_and_masks_and_never_changed_again`, `limits::a_workload_cannot_compute_columns` |
//! | a limit of k groups keeps k - 1 of them, its default fails | `limits::a_limit_of_k_groups_keeps_k_groups`, `limits::a_limit_that_is_not_declared_is_refused_with_its_line` |
//! | a privacy filter reads data before it compares the price, and dies of a query too dear | `budgets::the_price_is_compared_before_records_are_read_and_refusals_kill_nothing` |
//! | texts of errors tell budgets, columns and values | `budgets::errors_tell_nothing_about_records_or_persons` |
//! | a budget for each analyst, so that several together have no bound | `budgets::askers_who_collude_share_one_budget` |
//! | a budget that refills with time | `budgets::no_budget_refills` |
//! | an answer takes longer for larger noise | `mechanism::tests` in the crate itself |

mod budgets;
mod limits;
mod order;
mod values;
