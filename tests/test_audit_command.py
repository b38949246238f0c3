"""`ssot-fix audit` as people run it: on repositories with a history, from the command line."""

from __future__ import annotations

import json

import pytest
from cases import ACCESSOR

READS = 'import os\n\nNAME = os.getenv("APP_NAME", "app")\n'
MOVED = 'from shared.isolated_environment import get_env\n\nNAME = get_env().get("APP_NAME", "app")\n'


@pytest.fixture
def platform(story):
    """A small platform with something in every area, and a variable that came back."""
    story.commit({**ACCESSOR, "app/__init__.py": "", "app/names.py": READS, "app/old.py": "class Engine:\n    pass\n"})
    story.commit({"app/names.py": MOVED}, subject="Move APP_NAME", author="Ada")
    story.commit(
        {
            "app/old.py": None,
            "app/run.py": "from app.old import Engine\n\nENGINE = Engine()\n",
            "app/files.py": "def read(path: str) -> str:\n    with open(path) as file:\n        return file.read()\n",
        },
        subject="Drop the old engine",
        author="Bo",
    )
    story.commit(
        {"app/names.py": READS, "app/todo.py": "# TODO: write this\ndef later():\n    raise NotImplementedError\n"},
        subject="Read it directly after all",
        author="Cy",
    )
    story.tell()
    return story


def report_of(ssot_fix, story, *options, **run):
    return json.loads(ssot_fix(story.root, "audit", "--format", "json", *options, **run).stdout)


def places(report, area):
    return [
        (each["kind"], each["path"], each["line"], each["subject"])
        for each in report["findings"]
        if each["area"] == area
    ]


def test_a_report_holds_what_is_there_and_nothing_else(platform, ssot_fix):
    report = report_of(ssot_fix, platform, "--last", "3")
    assert places(report, "environment") == [("get", "app/names.py", 3, "APP_NAME")]
    assert places(report, "imports") == [("module", "app/run.py", 1, "app.old:Engine")]
    assert [each[:3] for each in places(report, "encoding")] == [("open", "app/files.py", 2)]
    assert [each[:3] for each in places(report, "debt")] == [
        ("TODO", "app/todo.py", 1),
        ("NotImplementedError", "app/todo.py", 3),
    ]
    assert report["start"]["id"] == platform.ids[0]
    assert [point["commit"]["id"] for point in report["points"]] == list(platform.ids[1:])


def test_what_came_back_is_named_with_who_took_it_out_and_who_brought_it_back(platform, ssot_fix):
    (back,) = report_of(ssot_fix, platform)["regressions"]
    assert (back["place"]["path"], back["subject"]) == ("app/names.py", "APP_NAME")
    assert (back["removed"]["author"], back["back"]["author"]) == ("Ada", "Cy")


def test_a_broken_import_names_the_commit_that_broke_it(platform, ssot_fix):
    report = report_of(ssot_fix, platform)
    (broken,) = report["imports"]
    assert broken["commit"]["author"] == "Bo"
    assert [(each["kind"], each["name"], each["fate"]) for each in report["removals"]] == [
        ("module", "app.old", "gone")
    ]


def test_what_a_run_would_rewrite_has_its_command(platform, ssot_fix):
    found = {each["area"]: each for each in report_of(ssot_fix, platform)["findings"]}
    assert found["environment"]["is_rewritable"]
    assert found["environment"]["remedy"] == "ssot-fix --write --codemod isolated-environment app/names.py"
    assert not found["imports"]["is_rewritable"]


def test_what_one_line_asks_for_has_remedies_of_its_own(story, ssot_fix):
    story.commit({"app/__init__.py": "", "app/old.py": "class Engine: ...\nclass Motor: ...\n"})
    story.commit({"app/old.py": "", "app/run.py": "from app.old import Engine, Motor, Never\n"})
    story.tell()
    found = {each["message"]: each["remedy"] for each in report_of(ssot_fix, story)["findings"]}
    assert len(found) == 3
    assert all(message in remedy for message, remedy in found.items())
    text = ssot_fix(story.root, "audit").stdout.decode()
    assert "2 of them removed without a replacement, 1 never there" in " ".join(text.split())


@pytest.mark.parametrize("format", ["text", "md", "json", "html"])
def test_every_format_says_the_same_again(platform, ssot_fix, format):
    first = ssot_fix(platform.root, "audit", "--format", format, "--jobs", "1")
    again = ssot_fix(platform.root, "audit", "--format", format, "--jobs", "2")
    fresh = ssot_fix(platform.root, "audit", "--format", format, "--no-cache")
    assert first.stdout == again.stdout == fresh.stdout
    assert b"APP_NAME" in first.stdout


def test_the_work_tree_plays_no_part(platform, ssot_fix):
    before = report_of(ssot_fix, platform)
    (platform.root / "app" / "names.py").write_text("x = 1\n")
    (platform.root / "app" / "more.py").write_text(READS)
    assert report_of(ssot_fix, platform) == before


@pytest.mark.parametrize("unreadable", ["def broken(:\n", "\udcff", None])
def test_a_version_that_cannot_be_read_has_taken_nothing_out(story, ssot_fix, unreadable):
    code = "# TODO: this\nFILE = open('a.txt')\n"
    story.commit({"a.py": code}, author="Bo")
    broken = f"{code}{unreadable}".encode("utf-8", "surrogateescape")
    story.commit({"a.py": broken})
    story.commit({"a.py": f"{code}X = 1\n"})
    story.tell()
    if unreadable is None:
        blob = story.git("rev-parse", "HEAD~:a.py")
        (story.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    report = report_of(ssot_fix, story)
    assert {each["since"]["author"] for each in report["findings"] if each["area"] != "debt"} == {"Bo"}
    assert report["regressions"] == []
    assert [point["brought"] or point["taken"] for point in report["points"][1:]] == [{}, {}]
    report = report_of(ssot_fix, story, "--last", "1")
    assert {each["since"] and each["since"]["author"] for each in report["findings"]} <= {None, "Bo"}
    assert report["points"][0]["brought"] == {}


def test_at_the_head_what_cannot_be_read_holds_nothing(story, ssot_fix):
    story.commit({"a.py": "FILE = open('a.txt')\n"})
    story.commit({"a.py": "FILE = open('a.txt')\ndef broken(:\n"})
    story.tell()
    report = report_of(ssot_fix, story)
    assert report["findings"] == []
    assert report["summaries"][0]["now"]["all"] == 0


@pytest.mark.parametrize("damage", [lambda _: None, lambda _: b"no object", lambda data: data[:40]])
@pytest.mark.parametrize("is_clean", [True, False])
def test_a_file_of_the_head_that_git_lacks_or_has_damaged_ends_nothing(story, ssot_fix, damage, is_clean):
    story.commit({"a.py": "FILE = open('a.txt')\n", "b.py": "".join(f"# TODO: {n * n}\n" for n in range(99))})
    story.tell()
    blob = story.git("rev-parse", "HEAD:b.py")
    path = story.root / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    left = damage(path.read_bytes())
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    if not is_clean:
        (story.root / "a.py").write_text("x = 1\n")
    report = report_of(ssot_fix, story)
    assert [each["path"] for each in report["findings"]] == ["a.py"]
    assert any("not in the repository" in note for note in report["notes"])
    assert any("would rewrite is not known" in note for note in report["notes"]) != is_clean


def test_a_sparse_checkout_plays_no_part(platform, ssot_fix):
    before = report_of(ssot_fix, platform, "--no-cache")
    assert before["diffs"]
    platform.git("sparse-checkout", "set", "shared")
    assert not (platform.root / "app").exists()
    assert report_of(ssot_fix, platform, "--no-cache") == before


def test_ways_to_write_paths_that_the_user_has_chosen_play_no_part(platform, ssot_fix):
    assert report_of(ssot_fix, platform, extra={"GIT_ICASE_PATHSPECS": "1"})["findings"]


def test_a_commit_without_author_date_and_message(story, ssot_fix):
    story.commit({"a.py": "x = 1\n"})
    story.tell()
    tree = story.git("rev-parse", "HEAD^{tree}")
    data = f"tree {tree}\nparent {story.ids[0]}\nauthor  <> xx\ncommitter <\n\n".encode()
    commit = story.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", input=data)
    story.git("update-ref", "HEAD", commit)
    head = report_of(ssot_fix, story)["head"]
    assert head == {"id": commit, "date": "1970-01-01", "author": "", "subject": ""}


def test_an_object_that_came_later_is_looked_at(story, ssot_fix):
    story.commit({"a.py": "# TODO: one\n"})
    story.commit({"a.py": "x = 1\n"})
    story.tell()
    blob = story.git("rev-parse", "HEAD~:a.py")
    lost = story.root / ".git" / "objects" / blob[:2] / blob[2:]  # git packs only many
    held = lost.read_bytes()
    lost.unlink()
    assert "not in the repository" in report_of(ssot_fix, story)["notes"][0]
    lost.write_bytes(held)
    report = report_of(ssot_fix, story)
    assert not any("not in the repository" in note for note in report["notes"])
    assert report["points"][0]["brought"] == {"debt": 1}


def test_a_history_that_became_longer_is_read_anew(story, ssot_fix, tmp_path):
    story.commit({"a.py": "x = 1\n"})
    story.commit({"a.py": "x = 1\n# TODO: one\n"}, author="Bo")
    for n in range(3):
        story.commit({"b.py": f"x = {n}\n"})
    story.tell()
    clone = tmp_path / "clone"
    story.git("clone", "--quiet", "--depth=3", story.root.as_uri(), str(clone))

    def since():
        report = json.loads(ssot_fix(clone, "audit", "--format", "json", "--last", "1").stdout)
        return report["findings"][0]["since"]

    assert since() is None
    story.git("-C", str(clone), "fetch", "--quiet", "--depth=5")
    assert since()["author"] == "Bo"


def test_an_object_that_was_replaced_is_read_anew(story, ssot_fix):
    story.commit({"a.py": "# TODO: one\n"})
    story.tell()
    assert len(report_of(ssot_fix, story)["findings"]) == 1
    tree = story.git("mktree", input=b"")
    other = story.git("-c", "user.name=A", "-c", "user.email=a@example.invalid", "commit-tree", "-m", "x", tree)
    story.git("replace", story.ids[0], other)
    assert report_of(ssot_fix, story)["findings"] == []


def test_a_range_ends_where_it_is_said(platform, ssot_fix):
    report = report_of(ssot_fix, platform, "--range", f"{platform.ids[0]}..{platform.ids[1]}")
    assert report["head"]["id"] == platform.ids[1]
    assert places(report, "environment") == []
    assert report["regressions"] == []


def test_output_goes_to_a_file(platform, ssot_fix, tmp_path):
    done = ssot_fix(platform.root, "audit", "--format", "html", "--output", tmp_path / "audit.html")
    assert done.stdout == b""
    assert (tmp_path / "audit.html").read_bytes().startswith(b"<!DOCTYPE html>")


def test_the_gate_by_percent(platform, ssot_fix):
    ssot_fix(platform.root, "audit", "--fail-under", "0")
    done = ssot_fix(platform.root, "audit", "--fail-under", "99.5", expect=1)
    assert b"less than 99.5 %" in done.stderr


def test_a_baseline_is_begun_and_holds_and_only_shrinks(platform, ssot_fix):
    missing = ssot_fix(platform.root, "audit", "--baseline", "known.json", expect=2)
    assert b"--update-baseline begins it" in missing.stderr
    ssot_fix(platform.root, "audit", "--baseline", "known.json", "--update-baseline")
    ssot_fix(platform.root, "audit", "--baseline", "known.json")
    known = json.loads((platform.root / "known.json").read_bytes())["findings"]
    fewer = [each for each in known if each["area"] != "environment"]
    (platform.root / "known.json").write_text(json.dumps({"version": 1, "findings": fewer}))
    done = ssot_fix(platform.root, "audit", "--baseline", "known.json", "--update-baseline", expect=1)
    assert b"app/names.py:3: not in the baseline" in done.stderr
    assert len(json.loads((platform.root / "known.json").read_bytes())["findings"]) == len(fewer)


def test_commands_run_only_if_that_is_asked_for(story, ssot_fix):
    settings = '[[verify]]\nrun = "echo done > ran.txt"\n\n[[verify]]\nrun = "echo broken; exit 3"\n'
    story.commit({"ssot-fix.toml": settings, "a.py": "x = 1\n"})
    story.tell()
    checks = report_of(ssot_fix, story)["checks"]
    assert [each["result"] for each in checks] == ["not run", "not run"]
    assert not (story.root / "ran.txt").exists()
    done = ssot_fix(story.root, "audit", "--format", "json", "--verify", expect=1)
    assert b"`echo broken; exit 3` failed" in done.stderr
    checks = json.loads(done.stdout)["checks"]
    assert [each["result"] for each in checks] == ["passed", "failed"]
    assert checks[1]["tail"].strip() == "broken"
    assert (story.root / "ran.txt").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--range", "nowhere..HEAD"), b"git has no commit `nowhere` here"),
        (("--range", "HEAD"), b"write A..B"),
        (("--last", "0"), b"--last"),
        (("--fail-under", "nan"), b"--fail-under"),
        (("--update-baseline",), b"--update-baseline goes with --baseline"),
    ],
)
def test_wrong_usage(platform, ssot_fix, options, said):
    assert said in ssot_fix(platform.root, "audit", *options, expect=2).stderr


def test_without_git_there_is_nothing_to_audit(tmp_path, ssot_fix):
    (tmp_path / "a.py").write_text("x = 1\n")
    for command in ("audit", "env"):
        assert b"not in a git repository" in ssot_fix(tmp_path, command, expect=2).stderr


def test_a_repository_without_commits(story, ssot_fix, command_environment):
    story.root.mkdir()
    story.git("init", "--quiet")
    assert b"git has no commit `HEAD`" in ssot_fix(story.root, "audit", expect=2).stderr


def test_a_repository_without_python(story, ssot_fix):
    story.commit({"README.md": "nothing here\n"})
    story.tell()
    report = report_of(ssot_fix, story)
    assert report["findings"] == []
    ssot_fix(story.root, "audit")
    ssot_fix(story.root, "audit", "--format", "md")
    ssot_fix(story.root, "audit", "--format", "html")


def test_hostile_names_subjects_and_code(story, ssot_fix):
    nasty = "a\n\x1b[31m<script>alert(1)<!--.py"
    story.commit({nasty: READS, "bad.py": "def f(:\n", "nul.py": b"x = '\0'\n", "latin.py": b"# \xff open(x)\n"})
    story.commit(
        {"b.py": READS}, subject="</script><img src=x onerror=alert(1)> | `x` @everyone", author="'B' & `x` |"
    )
    story.tell()
    for format in ("text", "md", "json", "html"):
        done = ssot_fix(story.root, "audit", "--format", format)
        assert b"\x1b" not in done.stdout
        if format in {"md", "html"}:
            assert b"<img src=x" not in done.stdout
            assert b"<script>alert" not in done.stdout
