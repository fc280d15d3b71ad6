"""Defects that are planted in the documents' scripts, to see that the tests find them."""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLE = "PLANTED_DEFECT"
"""The name of the defect with which this run's documents are read."""


@dataclass(frozen=True)
class Defect:
    """A piece of a document, what stands there instead, and the test that has to fail by it."""

    document: str
    text: str
    instead: str
    found_by: str


AFTER_A_POWER_CUT = "test_durability.py::test_after_a_power_cut_at_any_point_of_a_swap_the_standby_holds_one_whole_set"
DEFECTS = {
    "import-confirmed-by-an-earlier-run": Defect(
        "prepare-host", "imported_at=$(uptime_now)", "imported_at=0.00",
        "test_importing.py::test_a_run_that_began_before_the_end_of_the_import_confirms_nothing",
    ),
    "import-confirmed-without-software": Defect(
        "replicate", '[ "$replicate_software" = no ] || software_as_of=$started', "software_as_of=$started",
        "test_importing.py::test_a_run_that_carries_no_software_confirms_none",
    ),
    "set-not-synced": Defect(
        "install-receiver", 'sync -f "$place/staging"', "true",
        f"{AFTER_A_POWER_CUT}[one file system]",
    ),
    "record-not-synced": Defect(
        "install-receiver", 'sync "$state/swap.new" "$state/received.json.new" && mv -f', "mv -f",
        f"{AFTER_A_POWER_CUT}[one file system]",
    ),
    "swap-not-finished-at-start": Defect(
        "start", '"$state/bin/receive" --finish-swap 8>&- 9>&- ||', "true ||",
        "test_swapping.py::test_a_swap_that_broke_off_is_finished_before_the_server_starts",
    ),
    "not-put-back": Defect(
        "install-receiver", 'bring_back "$inode" "$staging" "$directory" || stuck=$directory', "true",
        "test_borders.py::test_a_swap_that_cannot_be_made_after_all_is_put_back",
    ),
    "mounts-not-checked": Defect(
        "install-receiver", '! mount_at_or_below "$path" || trouble="$(short "$mounted") is a', 'true || trouble="',
        "test_borders.py::test_what_is_mounted_in_the_way_is_refused_by_name_and_never_emptied",
    ),
    "what-lies-there-not-compared": Defect(
        "install-receiver", '2>/dev/null && cmp -s "$place/now.$$" "$place/held-$2"', "2>/dev/null",
        "test_verifying.py::test_drift_is_listed_by_file_with_what_differs_and_the_next_run_repairs_it",
    ),
    "marker-not-asked": Defect(
        "install-receiver", '[[ $marker == *"\\"$1\\": \\"${2:0:32}"* ]] &&', "true &&",
        "test_whole.py::test_a_standby_that_lost_its_marker_is_sent_everything_anew",
    ),
    "source-not-read-again": Defect(
        "replicate", 'if ! cmp -s "$place/now" "$place/after"; then', "if false; then",
        "test_whole.py::test_a_source_that_changes_during_the_copy_counts_as_failed",
    ),
    "vanished-files-are-well": Defect(
        "replicate", '24) end_run failed "source changed', '24) : "source changed',
        "test_whole.py::test_rsyncs_partial_successes_are_failures[24]",
    ),
    "emptied": Defect(
        "install-receiver", '''| grep -czv '^d' || true)" -eq 0 ]''', '''| grep -czv '^d' || true)" -lt 0 ]''',
        "test_refusals.py::test_an_empty_source_never_empties_the_standby",
    ),
    "one-token-for-all": Defect(
        "install-receiver", "token=${token//-/}", "token=00000000000000000000000000000000",
        "test_set_back.py::test_a_standby_whose_disk_is_set_back_gets_contents_of_equal_size_and_time[sets alone]",
    ),
    "late-changes-not-told-apart": Defect(
        "prepare-host", "%C@-after-$2", "after-$2",
        "test_during.py::test_a_file_that_is_rewritten_all_the_time_with_its_size_and_time_is_no_part_of_a_set",
    ),
    "whole-seconds-not-seen": Defect(
        "prepare-host", '-o -newerct "@$((second - 1)).999999999" ! -newerct "@$second"', "",
        "test_set_back.py::"
        "test_what_changed_in_the_second_of_a_list_counts_as_changed_again_where_a_clock_ticks_so[ms1]",
    ),
    "remains-through-a-link": Defect(
        "replicate", '[ ! -L "$way" ] ||', "true ||",
        "test_in_the_way.py::test_the_active_host_removes_no_remains_through_a_link",
    ),
    "given-back-through-a-link": Defect(
        "prepare-host", '[ ! -L "${path%/*}/.ms-failover" ] ||', "true ||",
        "test_in_the_way.py::test_giving_a_host_back_removes_nothing_through_a_link",
    ),
    "given-back-beside-a-swap": Defect(
        "prepare-host", '"$state/bin/end-sessions" 8>&-', "true",
        "test_in_the_way.py::test_giving_a_host_back_during_a_swap_leaves_it_one_whole_set",
    ),
    "mounts-not-checked-at-the-mirror": Defect(
        "install-receiver", 'if mount_at_or_below "$1"; then trouble="something', 'if false; then trouble="something',
        "test_in_the_way.py::test_what_is_mounted_between_the_last_check_and_the_swap_is_not_emptied",
    ),
    "mounts-not-checked-before-the-commit": Defect(
        "replicate", 'for directory in "${watched[@]}"; do check_mounts "$directory"; done', "true",
        "test_in_the_way.py::"
        "test_what_is_mounted_over_a_part_of_the_source_during_a_run_does_not_pass_for_the_set",
    ),
    "moved-where-it-is-copied": Defect(
        "install-receiver", '[ "$code" -ne 18 ] || return', "true",
        "test_borders.py::test_where_a_directory_could_only_be_copied_nothing_is_moved_aside",
    ),
    "names-of-the-other-host-not-counted": Defect(
        "replicate", '[ -e "$place/last" ] || check_share', "true || check_share",
        "test_direction.py::test_a_server_that_took_over_without_the_files_does_not_take_them_from_the_other_one",
    ),
    "attributes-left": Defect(
        "install-receiver", 'has_no_attributes "$1" "$2" && attributes=no', "attributes=no",
        "test_between.py::test_like_other_suites[an_attribute_that_a_directory_lost_is_gone_on_the_standby]",
    ),
    "place-not-held": Defect(
        "install-receiver", '"$transfer/incoming" "$jail/tree/incoming"', '"$transfer" "$jail/tree"',
        "test_authority.py::test_an_rsync_that_puts_a_link_in_the_place_where_it_writes_leads_nobody_elsewhere",
    ),
    "connection-held-for-ever": Defect(
        "prepare-host", '-mmin +15 2>/dev/null', "-mmin +99999 2>/dev/null",
        "test_key.py::"
        "test_a_connection_that_is_held_is_made_anew_after_a_quarter_of_an_hour_though_it_is_never_idle",
    ),
    "connection-to-another-host": Defect(
        "prepare-host", 'cmp -s "$state/receiver.conf.new" "$state/receiver.conf" || end_channel', "true",
        "test_key.py::"
        "test_a_connection_that_is_held_leads_to_nobody_else_once_the_host_is_prepared_for_another_address",
    ),
    "resumed-for-good": Defect(
        "replicate", '[ -n "${resumed[$directory]}" ] || end_run', "end_run",
        "test_resumed.py::"
        "test_names_that_were_one_file_when_a_first_copy_broke_off_and_are_two_now_arrive_as_two",
    ),
    "impatient": Defect(
        "replicate", '*" --checksum "*) quiet=$limit ;;', '*" --checksum "*) ;;',
        "test_resumed.py::"
        "test_a_file_that_takes_longer_to_read_than_a_connection_may_be_silent_is_compared",
    ),
    "one-place-for-two": Defect(
        "replicate", "place=${1#/} place=${place//_/+}", "place=${1#/}",
        "test_places.py::test_directories_whose_names_differ_by_what_separates_them_only_are_two",
    ),
    "keys-lost": Defect(
        "prepare-host", '|| [ $? -eq 1 ]; }', "|| true; }",
        "test_preparing.py::test_a_full_disk_costs_nobody_elses_key",
    ),
    "record-left": Defect(
        "install-receiver", '"$state/swap.new" "$state/swap" "$state/received.json.new" #',
        '"$state/swap.new" "$state/received.json.new" #',
        "test_swap_fails.py::test_a_record_that_is_not_sure_to_be_on_the_disk_is_none",
    ),
    "marker-not-tried": Defect(
        "install-receiver", 'chmod --reference="$marker" "$marker" 2>/dev/null ||', "true ||",
        "test_swap_fails.py::test_a_marker_that_can_not_be_replaced_keeps_the_set_that_it_is_of[i]",
    ),
    "claimed-unsynced": Defect(
        "install-receiver", "2>/dev/null || unsure=${directory%/*}", "2>/dev/null || true",
        "test_swap_fails.py::test_an_exchange_that_is_not_sure_to_be_on_the_disk_is_claimed_of_no_set",
    ),
    "named-by-a-record-and-cleared-away": Defect(
        "replicate", "          finish_what_was_received\n          drop", "          drop",
        "test_swap_fails.py::test_the_active_host_clears_nothing_away_that_the_record_of_a_swap_names",
    ),
    "unread-is-equal": Defect(
        "verify-replication", "              unread here\n              unread there\n", "",
        "test_words.py::test_a_file_that_neither_host_can_read_is_not_called_equal",
    ),
    "taken-twice": Defect(
        "install-receiver", '[ "${#swapped[@]}" -eq 0 ] || refuse', "true || refuse",
        "test_session.py::test_a_set_that_is_complete_is_not_taken_twice",
    ),
    "moments-unread": Defect(
        "install-receiver", 'is_moment() { [[ $1 =~', 'is_moment() { [[ 1 =~',
        "test_session.py::"
        "test_a_set_of_no_moment_is_not_taken_and_the_standby_goes_on_saying_what_it_holds[1.2.3 4]",
    ),
    "any-marker": Defect(
        "status", 'is_marker "$replica" || replica=null', '[ -n "$replica" ] || replica=null',
        "test_session.py::test_a_marker_that_is_invalid_says_nothing_and_spoils_nothing_else[damaged]",
    ),
    "refused-with-the-state-locked": Defect(
        "install-receiver", "            said=yes\n            exec 8>&-\n", "            said=yes\n",
        "test_session.py::test_a_refusal_that_nobody_reads_holds_no_promotion_up[hello 2 0 60]",
    ),
    "any-option": Defect(
        "install-receiver", 'refuse "rsync\'s option $word is not allowed"', "true",
        "test_key.py::test_a_transfer_takes_no_options_but_the_senders",
    ),
}  # fmt: skip


def planted(name: str, text: str) -> str:
    """A document's text with the defect of this run in it, if it is this document's.

    Raises:
        ValueError: the piece is not there, or more than once: the defect is out of date.
    """
    defect = DEFECTS.get(os.environ.get(VARIABLE, ""))
    if defect is None or defect.document != name:
        return text
    if text.count(defect.text) != 1:
        raise ValueError(f"{name}.yaml has {text.count(defect.text)} times: {defect.text}")
    return text.replace(defect.text, defect.instead)
