"""What git's history tells of files and names that are gone, asked of real repositories."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ssot_fix.project.history import History, spells

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes for a name")

ENGINE = "".join(f"def step_{n}(state):\n    return state.advance({n})\n\n\n" for n in range(12))
OTHER = "".join(f"RATE_{n} = compute({n}, 'rate')\n" for n in range(30))


class Repository:
    """A repository whose commits are a day apart, in the order in which they are made."""

    def __init__(self, root, environment):
        self.root = root
        self.environment = environment
        self.day = 0
        root.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *args, **more):
        when = f"2024-01-{max(self.day, 1):02} 12:00:00 +0000"
        times = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        done = subprocess.run(
            ("git", *args), cwd=self.root, env=self.environment | times, capture_output=True, check=False, **more
        )
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout.decode().strip()

    def commit(self, subject, **files):
        """Write and delete (None) some files, `/` spelled `__` and `.py` added, and commit all; the commit's id."""
        self.write({f"{name.replace('__', '/')}.py": text for name, text in files.items()})
        return self.save(subject)

    def write(self, files):
        for path, text in files.items():
            file = self.root / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text.encode() if isinstance(text, str) else text)

    def save(self, subject):
        self.day += 1
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def move(self, old, new, subject="move"):
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", old, new)
        return self.save(subject)

    def branch(self, name, start="HEAD"):
        self.git("checkout", "--quiet", "-B", name, start)

    def merge(self, name, *options, subject="merge", **files):
        """Merge a branch; what it should hold besides goes into the merge itself."""
        self.day += 1
        self.git("merge", "--quiet", "--no-ff", "--no-commit", *options, name)
        self.write({f"{path.replace('__', '/')}.py": text for path, text in files.items()})
        return self.save(subject)

    def lose(self, text):
        """Take the object that holds a text out of the repository."""
        blob = self.git("hash-object", "--stdin", input=text.encode())
        (self.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    def removal(self, path):
        return History(self.root).removals([path])[path]

    def loss(self, path, name):
        return History(self.root).losses([(path, name)])[path, name]


@pytest.fixture
def make(tmp_path, command_environment, monkeypatch):
    """Make an empty repository; git, when we run it, sees nothing of the user's either."""
    for name in ("HOME", "USERPROFILE", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES"):
        monkeypatch.setenv(name, command_environment[name])
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return lambda name="project": Repository(tmp_path / name, command_environment)


@pytest.fixture
def repository(make):
    return make()


# What can't be known is said


def test_a_file_that_never_was(repository):
    repository.commit("start", a="1")
    found = repository.removal("b.py")
    assert (found.state, found.commit, found.why) == ("never", None, "")
    assert repository.loss("a.py", "x").state == "never"


def test_no_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    history = History(tmp_path)
    assert "not a git repository" in history.limits
    assert history.removals(["a.py"])["a.py"].state == "unknown"
    assert "not a git repository" in history.removals(["a.py"])["a.py"].why
    assert "not a git repository" in history.losses([("a.py", "x")])["a.py", "x"].why
    assert history.last_texts(["a.py"]) == {}


def test_no_git(repository, monkeypatch):
    repository.commit("start", a="1")
    monkeypatch.setenv("PATH", "")
    assert "git is not on PATH" in repository.removal("a.py").why


def test_no_commit(repository):
    assert repository.removal("a.py").state == "unknown"
    assert History(repository.root).limits == "git has no commit HEAD here"


def test_a_head_that_is_not_there(repository):
    repository.commit("start", a="1")
    assert History(repository.root, "gone").limits == "git has no commit gone here"
    assert History(repository.root, "--all").limits == "git has no commit --all here"


def test_a_folder_that_the_repository_does_not_know(repository):
    repository.commit("start", a="1")
    repository.write({"copy/a.py": "1"})
    assert "none of its files is committed" in History(repository.root / "copy").limits


def test_a_shallow_history(make, tmp_path):
    full = make("full")
    full.commit("start", a="old = 1", b="1")
    full.commit("drop b", b=None)
    full.commit("more", a="new = 1", c="1")
    full.commit("drop c", c=None)
    full.git("clone", "--quiet", "--depth=2", full.root.as_uri(), str(tmp_path / "shallow"))
    history = History(tmp_path / "shallow")
    assert history.limits == ("the history is shallow: it begins on 2024-01-03; `git fetch --unshallow` gets the rest")
    removals = history.removals(["b.py", "c.py"])
    assert (removals["b.py"].state, removals["b.py"].why) == ("unknown", history.limits)
    assert removals["c.py"].deleted.subject == "drop c"
    loss = history.losses([("a.py", "old")])["a.py", "old"]
    assert (loss.state, loss.why) == ("unknown", history.limits)


def test_objects_that_are_missing(repository):
    changed = ENGINE.replace("step_0", "start")
    repository.commit("start", a=ENGINE, b=OTHER, c="c = 1")
    repository.move("b.py", "d.py", "move b")
    repository.write({"a.py": None, "e.py": changed})
    repository.save("move a")
    repository.commit("more", c="c = 2")
    repository.commit("other", c="d = 2")
    repository.lose(ENGINE)
    repository.lose("c = 2")
    found = History(repository.root).removals(["a.py", "b.py"])
    gone = found["a.py"]
    assert (gone.state, gone.deleted.subject, found["b.py"].last_path) == ("deleted", "move a", "d.py")
    assert gone.why == f"git lacks texts of {gone.deleted.id[:10]}: it may have moved and changed"
    assert History(repository.root).last_texts(["a.py", "b.py"]) == {"b.py": OTHER.encode()}
    loss = repository.loss("c.py", "c")
    assert (loss.state, loss.why) == ("unknown", "git lacks 1 of the file's versions")


def test_a_partial_clone_is_not_filled_up(make, tmp_path):
    full = make("full")
    full.git("config", "uploadpack.allowFilter", "true")
    full.commit("start", a=ENGINE, b="old = 1", c="1")
    full.move("a.py", "d.py")
    full.commit("changes", b="new = 1", c=None)
    partial = tmp_path / "partial"
    full.git("clone", "--quiet", "--filter=blob:none", full.root.as_uri(), str(partial))
    held = full.git("-C", str(partial), "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    history = History(partial)
    assert history.removals(["a.py"])["a.py"].last_path == "d.py"
    assert history.removals(["c.py"])["c.py"].deleted.subject == "changes"
    assert history.losses([("b.py", "old")])["b.py", "old"].state == "unknown"
    assert history.last_texts(["c.py", "d.py"]) == {"d.py": ENGINE.encode()}
    assert full.git("-C", str(partial), "cat-file", "--batch-all-objects", "--batch-check=%(objectname)") == held


def test_nothing_is_written(repository):
    repository.commit("start", a=ENGINE, b="x = 1")
    repository.move("a.py", "c.py")
    repository.commit("drop x", b="y = 1")
    repository.write({"b.py": "z = 1", "c.py": None, "new.py": ""})

    def state():
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(repository.root.rglob("*"))
            if path.is_file()
        }

    before = state()
    history = History(repository.root)
    assert history.removals(["a.py"])["a.py"].state == "moved"
    assert history.losses([("b.py", "x")])["b.py", "x"].state == "lost"
    assert state() == before


# Files


def test_a_file_that_is_there(repository):
    repository.commit("start", a="1")
    repository.commit("drop", a=None)
    repository.commit("again", a="2")
    assert repository.removal("a.py").state == "there"
    repository.write({"a.py": None})
    assert repository.removal("a.py").state == "there"
    assert History(repository.root).last_texts(["a.py"]) == {"a.py": b"2"}


def test_a_deleted_file(repository):
    repository.commit("start", a=ENGINE, b="1")
    repository.commit("change", a=ENGINE + "last = 1\n")
    commit = repository.commit("drop a", a=None)
    repository.commit("more", b="2")
    found = repository.removal("a.py")
    assert (found.state, found.last_path, found.renames, found.why) == ("deleted", "a.py", (), "")
    assert found.commit == found.deleted
    assert (found.deleted.id, found.deleted.date, found.deleted.author) == (commit, "2024-01-03", "Test")
    assert found.deleted.subject == "drop a"
    assert History(repository.root).last_texts(["a.py", "z.py"]) == {"a.py": (ENGINE + "last = 1\n").encode()}


def test_the_newest_removal_counts(repository):
    repository.commit("start", a="1", b="1")
    repository.commit("drop", a=None)
    repository.commit("again", a="2")
    repository.commit("drop again", a=None)
    assert repository.removal("a.py").deleted.subject == "drop again"
    assert History(repository.root).last_texts(["a.py"]) == {"a.py": b"2"}


def test_a_renamed_file(repository):
    repository.commit("start", pkg__a=ENGINE)
    commit = repository.move("pkg/a.py", "pkg/core/b.py", "move a")
    found = repository.removal("pkg/a.py")
    assert (found.state, found.last_path, found.deleted) == ("moved", "pkg/core/b.py", None)
    assert found.commit.id == commit
    assert [(step.old, step.new, step.similarity) for step in found.renames] == [("pkg/a.py", "pkg/core/b.py", 100)]


def test_a_file_that_was_renamed_and_changed(repository):
    repository.commit("start", a=ENGINE)
    repository.write({"a.py": None, "b.py": ENGINE.replace("step_0", "start").replace("advance(3)", "go(3)")})
    repository.save("move a")
    (step,) = repository.removal("a.py").renames
    assert step.new == "b.py"
    assert 80 <= step.similarity < 100


def test_a_file_that_was_replaced_by_another(repository):
    repository.commit("start", a=ENGINE)
    repository.write({"a.py": None, "b.py": OTHER})
    repository.save("rewrite")
    assert repository.removal("a.py").state == "deleted"


def test_renames_are_followed_to_where_the_file_is(repository):
    repository.commit("start", old__a=ENGINE, old__b=OTHER)
    repository.git("mv", "old", "new")
    repository.save("rename the folder")
    repository.move("new/a.py", "new/engine.py")
    repository.move("new/engine.py", "core/engine.py")
    found = History(repository.root).removals(["old/a.py", "old/b.py", "new/a.py", "new/engine.py"])
    assert {path: each.last_path for path, each in found.items()} == {
        "old/a.py": "core/engine.py",
        "old/b.py": "new/b.py",
        "new/a.py": "core/engine.py",
        "new/engine.py": "core/engine.py",
    }
    assert [step.new for step in found["old/a.py"].renames] == ["new/a.py", "new/engine.py", "core/engine.py"]
    assert found["old/a.py"].commit.subject == "rename the folder"


def test_renames_are_followed_to_the_end_of_the_file(repository):
    repository.commit("start", a=ENGINE, z="1")
    repository.move("a.py", "b.py")
    repository.commit("drop b", b=None)
    found = repository.removal("a.py")
    assert (found.state, found.last_path, found.deleted.subject) == ("deleted", "b.py", "drop b")
    assert found.commit.subject == "move"


def test_a_module_that_became_a_package(repository):
    repository.commit("start", a=ENGINE)
    repository.move("a.py", "a/__init__.py")
    assert repository.removal("a.py").last_path == "a/__init__.py"


def test_a_module_that_was_put_aside(repository):
    repository.commit("start", a=ENGINE)
    repository.move("a.py", "a.py.bak")
    assert repository.removal("a.py").last_path == "a.py.bak"


def test_files_that_are_no_modules_are_not_looked_at(repository):
    repository.commit("start", a=ENGINE)
    repository.move("a.py", "a.txt")
    assert repository.removal("a.py").state == "deleted"


def test_there_and_back_again(repository):
    repository.commit("start", a=ENGINE, z="1")
    repository.move("a.py", "b.py", "there")
    repository.move("b.py", "a.py", "back")
    assert repository.removal("b.py").last_path == "a.py"
    repository.move("a.py", "b.py", "there again")
    repository.commit("drop b", b=None)
    found = History(repository.root).removals(["a.py", "b.py"])
    assert found["b.py"].deleted.subject == "drop b"
    assert (found["a.py"].commit.subject, found["a.py"].deleted.subject) == ("there again", "drop b")


# Branches and merges


def test_a_removal_on_a_merged_branch_is_not_the_merge_s(repository):
    repository.commit("start", a=ENGINE, b=OTHER)
    repository.branch("side")
    repository.commit("drop a", a=None)
    repository.move("b.py", "c.py", "move b")
    repository.branch("main", "main")
    repository.commit("meanwhile", d="1")
    repository.merge("side")
    found = History(repository.root).removals(["a.py", "b.py"])
    assert found["a.py"].deleted.subject == "drop a"
    assert (found["b.py"].commit.subject, found["b.py"].last_path) == ("move b", "c.py")


def test_a_removal_in_the_merge_itself(repository):
    repository.commit("start", a=ENGINE, b=OTHER)
    repository.branch("side")
    repository.commit("on the side", c="1")
    repository.branch("main", "main")
    repository.commit("meanwhile", d="1")
    repository.merge("side", a=None, b=None, e=OTHER)
    found = History(repository.root).removals(["a.py", "b.py"])
    assert (found["a.py"].deleted.subject, found["a.py"].state) == ("merge", "deleted")
    assert (found["b.py"].last_path, found["b.py"].commit.subject) == ("e.py", "merge")


def test_a_file_of_one_side_that_the_merge_drops(repository):
    repository.commit("start", z="1")
    repository.branch("side")
    repository.commit("on the side", a=ENGINE)
    repository.branch("main", "main")
    repository.commit("meanwhile", d="1")
    repository.merge("side", "--strategy=ours")
    assert repository.removal("a.py").deleted.subject == "merge"
    assert History(repository.root).last_texts(["a.py"]) == {"a.py": ENGINE.encode()}


def test_a_file_that_came_back_on_one_side_and_that_the_merge_drops(repository):
    repository.commit("start", a="1", z="1")
    repository.commit("drop", a=None)
    repository.branch("side")
    repository.commit("again", a="2")
    repository.branch("main", "main")
    repository.commit("meanwhile", d="1")
    repository.merge("side", "--strategy=ours")
    assert repository.removal("a.py").deleted.subject == "merge"
    assert History(repository.root).last_texts(["a.py"]) == {"a.py": b"2"}


def test_commits_on_other_branches_do_not_count(repository):
    repository.commit("start", a="1")
    repository.branch("side")
    repository.commit("aside", b="1")
    repository.commit("drop b", b=None)
    repository.branch("main", "main")
    assert repository.removal("b.py").state == "never"
    assert History(repository.root, "side").removals(["b.py"])["b.py"].state == "deleted"


def test_clocks_that_go_wrong(repository):
    repository.commit("start", a="1", z="1")
    repository.day = 20
    repository.commit("drop", a=None)
    repository.day = 5
    repository.commit("again", a="2")
    repository.commit("drop again", a=None)
    assert repository.removal("a.py").deleted.subject == "drop again"


def test_renames_in_a_circle(repository):
    repository.commit("start", a=ENGINE, z="1")
    start = repository.git("rev-parse", "HEAD")
    moved = repository.move("a.py", "b.py")
    repository.commit("drop", b=None)
    repository.branch("side", start)
    repository.move("a.py", "b.py")
    repository.branch("other", moved)
    repository.move("b.py", "a.py")
    repository.branch("main", "main")
    repository.merge("side", "--strategy=ours")
    repository.merge("other", "--strategy=ours")
    found = repository.removal("a.py")
    assert (found.state, found.why) == ("unknown", "its renames lead in a circle")


# Places


def test_a_project_in_a_folder_of_the_repository(repository):
    repository.commit("start", app__a=ENGINE, app__b=OTHER, app__c="x = 1", lib__c="1", a="1")
    repository.move("app/a.py", "app/core/a.py")
    repository.move("app/b.py", "lib/b.py")
    repository.commit("drop", a=None, app__c="y = 1")
    history = History(repository.root / "app")
    found = history.removals(["a.py", "b.py", "app/a.py", "../a.py"])
    assert found["a.py"].last_path == "core/a.py"
    assert (found["b.py"].state, found["b.py"].last_path) == ("moved", "../lib/b.py")
    assert found["app/a.py"].state == "never"
    assert found["../a.py"].deleted.subject == "drop"
    assert history.last_texts(["b.py", "core/a.py"]) == {"b.py": OTHER.encode(), "core/a.py": ENGINE.encode()}
    loss = history.losses([("c.py", "x")])["c.py", "x"]
    assert (loss.state, loss.file, loss.before) == ("lost", "c.py", b"x = 1")


@linux_only
def test_names_that_look_like_output(repository):
    trees = f"{'a' * 40} {'b' * 40}\n"
    odd = [f"x\n{trees}.py", ":100644 100644 a b M.py", "*.py", "tab\tand\nline.py", "\udcff.py", " .py", ":(top).py"]
    repository.write({path: f"{ENGINE}{n} = 1" for n, path in enumerate(odd)} | {"a.py": OTHER})
    repository.save("start")
    for path in odd:
        repository.move(path, f"new/{path}")
    repository.commit("drop a", a=None)
    found = History(repository.root).removals([*odd, "a.py", "?.py"])
    assert {path: found[path].last_path for path in odd} == {path: f"new/{path}" for path in odd}
    assert found["a.py"].deleted.subject == "drop a"
    assert found["?.py"].state == "never"
    assert len(History(repository.root).last_texts(odd)) == len(odd)


def test_odd_spellings_of_a_path(repository):
    repository.commit("start", a__b="1", z="1")
    repository.commit("drop", a__b=None)
    found = History(repository.root).removals(["./a/b.py", "a//b.py", "a/../a/b.py"])
    assert {each.state for each in found.values()} == {"deleted"}


def test_settings_of_the_user_do_not_matter(repository):
    for name, value in {
        "diff.renames": "false",
        "diff.relative": "true",
        "log.showSignature": "true",
        "log.date": "raw",
        "diff.renameLimit": "1",
        "diff.noprefix": "true",
        "color.ui": "always",
        "core.quotePath": "true",
        "i18n.logOutputEncoding": "latin1",
    }.items():
        repository.git("config", name, value)
    repository.commit("stärt", **{f"pkg__{n}": ENGINE.replace("state", f"s{n}") for n in range(5)})
    for n in range(5):
        repository.git("mv", f"pkg/{n}.py", f"pkg/new_{n}.py")
    repository.save("möve")
    found = repository.removal("pkg/3.py")
    assert (found.last_path, found.commit.subject, found.commit.date) == ("pkg/new_3.py", "möve", "2024-01-02")


def test_what_people_wrote_is_safe_to_print(repository):
    repository.commit("start", a="1", z="1")
    repository.git("config", "user.name", "Eve \x1b[31m\u202egnp")
    repository.commit("drop \x1b]0;title\x07 it\nnow\n\nand more", a=None)
    commit = repository.removal("a.py").deleted
    assert (commit.author + commit.subject).isprintable()
    assert commit.subject.startswith("drop")


# Names


def test_a_lost_name(repository):
    repository.commit("start", a="class Engine: ...\nx = 1\n")
    repository.commit("change", a="class Engine:\n    size = 1\nx = 1\n")
    commit = repository.commit("drop it", a="x = 1\n")
    repository.commit("more", a="x = 2\n")
    found = repository.loss("a.py", "Engine")
    assert (found.state, found.commit.id, found.file, found.why) == ("lost", commit, "a.py", "")
    assert found.before == b"class Engine:\n    size = 1\nx = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "def Engine(): ...",
        "async def Engine(): ...",
        "Engine = 1",
        "Engine: int = 1",
        "a, Engine = 1, 2",
        "from b import Engine",
        "from b import c as Engine",
        "import Engine",
        "if a:\n    class Engine: ...",
        "try:\n    from b import Engine\nexcept ImportError:\n    pass",
        "with a as Engine: ...",
        "def f():\n    global Engine\n    Engine = 1",
    ],
)
def test_how_a_name_may_have_been_bound(repository, text):
    repository.commit("start", a=text)
    repository.commit("drop it", a="x = 1")
    assert repository.loss("a.py", "Engine").commit.subject == "drop it"


@pytest.mark.parametrize(
    "text",
    [
        "Engine",
        "Engine()",
        "x = 'Engine = 1'",
        "# Engine = 1",
        "def f(): Engine = 1",
        "class A:\n    Engine = 1",
        "x.Engine = 1",
    ],
)
def test_a_mention_is_no_binding(repository, text):
    repository.commit("start", a=text)
    repository.commit("other", a="x = 1")
    assert repository.loss("a.py", "Engine").state == "never"


@pytest.mark.parametrize(
    ("text", "is_spelled"),
    [
        ("Engine", True),
        ("x # Engine", True),
        ("# Engine, Engine\r  # Engine\nEngine", True),
        ("#\rEngine", True),
        ("Engines, Engine", True),
        ("EngineEngine", False),
        ("Engines, _Engine\n# Engine\r\t# Engine", False),
        ("# Engine\nEngines\n\n# Engine\n", False),
        ("", False),
    ],
)
def test_where_a_name_is_spelled(text, is_spelled):
    assert spells(text.encode(), "Engine") is is_spelled


def test_a_name_that_is_there(repository):
    repository.commit("start", a="Engine = 1")
    repository.commit("drop it", a="x = 1")
    repository.commit("again", a="Engine = 2")
    assert repository.loss("a.py", "Engine").state == "there"


def test_the_newest_loss_counts(repository):
    for text in ("Engine = 1", "x = 1", "Engine = 2", "x = 2", "x = 3"):
        repository.commit(text, a=text)
    found = repository.loss("a.py", "Engine")
    assert (found.commit.subject, found.before) == ("x = 2", b"Engine = 2")


def test_many_names_at_once(repository):
    repository.commit("start", a="A = B = C = 1", b="A = 1")
    repository.commit("drop a.A", a="B = C = 1")
    repository.commit("drop b.A", b="")
    repository.commit("drop a.B", a="C = 1")
    wanted = [("a.py", "A"), ("a.py", "B"), ("a.py", "C"), ("a.py", "D"), ("b.py", "A"), ("c.py", "A")]
    found = History(repository.root).losses(wanted)
    assert {key: each.commit.subject if each.commit else each.state for key, each in found.items()} == {
        ("a.py", "A"): "drop a.A",
        ("a.py", "B"): "drop a.B",
        ("a.py", "C"): "there",
        ("a.py", "D"): "never",
        ("b.py", "A"): "drop b.A",
        ("c.py", "A"): "never",
    }


def test_texts_are_told_of_what_is_compared(repository):
    repository.commit("start", a="A = B = 1")
    repository.commit("drop both", a="")
    found = History(repository.root).losses([("a.py", "A"), ("a.py", "B")], {("a.py", "A")})
    assert [found["a.py", name].before for name in "AB"] == [b"A = B = 1", None]
    assert {each.commit.subject for each in found.values()} == {"drop both"}


def test_the_last_text_that_python_can_read(repository):
    repository.commit("start", a="class Engine:\n    size = 1\n")
    repository.commit("break it", a="class Engine:\n    size = \n")
    repository.commit("drop it", a="x = 1")
    found = repository.loss("a.py", "Engine")
    assert (found.commit.subject, found.before) == ("drop it", b"class Engine:\n    size = 1\n")


def test_a_text_that_python_never_could_read(repository):
    for text in ("class Engine: (", "async def Engine( :", "Engine: int = ("):
        repository.commit(text, a=text)
        repository.commit("drop it", a="x = 1")
        assert repository.loss("a.py", "Engine").before == text.encode()
    repository.commit("a comparison", a="Other == (")
    repository.commit("drop it", a="x = 1")
    assert repository.loss("a.py", "Other").state == "never"


def test_bytes_that_are_no_text(repository):
    repository.write({"a.py": b"Engine = '\xff'\n"})
    repository.save("start")
    repository.commit("drop it", a="x = 1")
    assert repository.loss("a.py", "Engine").before == b"Engine = '\xff'\n"


def test_a_name_that_went_when_the_module_became_a_package(repository):
    repository.commit("start", a="Engine = 1\nOther = 1")
    repository.write({"a.py": None, "a/__init__.py": "Other = 1"})
    repository.save("split")
    found = repository.loss("a/__init__.py", "Engine")
    assert (found.commit.subject, found.file, found.before) == ("split", "a.py", b"Engine = 1\nOther = 1")
    assert repository.loss("a/__init__.py", "Other").state == "there"


def test_a_name_that_went_when_the_package_became_a_module(repository):
    repository.write({"a/__init__.py": "Engine = 1"})
    repository.save("start")
    repository.write({"a/__init__.py": None, "a.py": "Other = 1"})
    repository.save("join")
    assert repository.loss("a.py", "Engine").file == "a/__init__.py"


def test_a_package_that_hides_a_module(repository):
    repository.write({"a.py": "Engine = 1", "a/__init__.py": ""})
    repository.save("start")
    found = repository.loss("a/__init__.py", "Engine")
    assert (found.state, found.file) == ("there", "a.py")


def test_a_name_lost_on_a_merged_branch_and_one_lost_in_the_merge(repository):
    repository.commit("start", a="A = 1\n\n\nB = 1\n\n\nC = 1\n")
    repository.branch("side")
    repository.commit("drop A", a="\n\nB = 1\n\n\nC = 1\n")
    repository.branch("main", "main")
    repository.commit("drop C", a="A = 1\n\n\nB = 1\n\n")
    repository.merge("side", a="x = 1\n")
    found = History(repository.root).losses([("a.py", name) for name in "ABC"])
    assert {name: each.commit.subject for (_, name), each in found.items()} == {
        "A": "drop A",
        "B": "merge",
        "C": "drop C",
    }


def test_a_name_of_one_side_that_the_merge_drops(repository):
    repository.commit("start", a="x = 1")
    repository.branch("side")
    repository.commit("on the side", a="x = 1\nEngine = 1")
    repository.branch("main", "main")
    repository.commit("meanwhile", a="x = 2")
    repository.merge("side", "--strategy=ours")
    found = repository.loss("a.py", "Engine")
    assert (found.commit.subject, found.before) == ("merge", b"x = 1\nEngine = 1")


def test_since_when_a_file_asks_for_a_name(repository):
    repository.commit("start", z="Engine = 1")
    repository.commit("write a", a="from b import Engines")
    repository.branch("side")
    repository.commit("ask for it", a="from b import Engines, Engine")
    repository.branch("main", "main")
    repository.commit("meanwhile", d="Engine = 1\nOther = 1")
    repository.merge("side", d="Engine = 1")
    repository.commit("add a comment", a="# Engine\nfrom b import Engine")
    asked = [("a.py", "Engine"), ("a.py", "Engines"), ("d.py", "Engine"), ("d.py", "Other"), ("z.py", "Engine")]
    found = History(repository.root).arrivals([*asked, ("a.py", "c"), ("c.py", "Engine")])
    assert {key: commit.subject for key, commit in found.items()} == {
        ("a.py", "Engine"): "ask for it",
        ("a.py", "Engines"): "write a",
        ("d.py", "Engine"): "meanwhile",
        ("d.py", "Other"): "meanwhile",
    }
    assert History(repository.root, "gone").arrivals(asked) == {}


def test_the_newest_arrival_counts(repository):
    for text in ("x = 1", "Engine = 1", "x = 2", "Engine = 2", "Engine = 3"):
        repository.commit(text, a=text)
    assert History(repository.root).arrivals([("a.py", "Engine")])["a.py", "Engine"].subject == "Engine = 2"
    repository.lose("x = 1")
    repository.lose("x = 2")
    assert History(repository.root).arrivals([("a.py", "Engine")]) == {}


def test_more_versions_than_are_read_at_once(repository):
    commits = []
    for n in range(1100):
        text = f"x = {n}\n" + ("Engine = 1\n" if n < 40 else "")
        files = {"a.py": text, "b.json": text, "b.py": text} if n % 3 < 2 else {}
        commits.append(
            f"commit refs/heads/main\ncommitter T <t@example.invalid> {1700000000 + n} +0000\n"
            f"data {len(str(n))}\n{n}\n"
            + "".join(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items())
        )
    repository.git("fast-import", "--quiet", input="".join(commits).encode())
    found = History(repository.root).losses([("a.py", "Engine"), ("b.py", "Engine")])
    assert {each.commit.subject for each in found.values()} == {"40"}


def test_a_repository_of_sha256(tmp_path, command_environment, make):
    root = tmp_path / "sha256"
    done = subprocess.run(("git", "init", "--object-format=sha256", str(root)), env=command_environment, check=False)
    if done.returncode:
        pytest.skip("this git knows no SHA-256")
    other = make()
    other.root = root
    other.commit("start", a=ENGINE, b="x = 1")
    other.move("a.py", "c.py")
    other.commit("drop x", b="")
    assert other.removal("a.py").last_path == "c.py"
    assert other.loss("b.py", "x").commit.subject == "drop x"


def test_a_linked_work_tree_and_a_bare_repository(repository, tmp_path):
    repository.commit("start", a=ENGINE)
    repository.move("a.py", "b.py")
    repository.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    repository.git("clone", "--quiet", "--bare", str(repository.root), str(tmp_path / "bare.git"))
    for place in ("linked", "bare.git"):
        assert History(tmp_path / place).removals(["a.py"])["a.py"].last_path == "b.py"


def test_a_submodule_is_no_module(repository, make):
    inner = make("inner")
    inner.commit("start", a="1")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{inner.git('rev-parse', 'HEAD')},plug.py")
    repository.git("commit", "--quiet", "--message", "start")
    repository.git("rm", "--quiet", "--cached", "plug.py")
    repository.commit("drop it", z="1")
    assert repository.removal("plug.py").state == "never"


def test_the_variables_of_a_hook_do_not_lead_elsewhere(repository, make, monkeypatch):
    other = make("other")
    other.commit("start", z="1")
    repository.commit("start", a=ENGINE)
    repository.move("a.py", "b.py")
    monkeypatch.setenv("GIT_DIR", os.fspath(other.root / ".git"))
    assert repository.removal("a.py").last_path == "b.py"
