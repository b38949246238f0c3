"""Which files are looked at: in git work trees, elsewhere, where git is in trouble; and what git is asked."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cases import lines_run
from hypothesis import given, settings
from hypothesis import strategies as st

from ssot_fix.project.discovery import Discovery, UsageError, discover
from ssot_fix.project.git import GitError, run_git, toplevel, uncommitted

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes for a name")
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such thing")


@pytest.fixture(autouse=True)
def _git_without_the_users_settings(monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        '[user]\nname = Test\nemail = test@example.invalid\n[protocol "file"]\nallow = always\n'
        "[init]\ndefaultBranch = main\n[core]\nautocrlf = false\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def git(folder, *args):
    done = subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


def write(root, *paths, text="x = 1\n"):
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, newline="")


def ignore(root, text, folder="."):
    write(root, f"{folder}/.gitignore", text=text)


def link(place, target):
    try:
        place.symlink_to(target, target_is_directory=Path(place.parent, target).is_dir())
    except OSError as error:  # Windows without developer mode
        pytest.skip(f"links can't be made here: {error}")


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init")
    return root


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "plain"
    root.mkdir()
    return root


@pytest.fixture(params=["repository", "folder"])
def project(request):
    """A root of either kind: what holds for it holds for git's list and for the walk."""
    return request.getfixturevalue(request.param)


def commit(root):
    git(root, "add", "--all")
    git(root, "commit", "--message", "all")


class TestBothWays:
    def test_python_files_in_the_order_of_their_bytes(self, project):
        write(
            project,
            "b.py",
            "a/z.py",
            "a-b.py",
            "a.pyw",
            "B.py",
            "é.py",
            "\ue000.py",
            "\U0001f40d.py",
            "c.txt",
            "d.pyc",
        )
        assert discover(project).files == (
            *("B.py", "a-b.py", "a.pyw", "a/z.py", "b.py", "é.py"),
            *("\ue000.py", "\U0001f40d.py"),
        )

    def test_nothing_to_find(self, project):
        assert discover(project).files == ()
        assert discover(project).notes == ()

    def test_ignored_files(self, project):
        ignore(project, "/build/\n*_pb2.py\n!keep_pb2.py\n")
        write(project, "a.py", "build/b.py", "x/build/c.py", "x/d_pb2.py", "x/keep_pb2.py")
        assert discover(project).files == ("a.py", "x/build/c.py", "x/keep_pb2.py")

    def test_nested_gitignore_with_negation(self, project):
        ignore(project, "*.py\n!kept.py\n")
        ignore(project, "!*.py\nkept.py\n/deep/no.py\n", folder="inner")
        write(project, "a.py", "kept.py", "inner/a.py", "inner/kept.py", "inner/deep/no.py", "inner/deep/yes.py")
        assert discover(project).files == ("inner/a.py", "inner/deep/yes.py", "kept.py")

    def test_nothing_is_taken_back_from_an_ignored_folder(self, project):
        ignore(project, "build/\n!build/a.py\n")
        ignore(project, "!*\n", folder="build")
        write(project, "build/a.py", "b.py")
        assert discover(project).files == ("b.py",)

    def test_gitignore_with_windows_line_ends(self, project):
        ignore(project, "out/\r\na.py\r\n")
        write(project, "a.py", "b.py", "out/c.py")
        assert discover(project).files == ("b.py",)

    def test_gitignore_that_is_a_link_or_a_folder_is_passed_over(self, project):
        write(project, "patterns", text="a.py\n")
        link(project / ".gitignore", "patterns")
        (project / "x/.gitignore").mkdir(parents=True)
        write(project, "a.py", "x/a.py")
        assert "x/a.py" in discover(project).files

    def test_links_are_not_followed(self, project):
        write(project, "a/b.py")
        link(project / "again", "a")
        link(project / "loop.py", "loop.py")
        link(project / "a/up", "..")
        link(project / "a/c.py", "b.py")
        link(project / "gone.py", "nowhere.py")
        assert discover(project).files == ("a/b.py",)

    def test_virtual_environments(self, project):
        write(project, "env/pyvenv.cfg", "env/lib/site.py", "environment/a.py")
        assert discover(project).files == ("environment/a.py",)

    def test_a_project_that_is_a_virtual_environment_itself(self, project):
        write(project, "pyvenv.cfg", "a.py")
        assert discover(project).files == ("a.py",)

    def test_exclude(self, project):
        write(project, "a.py", "gen/b.py", "x/gen/c.py", "x/d_pb2.py")
        assert discover(project, exclude=["/gen/", "*_pb2.py"]).files == ("a.py", "x/gen/c.py")

    def test_a_bad_pattern(self, project):
        with pytest.raises(ValueError, match=r"`\[a` is not"):
            discover(project, exclude=["[a"])

    @posix_only
    def test_a_named_pipe_is_no_file(self, project):
        os.mkfifo(project / "pipe.py")
        write(project, "a.py")
        assert discover(project).files == ("a.py",)

    @posix_only
    def test_weird_names(self, project):
        names = (
            "-rf.py",
            "a\nb.py",
            "a b.py",
            "a\\b.py",
            'quote".py',
            "quote'.py",
            "tab\t.py",
            ":(top)x.py",
            "*.py",
        )
        write(project, *names, "new\nline/x.py")
        assert sorted(discover(project).files) == sorted([*names, "new\nline/x.py"])

    @linux_only
    def test_undecodable_names(self, project):
        name = os.fsdecode(b"caf\xe9/\xff.py")
        write(project, name, "z.py")
        assert discover(project).files == (name, "z.py")
        assert discover(project, [project / name]).files == (name,)
        ignore(project, "")
        (project / ".gitignore").write_bytes(b"caf\xe9/\n")
        assert discover(project).files == ("z.py",)

    @linux_only
    def test_a_folder_that_cannot_be_read_is_a_note_and_the_rest_goes_on(self, project):
        write(project, "a.py")
        nest(project, "d" * 200, 22, "b.py")
        found = discover(project)
        assert found.files == ("a.py",)
        assert len(found.notes) == 1
        assert "d" * 200 in found.notes[0]

    @linux_only
    def test_a_very_deep_tree(self, project):
        try:
            nest(project, "d", 1500, "a.py")
            assert len(discover(project, exclude=["x.py"]).files) == 1
        finally:
            subprocess.run(["rm", "-rf", project / "d"], check=True)  # shutil.rmtree would recurse


def nest(root, name, depth, *files):
    """Make `depth` folders, one in the other, with `files` in the last; paths may be longer than PATH_MAX."""
    current = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=current)
        outer, current = current, os.open(name, os.O_RDONLY, dir_fd=current)
        os.close(outer)
    for file in files:
        os.close(os.open(file, os.O_CREAT, dir_fd=current))
    os.close(current)


class TestPaths:
    def test_folders_and_files(self, project, monkeypatch):
        write(project, "a/x.py", "a/b/y.py", "ab/z.py", "c.py")
        monkeypatch.chdir(project)
        assert discover(project, ["a"]).files == ("a/b/y.py", "a/x.py")
        assert discover(project, ["a/", "a/x.py", "./c.py"]).files == ("a/b/y.py", "a/x.py", "c.py")
        assert discover(project, ["."]).files == discover(project).files
        monkeypatch.chdir(project / "a")
        assert discover(project, ["b", "../c.py"]).files == ("a/b/y.py", "c.py")
        assert discover(project, [".."]).files == discover(project).files

    def test_absolute_paths(self, project):
        write(project, "a/x.py", "c.py")
        assert discover(project, [project / "a"]).files == ("a/x.py",)
        assert discover(project, [str(project / "c.py")]).files == ("c.py",)
        assert discover(project, [project]).files == ("a/x.py", "c.py")

    def test_a_named_file_is_taken_whatever_else_is_said(self, project):
        ignore(project, "build/\n")
        write(project, "build/a.py", "script", "excluded.py")
        named = [project / name for name in ("build/a.py", "script", "excluded.py")]
        assert discover(project, named, exclude=["excluded.py"]).files == (
            "build/a.py",
            "excluded.py",
            "script",
        )

    def test_a_named_folder_holds_what_is_listed_there(self, project):
        ignore(project, "a/no.py\nbuild/\n")
        write(project, "a/no.py", "a/yes.py", "build/b.py")
        found = discover(project, [project / "a", project / "build"])
        assert found.files == ("a/yes.py",)
        assert found.notes == ("build/: no Python file here that is not ignored or excluded",)

    def test_nothing_there(self, project):
        with pytest.raises(UsageError, match=r"nowhere\.py: No such file or directory|cannot find"):
            discover(project, [project / "nowhere.py"])

    def test_outside_the_project(self, project, tmp_path):
        write(tmp_path, "plain-2/a.py")
        for path in (tmp_path / "plain-2/a.py", tmp_path, project / "../plain-2"):
            with pytest.raises(UsageError, match="lies outside the project at"):
                discover(project, [path])

    def test_a_link_that_leads_outside(self, project, tmp_path):
        write(tmp_path, "other/a.py")
        link(project / "way_out.py", tmp_path / "other/a.py")
        link(project / "out", tmp_path / "other")
        for path in ("way_out.py", "out", "out/a.py"):
            with pytest.raises(UsageError, match="a symbolic link that leads outside the project"):
                discover(project, [project / path])

    def test_a_link_inside_stands_for_what_it_leads_to(self, project):
        write(project, "a/b.py")
        link(project / "link.py", "a/b.py")
        link(project / "folder", "a")
        assert discover(project, [project / "link.py"]).files == ("a/b.py",)
        assert discover(project, [project / "folder"]).files == ("a/b.py",)

    def test_a_root_that_is_reached_through_a_link(self, project, tmp_path):
        write(project, "a/b.py")
        link(tmp_path / "way_in", project)
        assert discover(tmp_path / "way_in", [project / "a"]).files == ("a/b.py",)
        assert discover(project, [tmp_path / "way_in/a/b.py"]).files == ("a/b.py",)
        assert discover(tmp_path / "way_in").files == ("a/b.py",)

    def test_a_link_that_leads_back_to_itself(self, project):
        link(project / "loop", "loop")
        with pytest.raises(UsageError, match="loop"):
            discover(project, [project / "loop"])

    @posix_only
    def test_neither_a_file_nor_a_folder(self, project):
        os.mkfifo(project / "pipe.py")
        with pytest.raises(UsageError, match="neither a file nor a folder"):
            discover(project, [project / "pipe.py"])

    def test_a_nul_character(self, project):
        with pytest.raises(UsageError, match="NUL"):
            discover(project, ["a\0b.py"])


def found(discovery: Discovery) -> Discovery:
    """What was found, without the digest of git's list."""
    return discovery._replace(listed=b"")


class TestGitWorkTrees:
    def test_tracked_and_new_files_of_an_empty_repository(self, repository):
        write(repository, "staged.py", "new.py")
        git(repository, "add", "staged.py")
        assert found(discover(repository)) == Discovery(("new.py", "staged.py"), (), from_git=True)

    def test_a_tracked_file_is_found_though_ignored(self, repository):
        write(repository, "a.py")
        commit(repository)
        ignore(repository, "a.py\n")
        assert discover(repository).files == ("a.py",)

    def test_what_the_repository_excludes_for_this_user(self, repository):
        write(repository, "a.py", "mine.py")
        (repository / ".git/info/exclude").write_text("mine.py\n")
        assert discover(repository).files == ("a.py",)

    def test_deleted_and_replaced_files(self, repository):
        write(repository, "a.py", "b.py", "c/d.py", "e.py")
        commit(repository)
        (repository / "a.py").unlink()
        (repository / "b.py").unlink()
        (repository / "b.py").mkdir()
        shutil.rmtree(repository / "c")
        write(repository, "c")
        assert discover(repository).files == ("e.py",)

    def test_a_folder_replaced_by_a_link_leads_nowhere(self, repository, tmp_path):
        write(repository, "a/deep/b.py")
        commit(repository)
        (repository / "a").rename(tmp_path / "elsewhere")
        link(repository / "a", tmp_path / "elsewhere")
        assert discover(repository).files == ()

    @linux_only
    def test_what_cannot_be_looked_at_stays_so_that_reading_it_fails_and_is_reported(self, repository):
        path = f"{'d' * 300}/{'d' * 300}.py"  # longer than NAME_MAX
        blob = run_git(repository, "hash-object", "-w", "--stdin", input=b"").decode().strip()
        git(repository, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        assert discover(repository).files == (path,)

    def test_a_file_in_conflict_is_listed_once(self, repository):
        write(repository, "a.py", text="a = 0\n")
        commit(repository)
        git(repository, "checkout", "-b", "side")
        write(repository, "a.py", text="a = 1\n")
        commit(repository)
        git(repository, "checkout", "main")
        write(repository, "a.py", text="a = 2\n")
        commit(repository)
        assert subprocess.run(["git", "merge", "side"], cwd=repository, capture_output=True, check=False).returncode
        assert discover(repository).files == ("a.py",)
        assert uncommitted(repository, ["a.py"]) == {"a.py"}

    def test_linked_work_tree(self, repository, tmp_path):
        write(repository, "a.py")
        commit(repository)
        git(repository, "worktree", "add", str(tmp_path / "linked"))
        write(tmp_path / "linked", "b.py")
        assert found(discover(tmp_path / "linked")) == Discovery(("a.py", "b.py"), (), from_git=True)
        assert uncommitted(tmp_path / "linked", ["a.py", "b.py"]) == {"b.py"}

    def test_submodules_are_other_projects(self, repository, tmp_path):
        other = tmp_path / "other"
        other.mkdir()
        git(other, "init")
        write(other, "inner.py")
        commit(other)
        write(repository, "a.py")
        git(repository, "submodule", "add", str(other), "vendored.py")
        write(repository, "nested/.keep")
        git(repository / "nested", "init")
        write(repository, "nested/b.py")
        assert discover(repository).files == ("a.py",)
        assert found(discover(repository / "vendored.py")) == Discovery(("inner.py",), (), from_git=True)

    def test_bare_repository(self, tmp_path):
        git(tmp_path, "init", "--bare", "bare.git")
        assert found(discover(tmp_path / "bare.git")) == Discovery((), (), from_git=False)

    def test_a_root_below_the_work_trees(self, repository):
        ignore(repository, "no.py\n")
        write(repository, "above.py", "sub/a.py", "sub/no.py")
        assert found(discover(repository / "sub")) == Discovery(("a.py",), (), from_git=True)

    def test_an_environment_that_is_not_ignored_is_noted(self, repository):
        write(repository, "env/pyvenv.cfg", "env/lib/a.py")
        assert discover(repository).notes == ("env/: a virtual environment, left out; name it in .gitignore",)

    def test_nothing_of_the_targets_own_is_run(self, repository, tmp_path):
        script = tmp_path / "script"
        script.write_text(f"#!/bin/sh\ntouch '{(tmp_path / 'was_run').as_posix()}'\n")
        script.chmod(0o755)
        write(repository, "a.py")
        commit(repository)
        git(repository, "config", "core.fsmonitor", script.as_posix())
        shutil.copy(script, repository / ".git/hooks/post-index-change")
        (tmp_path / "was_run").unlink(missing_ok=True)
        os.utime(repository / "a.py", (1, 1))  # the index would want a refresh
        before = (repository / ".git/index").read_bytes()
        assert discover(repository).files == ("a.py",)
        assert uncommitted(repository, ["a.py"]) == set()
        assert not (tmp_path / "was_run").exists()
        assert (repository / ".git/index").read_bytes() == before

    def test_what_a_hook_says_of_its_own_repository_is_not_for_us(self, repository, tmp_path, monkeypatch):
        write(repository, "a.py")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        assert found(discover(repository)) == Discovery(("a.py",), (), from_git=True)

    def test_many_files_take_linear_time(self, repository):
        def cost(count):
            write(repository, *(f"package_{i % 60}/part_{i % 11}/module_{i}.py" for i in range(count)))
            git(repository, "add", "--all")
            return lines_run(lambda: discover(repository))

        assert cost(1000) < 3 * cost(500)


class TestGitInTrouble:
    def test_a_damaged_index(self, repository):
        ignore(repository, "no.py\n")
        write(repository, "a.py", "no.py")
        commit(repository)
        (repository / ".git/index").write_bytes(b"not an index, and long enough not to be taken for a short one")
        found = discover(repository)
        assert found.files == ("a.py",)
        assert not found.from_git
        (note,) = found.notes
        assert note.startswith(
            "all folders are searched, except what .gitignore files name, because git ls-files failed:"
        )
        assert f"and run: git -C {repository.as_posix()} reset" in note

    def test_somebody_elses_repository(self, repository, monkeypatch):
        write(repository, "a.py")
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its own tests
        found = discover(repository)
        assert (found.files, found.from_git) == (("a.py",), False)
        assert found.notes[0].endswith(f"run: git config --global --add safe.directory {repository.as_posix()}")

    def test_no_git(self, repository, monkeypatch, tmp_path):
        write(repository, "a.py")
        monkeypatch.setenv("PATH", str(tmp_path))
        found = discover(repository)
        assert (found.files, found.from_git) == (("a.py",), False)
        assert found.notes[0].endswith("because git is not on PATH; install it, or add its folder to PATH")

    def test_the_walk_stays_out_of_submodules_then(self, repository, monkeypatch, tmp_path):
        write(repository, "a.py", "nested/b.py")
        git(repository / "nested", "init")
        monkeypatch.setenv("PATH", str(tmp_path))
        assert discover(repository).files == ("a.py",)

    def test_named_files_need_no_git(self, repository, monkeypatch, tmp_path):
        write(repository, "a.py")
        monkeypatch.setenv("PATH", str(tmp_path))
        assert found(discover(repository, [repository / "a.py"])) == Discovery(("a.py",), (), from_git=True)

    def test_git_is_never_taken_from_the_project(self, repository, monkeypatch):
        program = repository / ("git.exe" if os.name == "nt" else "git")
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
        monkeypatch.chdir(repository)
        monkeypatch.setenv("PATH", os.pathsep.join(["", "."]))
        with pytest.raises(GitError, match="not on PATH"):
            run_git(repository, "version")


class TestWalk:
    def test_folders_of_tools_are_passed_over(self, folder):
        skipped = (
            ".git",
            ".hg",
            ".tox",
            ".nox",
            ".venv",
            ".mypy_cache",
            ".eggs",
            "__pycache__",
            "node_modules",
        )
        write(folder, "a.py", "dist/b.py", "build/c.py", *(f"x/{name}/d.py" for name in skipped))
        assert discover(folder).files == ("a.py", "build/c.py", "dist/b.py")

    def test_other_repositories_are_entered(self, folder):
        write(folder, "one/a.py", "two/b.py")
        git(folder / "one", "init")
        assert discover(folder).files == ("one/a.py", "two/b.py")

    def test_only_what_was_asked_for_is_searched(self, folder):
        ignore(folder, "no.py\n")
        write(folder, "a/b/c/d.py", "a/b/c/no.py", "a/b/e.py", "f.py")
        assert discover(folder, [folder / "a/b/c"]).files == ("a/b/c/d.py",)

    def test_a_root_that_is_gone(self, folder):
        folder.rmdir()
        found = discover(folder)
        assert found.files == ()
        assert found.notes[0].startswith(".: the folder can't be read (")

    @pytest.mark.skipif(not hasattr(socket, "AF_UNIX") or os.name == "nt", reason="needs a socket in a folder")
    def test_a_socket_is_no_file(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s.py")
            assert discover(folder).files == ()

    @linux_only
    def test_a_gitignore_that_cannot_be_read_is_a_note(self, folder):
        longest = 4095  # bytes; PATH_MAX without its NUL: the folder can just be listed, the file not be opened
        left = longest - len(os.fsencode(folder)) - len("/.py")
        # What the folders leave is enough for the name of the one file, and too little for that of the other.
        length = next(length for length in range(200, 100, -1) if 2 <= left % (length + 1) <= 6)
        nest(folder, "d" * length, left // (length + 1), ".gitignore", "d" * (left % (length + 1) - 1) + ".py")
        found = discover(folder)
        assert [Path(file).suffix for file in found.files] == [".py"]
        (note,) = found.notes
        assert note.endswith("/.gitignore: can't be read (File name too long); nothing is ignored for it")

    @pytest.mark.skipif(os.name != "nt", reason="junctions are a thing of Windows")
    def test_junctions_are_not_followed(self, folder):
        write(folder, "a/b.py")
        subprocess.run(["cmd", "/c", "mklink", "/J", "a\\up", "."], cwd=folder, check=True)
        assert discover(folder).files == ("a/b.py",)


NAMES = st.sampled_from(["a", "b", "ab"])
FOLDERS = st.lists(NAMES, max_size=3).map("/".join)
PIECES = st.sampled_from(["a", "b", "ab", "*", "a*", "?", "**", "*.py", "a.py", "b.py", "[ab]", "[!a]", "[^b]"])
PATTERNS = st.builds(
    lambda sign, start, pieces, end: f"{sign}{start}{'/'.join(pieces)}{end}",
    *(st.sampled_from(["", "", "!"]), st.sampled_from(["", "/"])),
    *(st.lists(PIECES, min_size=1, max_size=3), st.sampled_from(["", "/", " "])),
)
GITIGNORES = st.lists(PATTERNS, min_size=1, max_size=4).map("\n".join)


@settings(max_examples=60)
@given(folders=st.lists(FOLDERS, max_size=4), gitignores=st.dictionaries(FOLDERS, GITIGNORES, max_size=3))
def test_the_walk_finds_what_git_finds(folders, gitignores):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        write(
            root,
            *(f"{folder or '.'}/{file}" for folder in ["", *folders] for file in ("a.py", "b.py", "ab.py")),
        )
        for folder, text in gitignores.items():
            ignore(root, text, folder=folder or ".")
        walked = discover(root)
        git(root, "init")
        listed = discover(root)
        assert (walked.from_git, listed.from_git) == (False, True)
        assert walked.files == listed.files


class TestUncommitted:
    def test_every_kind_of_change(self, repository):
        ignore(repository, "ignored.py\n")
        write(
            repository,
            *(f"{name}.py" for name in ("clean", "edited", "staged", "both", "removed", "mode", "intent")),
        )
        commit(repository)
        write(repository, "edited.py", "new.py", "added.py", "ignored.py", "half.py", text="x = 2\n")
        write(repository, "staged.py", "both.py", text="x = 2\n")
        git(repository, "add", "staged.py", "both.py", "added.py")
        write(repository, "both.py")  # as in HEAD again, but not as in the index
        git(repository, "add", "--intent-to-add", "half.py")
        git(repository, "rm", "--cached", "removed.py")
        names = {f"{name}.py" for name in ("edited", "staged", "both", "removed", "new", "added", "ignored", "half")}
        assert uncommitted(repository, {*names, "clean.py"}) == names

    def test_a_new_time_is_no_change(self, repository):
        write(repository, "a.py")
        commit(repository)
        os.utime(repository / "a.py", (1, 1))
        assert uncommitted(repository, ["a.py"]) == set()

    def test_only_the_paths_that_were_asked_about(self, repository):
        write(repository, "a.py", "b.py")
        assert uncommitted(repository, ["a.py"]) == {"a.py"}
        assert uncommitted(repository, []) == set()

    def test_before_the_first_commit(self, repository):
        write(repository, "a.py", "b.py")
        git(repository, "add", "a.py")
        assert uncommitted(repository, ["a.py", "b.py"]) == {"a.py", "b.py"}

    def test_paths_are_relative_to_the_root_that_is_given(self, repository):
        write(repository, "sub/a.py", "sub/b.py", "a.py")
        commit(repository)
        write(repository, "sub/a.py", text="x = 2\n")
        assert uncommitted(repository / "sub", ["a.py", "b.py"]) == {"a.py"}

    @pytest.mark.parametrize("switch", ["--assume-unchanged", "--skip-worktree"])
    def test_files_that_git_is_told_not_to_look_at(self, repository, switch):
        write(repository, "a.py", "b.py")
        commit(repository)
        git(repository, "update-index", switch, "a.py")
        write(repository, "a.py", text="x = 2\n")
        assert uncommitted(repository, ["a.py", "b.py"]) == {"a.py"}

    def test_a_renamed_file_is_two_changes(self, repository):
        write(repository, "a.py", "c.py")
        commit(repository)
        git(repository, "mv", "a.py", "b.py")
        assert uncommitted(repository, ["a.py", "b.py", "c.py"]) == {"a.py", "b.py"}

    @posix_only
    def test_weird_names(self, repository):
        names = ("-rf.py", "a\nb.py", 'quote".py', " lead.py", ":(top)x.py", "*.py", "ö.py")
        write(repository, *names, "clean.py")
        commit(repository)
        write(repository, *names, text="x = 2\n")
        assert uncommitted(repository, [*names, "clean.py"]) == set(names)

    @linux_only
    def test_undecodable_names(self, repository):
        name = os.fsdecode(b"\xff.py")
        write(repository, name)
        commit(repository)
        assert uncommitted(repository, [name]) == set()
        write(repository, name, text="x = 2\n")
        assert uncommitted(repository, [name]) == {name}

    def test_outside_a_repository(self, folder, monkeypatch):
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
        with pytest.raises(GitError, match="not a git repository"):
            uncommitted(folder, ["a.py"])


class TestGit:
    def test_input_and_output_are_bytes(self, repository):
        name = run_git(repository, "hash-object", "-w", "--stdin", input=b"\0\xff\r\n").decode().strip()
        assert run_git(repository, "cat-file", "blob", name) == b"\0\xff\r\n"

    def test_what_git_says_is_in_the_error(self, repository):
        with pytest.raises(
            GitError, match=r"git cat-file failed: Not a valid object name nothing\. Run `git -C .* status`"
        ):
            run_git(repository, "cat-file", "-p", "nothing")

    def test_a_command_that_fails_without_a_word(self, repository):
        with pytest.raises(GitError, match="exit code 1"):
            run_git(repository, "config", "--get", "no.such")

    def test_a_folder_that_is_gone(self, tmp_path):
        with pytest.raises(GitError, match="git could not be started in"):
            run_git(tmp_path / "gone", "version")

    def test_toplevel(self, repository, folder, tmp_path):
        (repository / "a/b").mkdir(parents=True)
        (repository / "a/.git").mkdir()  # empty, so git passes over it as well
        assert toplevel(repository / "a/b") == repository
        assert toplevel(repository) == repository
        assert toplevel(folder) is None
        write(folder, ".git", text=f"gitdir: {tmp_path}\n")
        assert toplevel(folder) == folder
