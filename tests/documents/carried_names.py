"""Names of every kind, and what becomes of names: renamed, moved, deleted, taken by something else."""

from __future__ import annotations

import os
import shutil

from tests.documents.behaviours import Folder, Steps, Table

names = Table()


@names("csync2: long-and-strange-file-names")
def names_of_255_bytes_arrive_and_go(folder: Folder) -> Steps:
    folder.write("n" * 255)
    folder.write("d" * 255 + "/" + "f" * 255)
    folder.write(("blanks at the end: \u00e4\u263a\\'\"".ljust(240)).encode())
    yield
    shutil.rmtree(folder.here / ("d" * 255))
    folder.write("m" * 255)
    yield
    assert not (folder.there / ("d" * 255)).exists()


@names("rsync: deep-path, longdir")
def a_path_of_3000_bytes_is_carried_and_changed(folder: Folder) -> Steps:
    deep = "/".join(["deep" * 25] * 30)
    folder.write(f"{deep}/file")
    yield
    folder.write(f"{deep}/file", "changed")
    yield
    assert (folder.there / deep / "file").read_text() == "changed"
    shutil.rmtree(folder.here / ("deep" * 25))
    yield
    assert folder.names_there() == set()


@names("rsync: hardlinks-deep, metadata-depth")
def a_tree_200_folders_deep_is_carried(folder: Folder) -> Steps:
    folder.write("/".join("d" * 200) + "/file")
    yield
    folder.write("/".join("d" * 199) + "/other")
    yield
    assert len(folder.names_there()) == 202


@names("rsync: log-control-chars, remote-shell-newline-escaping")
def control_characters_in_names_are_kept(folder: Folder) -> Steps:
    for name in (b"a\nb", b"a", b"b", b"\n", b"a\rb", b"\t", b"\x1b[2J", b"\x7f", b"end\n", b"end"):
        folder.write(name, name)
    yield
    (folder.here / "a\nb").unlink()
    folder.write(b"\n", "changed")
    yield
    assert (folder.there / "a").read_text() == "a"
    assert (folder.there / "\n").read_text() == "changed"
    assert not (folder.there / "a\nb").exists()


@names("rsync: safe-arg-leak")
def names_that_look_like_options_are_names(folder: Folder) -> Steps:
    for name in ("-rf", "--delete", "--remove-source-files", "-", "--", "-e/-o"):
        folder.write(name)
    yield
    folder.write("--delete", "changed")
    (folder.here / "--").unlink()
    yield
    assert folder.names_there() == {"-rf", "--delete", "--remove-source-files", "-", "-e", "-e/-o"}


@names("rsync: wildmatch, iwildmatch-fold")
def a_pattern_as_a_name_takes_nothing_with_it(folder: Folder) -> Steps:
    for name in ("*", "a", "b", "[ab]", "?", "{a,b}", "**", "a*"):
        folder.write(name)
    yield
    for name in ("*", "[ab]", "?", "**", "{a,b}"):
        (folder.here / name).unlink()
    yield
    assert folder.names_there() == {"a", "b", "a*"}


@names("rsync: exclude-implied-trailing-backslash")
def backslashes_in_names_are_kept(folder: Folder) -> Steps:
    for name in ("end\\", "\\", "a\\b", "\\#012", "\\n", "\\*", "double\\\\end\\\\"):
        folder.write(name)
    yield
    folder.write("end\\", "changed")
    (folder.here / "\\*").unlink()
    yield
    assert "\\#012" in folder.names_there()


@names("rsync: filter-depth, merge")
def names_that_look_like_filter_rules_are_names(folder: Folder) -> Steps:
    for name in ("- *", "+ a", "!", ": .rules", ". rules", "#comment", ";comment", "P keep", "a"):
        folder.write(name)
    yield
    folder.write("#comment", "changed")
    folder.write(";comment", "changed")
    (folder.here / "!").unlink()
    yield
    assert len(folder.names_there()) == 8


@names("rsync: cvs-exclude, filter-merge-content-echo; lsyncd: filter-rsync")
def files_with_filter_rules_of_other_programs_leave_nothing_out(folder: Folder) -> Steps:
    for name in (".rsync-filter", ".cvsignore", ".gitignore", ".lsyncdignore"):
        folder.write(f"{name}", "*\n- *\n")
    for name in ("core", "x.o", "x~", "#x#", ".git/HEAD", "CVS/Root", "x.bak"):
        folder.write(name)
    yield
    folder.write("x.o", "changed")
    yield
    assert (folder.there / "x.o").read_text() == "changed"
    assert {"core", "x~", ".git/HEAD", "CVS/Root"} <= folder.names_there()


@names("csync2: long-and-strange-file-names (no text)")
def bytes_that_are_no_text_are_names(folder: Folder) -> Steps:
    for name in (b"\xff\xfe", b"\xc3", b"\xc3\xa9", b"\xe9", b"\xf0\x9f\x92\xa9"):
        folder.write(name, name)
    yield
    folder.write(b"\xc3", "changed")
    (folder.here / os.fsdecode(b"\xe9")).unlink()
    yield
    assert (folder.there / os.fsdecode(b"\xff\xfe")).read_bytes() == b"\xff\xfe"


@names("csync2: long-and-strange-file-names (umlauts)")
def two_spellings_of_one_letter_are_two_names(folder: Folder) -> Steps:
    folder.write("\u00e9", "composed")
    folder.write("e\u0301", "decomposed")
    yield
    (folder.here / "\u00e9").unlink()
    yield
    assert folder.names_there() == {"e\u0301"}


@names("csync2: case-compare")
def names_that_differ_by_case_are_two_and_a_rename_by_case_is_carried(folder: Folder) -> Steps:
    folder.write("Name", "1")
    folder.write("name", "2")
    folder.write("Dir/File")
    yield
    (folder.here / "Dir").rename(folder.here / "dir")
    (folder.here / "Name").rename(folder.here / "NAME")
    yield
    assert folder.names_there() == {"NAME", "name", "dir", "dir/File"}


@names("rsync: temp-dir, delay-updates; lsyncd: exclude-rsync")
def names_as_temporary_files_have_them_are_ordinary(folder: Folder) -> Steps:
    for name in (".file.Ab12Cd", ".~tmp~/file", ".rsync-partial/file", "file.part", ".file.swp", ".nfs0001", "file"):
        folder.write(name)
    yield
    folder.write("file", "changed")
    folder.write(".file.Ab12Cd", "changed")
    yield
    assert (folder.there / ".file.Ab12Cd").read_text() == "changed"


@names("rsync: partial-dir-abs-delta")
def names_of_the_staging_area_are_ordinary_inside_the_set(folder: Folder) -> Steps:
    for name in ("staging/a", "staging.old/a", "mirror-1/a", "partial-1/a", ".ms-failover/cds/a", "names"):
        folder.write(name)
    yield
    (folder.here / "staging/a").unlink()
    folder.write("mirror-1/a", "changed")
    yield
    assert (folder.there / ".ms-failover/cds/a").exists()


@names("rsync: daemon-access, relative")
def names_that_look_like_hosts_or_addresses_are_names(folder: Folder) -> Steps:
    for name in ("host:file", "rsync:", "rsync::/host/module", "user@host:", "[::1]:file", "host::module"):
        folder.write(name)
    yield
    folder.write("host::module", "changed")
    yield
    assert (folder.there / "host::module").read_text() == "changed"


@names("rsync: connect-prog-host-quoting, ki58-log-format-percent")
def what_a_shell_or_a_format_would_read_is_a_name(folder: Folder) -> Steps:
    for name in ("$(touch ran)", "`touch ran`", "; touch ran", "'\"", "$HOME", "~", "%n%s%%", "&", "|", "a b  c", "\\"):
        folder.write(name)
    yield
    folder.write("$(touch ran)", "changed")
    (folder.here / "`touch ran`").unlink()
    yield
    assert "ran" not in folder.names_there()


@names("rsync: trimslash, clean-fname-collapse")
def names_of_dots_and_blanks_are_kept(folder: Folder) -> Steps:
    for name in ("...", "..a", ".a", " ", "  ", " .", ". ", "a ", " a", "dir/.../..x"):
        folder.write(name)
    yield
    (folder.here / " ").unlink()
    folder.write("...", "changed")
    yield
    assert "  " in folder.names_there()


@names("rsync: delete, delete-deep; csync2: basic")
def what_is_deleted_goes_and_nothing_else(folder: Folder) -> Steps:
    for name in ("a", "b", "dir/a", "dir/b", "dir/sub/a", "tree/1/2/3/4/a"):
        folder.write(name)
    (folder.here / "kept").mkdir()
    yield
    for name in ("a", "dir/a"):
        (folder.here / name).unlink()
    shutil.rmtree(folder.here / "tree")
    yield
    assert folder.names_there() == {"b", "dir", "dir/b", "dir/sub", "dir/sub/a", "kept"}
    shutil.rmtree(folder.here / "dir")
    yield
    assert folder.names_there() == {"b", "kept"}


@names("lsyncd: directorymv; unison: moves/renames 1 (plain)")
def a_renamed_directory_is_found_by_its_new_name_only(folder: Folder) -> Steps:
    folder.write("old/sub/file")
    folder.write("old/other")
    yield
    (folder.here / "old").rename(folder.here / "new")
    yield
    assert folder.names_there() == {"new", "new/sub", "new/sub/file", "new/other"}
    folder.write("new/sub/file", "changed after the move")
    (folder.here / "new").rename(folder.here / "old")
    yield
    assert (folder.there / "old/sub/file").read_text() == "changed after the move"


@names("lsyncd: directorycpr")
def a_tree_that_was_copied_with_its_times_is_two_trees(folder: Folder) -> Steps:
    for name in ("tree/a", "tree/sub/b", "tree/sub/c"):
        folder.write(name, name)
    yield
    shutil.copytree(folder.here / "tree", folder.here / "copy")
    yield
    folder.write("copy/a", "another")
    yield
    assert (folder.there / "tree/a").read_text() == "tree/a"
    assert (folder.there / "copy/a").read_text() == "another"


@names("unison: moves/renames 1 (plain)")
def a_file_moves_between_directories_and_a_directory_into_another(folder: Folder) -> Steps:
    folder.write("a/file", "moves")
    folder.write("b/other")
    folder.write("c/inner/file")
    yield
    (folder.here / "a/file").rename(folder.here / "b/file")
    (folder.here / "c").rename(folder.here / "b/c")
    yield
    assert folder.names_there() == {"a", "b", "b/other", "b/file", "b/c", "b/c/inner", "b/c/inner/file"}


@names("unison: moves/renames 3 (overwriting)")
def a_file_that_is_renamed_over_another_takes_its_place(folder: Folder) -> Steps:
    folder.write("winner", "new!")
    loser = folder.write("loser", "old!")
    os.utime(folder.here / "winner", ns=(loser.stat().st_atime_ns, loser.stat().st_mtime_ns))
    yield
    (folder.here / "winner").rename(loser)
    yield
    assert folder.names_there() == {"loser"}
    assert (folder.there / "loser").read_text() == "new!"


@names("unison: moves/renames 1 (multiple)")
def names_can_be_handed_on_in_a_row(folder: Folder) -> Steps:
    for name in ("a", "b", "c"):
        path = folder.write(name, name)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    yield
    (folder.here / "c").unlink()
    (folder.here / "b").rename(folder.here / "c")
    (folder.here / "a").rename(folder.here / "b")
    yield
    assert (folder.there / "c").read_text() == "b"
    assert (folder.there / "b").read_text() == "a"


@names("unison: moves/renames 1 (directories)")
def two_directories_can_swap_their_names(folder: Folder) -> Steps:
    for name in ("one", "two"):
        path = folder.write(f"{name}/file", name)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        os.utime(path.parent, (1_000_000_000, 1_000_000_000))
    yield
    (folder.here / "one").rename(folder.here / "three")
    (folder.here / "two").rename(folder.here / "one")
    (folder.here / "three").rename(folder.here / "two")
    yield
    assert (folder.there / "one/file").read_text() == "two"


@names("rsync: hands; lsyncd: churn-rsync")
def thousands_of_files_come_and_half_of_them_go(folder: Folder) -> Steps:
    for number in range(2000):
        folder.write(f"{number % 7}/{number}", str(number))
    yield
    for number in range(0, 2000, 2):
        (folder.here / f"{number % 7}/{number}").unlink()
    yield
    assert sum(path.is_file() for path in folder.there.rglob("*")) == 1000


@names("rsync: misc-coverage (delete-delay)")
def hundreds_of_long_names_go_in_one_run(folder: Folder) -> Steps:
    for number in range(600):
        folder.write(f"{number % 3}/{number:04}" + "n" * 240)
    yield
    shutil.rmtree(folder.here / "0")
    for number in range(1, 600, 3):
        (folder.here / f"1/{number:04}{'n' * 240}").unlink()
    yield
    assert len(folder.names_there()) == 202


@names("lsyncd: exclude-rsync, filter-rsync")
def a_tree_that_was_emptied_can_be_written_again(folder: Folder) -> Steps:
    tree = ("abc", "abx/a", "acx/x", "baa")
    for name in tree:
        folder.write(name, name)
    yield
    for path in folder.here.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    yield
    assert folder.names_there() == set()
    for name in tree:
        folder.write(name, name)
    yield
    assert (folder.there / "abx/a").read_text() == "abx/a"
