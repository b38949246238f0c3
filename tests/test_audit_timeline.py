"""What each commit of a range brought, took away, and brought back: asked of real repositories."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranges import Story

from ssot_fix.audit.auditing import Walk, contents, points, regressions
from ssot_fix.audit.commits import RangeError, span, tree_of
from ssot_fix.audit.looking import look_at
from ssot_fix.audit.model import Finding, Site, Tally
from ssot_fix.audit.settings import NAME, Options
from ssot_fix.audit.text import Text
from ssot_fix.audit.timeline import _follow
from ssot_fix.audit.view import CommitView, open_view
from ssot_fix.project.config import Config
from ssot_fix.project.objects import Reader


def look(text: Text) -> tuple[Site, ...] | None:
    """An area for tests: names in upper case that are called `BAD` or `GOOD`, and what they are about."""
    found = re.findall(rb"^(BAD|GOOD)_(\w+)", text.raw, re.MULTILINE)
    return tuple(Site("mark", 1, what.decode(), good=how == b"GOOD") for how, what in found) or None


class Marks:
    name = "debt"

    def sites(self, _path, facts):
        return facts


class Seen:
    """A range of a story, gone through."""

    def __init__(self, story: Story, last: int = 40, revisions: str | None = None, root: Path | None = None):
        root = root or story.root
        config = Config(root, options={NAME: Options()})
        self.span = span(root, last, revisions)
        with Reader(root) as reader:
            self.view = CommitView(config, self.span.head.id, tree_of(root, self.span.head.id), reader)
            self.view.known = look_at(root, {"debt": contents(self.span, self.view)}, {"debt": look}, jobs=1)
            walk = Walk(self.view, self.span, [Marks()], lambda *_: {})
            self.moments, self.head = walk.run(walk.start({}))
        self.ids = story.ids
        self.points = points(self.span, self.moments)

    def told(self):
        """Number of each commit, its bad and good sites in production, and how many came and went."""
        rows = []
        for point in self.points:
            tally = point.tallies.get("debt", Tally())
            came, went = point.brought.get("debt", 0), point.taken.get("debt", 0)
            rows.append((self.ids.index(point.commit.id), tally.bad, tally.good, came, went))
        return rows

    def born(self):
        found = self.head.born.items()
        return {
            (path, pattern.subject): [self.ids.index(each.id) for each in commits]
            for (path, pattern), commits in sorted(found)
        }

    def back(self):
        bad = [
            Finding("debt", "mark", path, 1, site.subject, "")
            for path in self.view.python
            for site in self.view.facts("debt", path) or ()
            if not site.good
        ]
        return [
            (each.place.path, each.subject, self.ids.index(each.removed.id), self.ids.index(each.back.id))
            for each in regressions(self.view, self.head, bad)
        ]


def test_a_line_of_commits_brings_takes_and_brings_back(story):
    story.commit({"a.py": "BAD_x = 1\nGOOD_y = 1\n"})
    story.commit({"a.py": "GOOD_x = 1\nGOOD_y = 1\n"})
    story.commit({"b.py": "BAD_z = 1\n"})
    story.commit({"a.py": "BAD_x = 1\nGOOD_y = 1\n", "b.py": "BAD_z = 1\nBAD_z2 = 1\n"}, author="Bo")
    story.tell()
    seen = Seen(story, last=3)
    assert seen.told() == [(1, 0, 2, 0, 1), (2, 1, 2, 1, 0), (3, 3, 1, 2, 0)]
    assert seen.born() == {("a.py", "x"): [3], ("b.py", "z"): [2], ("b.py", "z2"): [3]}
    assert seen.back() == [("a.py", "x", 1, 3)]
    assert seen.head.back
    assert next(iter(seen.head.back.values()))[1].author == "Bo"


def test_what_came_and_went_within_the_range_is_no_regression(story):
    story.commit({"a.py": "A = 1\n"})
    story.commit({"a.py": "BAD_x = 1\n"})
    story.commit({"a.py": "A = 1\n"})
    story.commit({"a.py": "BAD_x = 1\n"})
    story.commit({"a.py": "A = 2\n"})
    story.tell()
    seen = Seen(story)
    assert seen.back() == []
    assert seen.born() == {}
    assert [row[3:] for row in seen.told()] == [(0, 0), (1, 0), (0, 1), (1, 0), (0, 1)]


def test_what_was_there_before_the_range_was_not_born_in_it(story):
    story.commit({"a.py": "BAD_x = 1\n"})
    story.commit({"a.py": "BAD_x = 1\nBAD_x = 2\n"})
    story.commit({"a.py": "BAD_x = 2\n"})
    story.tell()
    assert Seen(story, last=2).born() == {}
    assert Seen(story, last=2).told() == [(1, 2, 0, 1, 0), (2, 1, 0, 0, 1)]


def test_sites_follow_a_file_that_is_renamed(story):
    body = "".join(f"line_{n} = {n}\n" for n in range(30))
    story.commit({"a.py": f"{body}GOOD_x = 1\n"})
    story.commit({"a.py": f"{body}BAD_x = 1\n"})
    story.commit({"a.py": None, "pkg/b.py": f"{body}BAD_x = 1\n"})
    story.tell()
    seen = Seen(story)
    assert seen.born() == {("pkg/b.py", "x"): [1]}
    assert seen.told()[-1] == (2, 1, 0, 0, 0)


def test_a_file_that_becomes_a_test_leaves_production(story):
    body = "".join(f"line_{n} = {n}\n" for n in range(30))
    story.commit({"a.py": f"{body}BAD_x = 1\n"})
    story.commit({"a.py": None, "tests/test_a.py": f"{body}BAD_x = 1\n"})
    story.tell()
    assert Seen(story).told() == [(0, 1, 0, 1, 0), (1, 0, 0, 0, 1)]


def test_a_merge_takes_over_what_a_branch_brought(story):
    story.commit({"a.py": "A = 1\n", "b.py": "B = 1\n"})
    main = story.commit({"b.py": "B = 2\n"})
    side = story.commit({"a.py": "BAD_x = 1\n"}, 0)
    story.commit({"a.py": "BAD_x = 1\n"}, main, side)
    story.tell()
    seen = Seen(story)
    assert seen.born() == {("a.py", "x"): [side]}
    assert {row[0]: row[3] for row in seen.told()} == {0: 0, main: 0, side: 1, 3: 1}
    assert [point.on_line for point in seen.points] == [True, True, False, True]


def test_a_merge_that_brings_something_of_its_own_is_named(story):
    story.commit({"a.py": "A = 1\n"})
    main = story.commit({"b.py": "B = 2\n"})
    side = story.commit({"c.py": "C = 1\n"}, 0)
    merge = story.commit({"c.py": "C = 1\n", "a.py": "BAD_x = 1\n"}, main, side)
    story.tell()
    assert Seen(story).born() == {("a.py", "x"): [merge]}


def test_what_a_branch_took_out_is_its_commits_doing_not_the_merges(story):
    story.commit({"a.py": "BAD_x = 1\n"})
    main = story.commit({"b.py": "B = 2\n"})
    side = story.commit({"a.py": "A = 1\n"}, 0)
    merge = story.commit({"a.py": "A = 1\n"}, main, side)
    back = story.commit({"a.py": "BAD_x = 1\n"}, merge)
    story.tell()
    assert Seen(story).back() == [("a.py", "x", side, back)]


@pytest.mark.parametrize("branch", ["A = 1\nBAD_x = 1\n", "BAD_x = 1\n"])
def test_a_branch_from_before_something_went_has_not_brought_it_back(story, branch):
    story.commit({"a.py": "A = 1\n", "b.py": "B = 1\n"})
    shared = story.commit({"a.py": "BAD_x = 1\n"})
    side = story.commit({"a.py": branch, "b.py": "B = 2\n"}, shared)
    gone = story.commit({"a.py": "A = 1\n"}, shared)
    merge = story.commit({"a.py": branch}, gone, side)
    story.tell()
    assert Seen(story).back() == [("a.py", "x", gone, merge)]


def test_a_merge_takes_over_what_a_branch_brought_back(story):
    story.commit({"a.py": "A = 1\n"})
    story.commit({"a.py": "BAD_x = 1\n"}, 0)
    gone = story.commit({"a.py": "A = 1\n"})
    back = story.commit({"a.py": "BAD_x = 1\n"})
    main = story.commit({"b.py": "B = 1\n"}, 0)
    story.commit({"a.py": "BAD_x = 1\n"}, main, back)
    story.tell()
    assert Seen(story).back() == [("a.py", "x", gone, back)]


def test_what_a_branch_brought_is_found_where_the_other_side_has_renamed_the_file(story):
    body = "".join(f"line_{n} = {n}\n" for n in range(30))
    story.commit({"a.py": body})
    main = story.commit({"a.py": None, "b.py": body})
    side = story.commit({"a.py": f"{body}BAD_x = 1\n"}, 0)
    story.commit({"b.py": f"{body}BAD_x = 1\n"}, main, side)
    story.tell()
    assert Seen(story).born() == {("b.py", "x"): [side]}


def test_a_branch_from_before_the_range_counts_from_where_it_left(story):
    story.commit({"a.py": "A = 1\n", "old.py": "BAD_old = 1\n"})
    story.commit({"old.py": None})
    side = story.commit({"a.py": "BAD_x = 1\n"}, 0)
    main = story.commit({"b.py": "B = 2\n"}, 1)
    story.commit({"a.py": "BAD_x = 1\n"}, main, side)
    ids = story.tell()
    seen = Seen(story, revisions=f"{ids[1]}..{ids[4]}")
    assert sorted(seen.told()) == [(2, 2, 0, 1, 0), (3, 0, 0, 0, 0), (4, 1, 0, 1, 0)]
    assert seen.born() == {("a.py", "x"): [side]}


def test_only_files_below_the_root_count(story):
    story.commit({"sub/a.py": "BAD_x = 1\n", "other/b.py": "BAD_y = 1\n"})
    story.commit({"sub/a.py": "BAD_x = 1\nBAD_z = 1\n", "other/b.py": "BAD_y = 1\nBAD_w = 1\n"})
    story.tell()
    seen = Seen(story, root=story.root / "sub")
    assert seen.told() == [(0, 1, 0, 1, 0), (1, 2, 0, 1, 0)]
    assert seen.view.python == ("a.py",)


def test_a_shallow_clone_begins_where_it_begins_and_blames_nobody_for_what_was_there(story, tmp_path):
    for n in range(4):
        story.commit({"a.py": f"BAD_x = {n}\n" * (n + 1)})
    story.tell()
    story.git("clone", "--quiet", "--depth=2", story.root.as_uri(), str(tmp_path / "clone"))
    seen = Seen(story, root=tmp_path / "clone")
    assert seen.told() == [(2, 3, 0, 0, 0), (3, 4, 0, 1, 0)]
    assert seen.born() == {("a.py", "x"): [3]}
    assert seen.span.start is None


def test_a_blob_that_the_repository_lacks_is_told(story):
    story.commit({"a.py": "BAD_x = 1\n", "b.py": "BAD_y = 1\n"})
    story.tell()
    blob = story.git("rev-parse", "HEAD:a.py")
    (story.root / ".git" / "objects" / blob[:2]).mkdir(exist_ok=True)
    pack = story.git("rev-parse", "--git-path", "objects")
    _unpack(story, Path(story.root, pack))
    Path(story.root, pack, blob[:2], blob[2:]).unlink()
    seen = Seen(story)
    assert seen.view.known.missing == {blob.encode()}
    assert seen.told() == [(0, 1, 0, 1, 0)]


def _unpack(story, objects):
    """Have each object in a file of its own, so that one can be lost."""
    for pack in list((objects / "pack").glob("*.pack")):
        data = pack.read_bytes()
        for each in (objects / "pack").iterdir():
            each.unlink()
        story.git("unpack-objects", "-q", input=data)


@pytest.mark.parametrize("revisions", ["HEAD", "HEAD...main", "..HEAD", "HEAD..", "nowhere..HEAD", "--all..HEAD"])
def test_what_is_no_range_is_refused(story, revisions):
    story.commit({"a.py": "A = 1\n"})
    story.tell()
    with pytest.raises(RangeError, match=r"is no range|has no commit"):
        span(story.root, 40, revisions)


def test_a_range_without_commits_is_refused(story):
    story.commit({"a.py": "A = 1\n"})
    story.tell()
    with pytest.raises(RangeError, match="holds no commit"):
        span(story.root, 40, "HEAD..HEAD")


def test_a_view_has_what_the_commit_has_and_not_the_work_tree(story):
    story.commit({"a.py": "A = 1\n", "tests/test_a.py": "", "notes.txt": "x"})
    story.commit({"b.py": "B = 1\n"})
    story.tell()
    (story.root / "c.py").write_text("C = 1\n")
    (story.root / "a.py").write_text("A = 2\n")
    view = open_view(Config(story.root, options={NAME: Options(services=("tests",))}), "HEAD~1")
    assert view.python == ("a.py", "tests/test_a.py")
    assert view.read("a.py") == b"A = 1\n"
    assert view.read("notes.txt") == b"x"
    assert [view.scope(path) for path in view.python] == ["production", "test"]
    assert [view.service(path) for path in view.python] == ["(root)", "tests"]
    with pytest.raises(FileNotFoundError):
        view.read("b.py")


_TEXTS = st.lists(st.sampled_from(["BAD_a", "BAD_b", "GOOD_a", "other"]), max_size=4).map(
    lambda lines: "".join(f"{line} = 1\n" for line in lines)
)
_EDITS = st.dictionaries(st.sampled_from(["a.py", "tests/b.py", "c.py"]), st.none() | _TEXTS, max_size=2)


@settings(max_examples=25)
@given(edits=st.lists(st.tuples(_EDITS, st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=7))
def test_the_head_stands_as_it_would_on_its_own(tmp_path_factory, edits):
    """Whatever came before, merges and branches included, totals are those of the head's own files."""
    story = Story(tmp_path_factory.mktemp("story") / "project")
    story.commit({"keep.py": "x = 1\n"})
    for changes, parent, other in edits:
        first = min(parent, len(story._trees) - 1)
        there = story._trees[first]
        files = {path: text for path, text in changes.items() if text is not None or path in there}
        second = (other,) if other < first else ()
        story.commit(files, first, *second)
    story.tell()
    seen = Seen(story)
    alone = Seen(story, last=1)
    assert {key: value for key, value in seen.head.totals.items() if value.all} == {
        key: value for key, value in alone.head.totals.items() if value.all
    }
    bad = {
        (path, site.subject)
        for path in seen.view.python
        for site in seen.view.facts("debt", path) or ()
        if not site.good
    }
    assert seen.head.born.keys() == {
        (path, pattern) for path, pattern in seen.head.born if (path, pattern.subject) in bad
    }


def test_two_files_that_change_places_keep_their_own(story):
    one, two = ("".join(f"{name}_{n} = {n}\n" for n in range(30)) for name in ("one", "two"))
    story.commit({"a.py": one, "b.py": two})
    story.commit({"a.py": f"{one}BAD_x = 1\n"})
    story.commit({"b.py": f"{two}BAD_x = 1\n"})
    story.commit({"a.py": None, "b.py": None, "c/b.py": f"{one}BAD_x = 1\n", "c/a.py": f"{two}BAD_x = 1\n"})
    story.commit({"c/a.py": None, "c/b.py": None, "a.py": f"{two}BAD_x = 1\n", "b.py": f"{one}BAD_x = 1\n"})
    story.tell()
    assert Seen(story).born() == {("a.py", "x"): [2], ("b.py", "x"): [1]}


def test_a_table_of_spots_follows_a_swap():
    table = {("a.py", "p"): 1, ("b.py", "p"): 2, ("c.py", "p"): 3}
    _follow(table, {"a.py": "b.py", "b.py": "a.py"})
    assert table == {("b.py", "p"): 1, ("a.py", "p"): 2, ("c.py", "p"): 3}
