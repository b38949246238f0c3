"""The pages: what they hold, and how they behave in a real browser."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping
from html import unescape

import pytest
from browser import needs_chromium, shown, started
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.audit.html import render
from ssot_fix.audit.model import (
    AREAS,
    SEVERITIES,
    BrokenImport,
    BrokenModule,
    Chain,
    Check,
    Criterion,
    FileDiff,
    Finding,
    Key,
    KeyUse,
    Mention,
    Phase,
    Place,
    Point,
    Regression,
    Rejected,
    Removal,
    Report,
    Revision,
    Step,
    Summary,
    Tally,
    Validator,
)
from ssot_fix.edits import Applicability, Edit, FileResult, Status
from ssot_fix.edits import Finding as Site
from ssot_fix.project.history import Commit
from ssot_fix.report import dry_run_html
from ssot_fix.report.diff import unified_diff
from ssot_fix.report.html.changes import change
from ssot_fix.report.html.chart import chart
from ssot_fix.report.html.table import PAGE, Column, Details, Part, Row, Table

FIRST = Commit("1" * 40, "2025-09-01", "Ann Old", "the first")
SECOND = Commit("2" * 40, "2025-09-03", "Bob New", "the second")
HEAD = Commit("3" * 40, "2025-09-08", "Ann Old", "the head")
PROD = Place("app/main.py", 3, "production", "app")
TEST = Place("tests/test_main.py", 7, "test", "tests")

OLD = b"import os\nx = 1\n\n\n\n\n\n\n\n\na = os.getenv('A')  # <b>\nb = 2"
EDITS = (Edit(0, 9, b"from shared.env import get_env"), Edit(28, 42, b"get_env().get('A')"))


def finding(number: int = 0, **changes) -> Finding:
    area = list(AREAS)[number % len(AREAS)]
    values = {
        "area": area,
        "kind": f"kind-{number % 3}",
        "path": f"app/file_{number}.py",
        "line": number + 1,
        "subject": f"SUBJECT_{number}",
        "message": f"message {number}, not by `get_env_{number}`",
        "scope": "test" if number % 4 == 3 else "production",
        "severity": ("critical", "high", "medium", "low")[number % 4],
        "service": f"service-{number % 2}",
    }
    return Finding(**{**values, **changes})


def report(**changes) -> Report:
    """A small report with something of everything."""
    tallies = {"environment": Tally(1, 4), "imports": Tally(8, 9)}
    debt = finding(area="debt", kind="TODO", since=FIRST, owners=("@core",), remedy="left alone: nothing is about it")
    owed = dataclasses.replace(debt, accepted="for a reason", until="2025-09-02", expired=True, subject="TODO: late")
    values = {
        "project": "example",
        "head": HEAD,
        "start": FIRST,
        "points": (
            Point(SECOND, {"environment": Tally(0, 4), "imports": Tally(8, 9)}, {"environment": 1}, {}),
            Point(HEAD, tallies, {}, {"environment": 1}),
        ),
        "summaries": (
            Summary("environment", Tally(1, 4), Tally(0, 3), 3, 2, 1, {"high": 3}),
            Summary("imports", Tally(8, 9), Tally(9, 9), 1),
            Summary("encoding", Tally(), Tally()),
        ),
        "services": {"app": tallies, "tests": {"environment": Tally(2, 2)}},
        "findings": (*map(finding, range(60)), debt, owed),
        "keys": (
            Key(
                "A_URL",
                (KeyUse(PROD, "get", "os.environ", True, "'x'"),),
                (),
                ("'x'", "'y'"),
                ("conflicting-defaults",),
            ),
            *(Key(f"K_{n}", (KeyUse(TEST, "get", "shared.env:get_env", False),)) for n in range(6)),
        ),
        "imports": (
            BrokenImport("pkg.gone", "module", (PROD, TEST), 1, SECOND, "", "moved", "pkg.now", ("git renamed it",)),
            BrokenImport("pkg:name", "name", (TEST,), 0, None, "older than the range", "removed"),
        ),
        "modules": (
            BrokenModule("app/main.py", "production", "app", ("pkg.gone",), "", 1),
            BrokenModule("app/b.py", "production", "app", (), "app/main.py"),
        ),
        "removals": (
            Removal("class", "pkg:Old", "pkg/__init__.py", "production", "pkg", SECOND, "renamed", "pkg:New", 0.9),
            Removal(
                *("method", "pkg:Old.run", "pkg/__init__.py", "production", "pkg", SECOND, "gone"),
                mentions=(Mention(PROD, "string"),),
                evidence=("nothing is like it",),
                size=9,
            ),
        ),
        "validators": (
            Validator(
                "check", PROD, "user_id", ("none",), ("test_",), ("demo",), "", (Rejected(TEST, "test_1", "test_"),), 2
            ),
        ),
        "chains": (
            Chain("alembic", (Revision("a1", (), PROD), Revision("b2", ("a1",), PROD)), ("b2",), state=("behind",)),
        ),
        "regressions": (Regression("environment", "getenv", "A_URL", PROD, FIRST, HEAD, "came back"),),
        "checks": (Check("python -c 1", "failed", 1.5, 30, "one\ntwo\n"), Check("true", "passed", 0.1)),
        "criteria": (Criterion("No direct use", False, "3 are left"), Criterion("Other", None, "not looked at")),
        "phases": (Phase("Rewrite", "cheap", (Step("UTF-8", "high", 4, "ssot-fix --write", ("app",)),)),),
        "diffs": (FileDiff("app/main.py", OLD, EDITS), FileDiff("lib/x.py", b"a\r\n", (Edit(0, 1, b"b"),))),
        "notes": ("2 objects are missing",),
    }
    return Report(**{**values, **changes})


EMPTY = Report("empty", HEAD, None, (), (), {}, ())


def text_of(page: bytes) -> str:
    """What a page says without its script: tags are left out."""
    body = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


# Without a browser


def test_the_same_report_makes_the_same_bytes():
    assert render(report()) == render(report())


def test_an_empty_report_says_that_nothing_was_found():
    text = text_of(render(EMPTY))
    for said in (
        "No area was looked at",
        "No commits in the range",
        "Every import leads somewhere",
        "No command was run",
    ):
        assert said in text
    assert "Success criteria" not in text


def test_the_policy_names_the_style_and_the_script_and_nothing_else():
    page = render(report()).decode()
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    hashes = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in re.findall(r"<(style|script)>(.*?)</\1>", page, flags=re.DOTALL)
    }
    rest = f"style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'"
    assert policy == f"default-src 'none'; {rest}; base-uri 'none'; form-action 'none'"
    assert not re.search(r"(?:src|href)=[\"']?(?!#)[^\"'> ]", page)
    assert " style=" not in page.partition("</style>")[2].partition("<script>")[0]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0], [0, 1]),
        ([315, 315], [0, 100, 200, 300, 400]),
        ([3, 0, 1], [0, 1, 2, 3]),
        ([1826, None, 1790], [1700, 1750, 1800, 1850]),
        ([5, 500], [0, 200, 400, 600]),
        ([480, 479], [450, 460, 470, 480]),
    ],
)
def test_axes_have_round_values_around_all_others(values, ticks):
    made = chart("any", values)
    assert [tick.value for tick in made.ticks] == ticks
    assert [dot and dot.value for dot in made.dots] == values
    assert all(made.ticks[-1].y <= dot.y <= made.ticks[0].y for dot in made.known)


def test_a_line_has_a_gap_where_nothing_is_known():
    assert re.findall("[ML]", chart("any", [1, 2, None, 3, 4]).line) == ["M", "L", "M", "L"]


def test_a_diff_tells_lines_and_words():
    made = change("a.py", OLD, EDITS)
    assert (made.added, made.removed) == (2, 2)
    lines = made.text.split("\n")
    assert lines[:3] == [
        "@@ -1,4 +1,4 @@",
        "-import <del>os</del>",
        "+<ins>from shared.env </ins>import <ins>get_env</ins>",
    ]
    assert lines[-5:] == [
        "-a = <del>os.getenv</del>(&#39;A&#39;)  # &lt;b&gt;",
        "+a = <ins>get_env().get</ins>(&#39;A&#39;)  # &lt;b&gt;",
        " b = 2",
        "\\ No newline at end of file",
        "",
    ]


@given(st.data())
def test_a_diff_without_its_elements_is_the_unified_diff(data):
    old = data.draw(st.text("ab<&' \n", max_size=80)).encode()
    bounds = sorted(data.draw(st.lists(st.integers(0, len(old)), max_size=6)))
    texts = st.text("ab<&' \n", max_size=12).map(str.encode)
    edits = [Edit(start, end, data.draw(texts)) for start, end in zip(bounds[::2], bounds[1::2], strict=False)]
    lines = unescape(re.sub("</?(?:ins|del)>", "", change("x.py", old, edits).text))
    assert lines.encode() == unified_diff("x.py", old, edits).partition(b"+++ b/x.py\n")[2]


def test_each_cell_is_told_once_and_cut_if_it_is_long():
    columns = (Column("One"), Column("Two", "number"))
    rows = [Row(("same", 1), [Details("more", ["same", "\x1b[0m"])]), Row(("same", 2)), Row(((Part("x" * 700),), 1))]
    told = Table("id", "caption", "things", columns, rows).data
    assert told["rows"] == [[0, 1], [0, 2], [3, 1]]
    assert told["details"] == {"0": [("more", [0, 4])]}
    assert told["pool"][:3] + told["pool"][4:] == ["same", 1, 2, "^[[0m"]
    assert told["pool"][3][0].text == "x" * 600 + "… (100 more characters)"


def test_without_scripts_the_first_rows_are_there_and_the_rest_is_owned_up_to():
    text = text_of(render(report()))
    assert f"The first {PAGE} of 62 findings; with scripts allowed, this page shows all." in text
    assert "SUBJECT_0" in text


# Hostile input

PAYLOADS = (
    "</script><script>alert({})</script>",
    '"><img src=x onerror=alert({})>',
    "' onmouseover='alert({})",
    "<!--<script>{}",
    "{{{{ 7*7 }}}}{}",
    "\u202e\0\x1b[2J\udcff</title></style></textarea>{}",
    "a\nb\r\u2028{}&lt;" + "y" * 500,
    "w" * 580 + "{}",
    "reads `<b>{}</b>` not by `` or `'`, `&amp;`",
)


def poisoned(value, counter: Iterator[int]):
    """The value with a payload of its own in every text but the names of areas and severities."""
    if isinstance(value, bytes | bool | int | float | Edit | None) or value in (*AREAS, *SEVERITIES):
        return value
    if isinstance(value, str):
        number = next(counter)
        return PAYLOADS[number % len(PAYLOADS)].format(f"#{number}#")
    if isinstance(value, Mapping):
        return {poisoned(key, counter): poisoned(each, counter) for key, each in value.items()}
    if dataclasses.is_dataclass(value):
        told = {field.name: poisoned(getattr(value, field.name), counter) for field in dataclasses.fields(value)}
        return type(value)(**told)
    parts = [poisoned(each, counter) for each in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


@pytest.fixture(scope="module")
def hostile() -> bytes:
    return render(poisoned(report(), iter(range(10_000))))


def test_every_text_of_a_report_is_told(hostile):
    count = iter(range(10_000))
    poisoned(report(), count)
    missing = [number for number in range(next(count)) if f"#{number}#".encode() not in hostile]
    assert missing == []


# In a browser


@pytest.fixture(scope="session")
def browser():
    with started() as made:
        yield made


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """The small report, opened once; tests undo what they do."""
    with shown(browser, tmp_path_factory.mktemp("page"), render(report())) as watched:
        yield watched.page


def rows(page, table: str) -> list[str]:
    return page.locator(f"#{table} tbody tr:not(.details, .empty)").all_inner_texts()


@needs_chromium
def test_search_and_filters_narrow_a_table_and_say_how_far(page):
    table = page.locator("#list")
    status = table.get_by_role("status")
    assert status.inner_text() == "62 findings"
    assert len(rows(page, "list")) == PAGE
    table.get_by_label("Search").fill("  FILE_1 message")
    assert status.inner_text() == "11 of 62 findings"
    assert all("app/file_1" in row for row in rows(page, "list"))
    table.get_by_label("Search").fill("")
    wanted = {"Severity": "high", "Area": "Imports", "Kind": "kind-1", "Scope": "production", "Service": "service-1"}
    for title, value in wanted.items():
        select = table.get_by_label(title, exact=True)
        option = select.locator("option", has_text=value).first
        select.select_option(option.get_attribute("value"))
        assert all(value in row for row in rows(page, "list")), title
    assert status.inner_text() == "3 of 62 findings"
    table.get_by_label("Search").fill("<nothing>")
    assert rows(page, "list") == []
    assert status.inner_text() == "0 of 62 findings"
    table.get_by_role("button", name="Clear").click()
    assert status.inner_text() == "62 findings"


@needs_chromium
@pytest.mark.parametrize(
    ("table", "title", "value", "left"),
    [
        ("keys", "Problems", "conflicting-defaults", ["A_URL"]),
        ("keys", "Access", "direct", ["A_URL"]),
        ("keys", "Scope", "production", ["A_URL"]),
        ("list", "Way out", "expired", ["TODO"]),
    ],
)
def test_each_part_of_a_cell_can_be_filtered_by(page, table, title, value, left):
    explorer = page.locator(f"#{table}")
    select = explorer.get_by_label(title, exact=True)
    select.select_option(label=f"{value} (1)")
    assert [row for row, name in zip(rows(page, table), left, strict=True) if name not in row] == []
    explorer.get_by_role("button", name="Clear").click()


@needs_chromium
def test_rows_are_sorted_by_number_rank_or_text(page):
    where = page.locator("#list th", has_text="Where")
    where.get_by_role("button").click()
    assert where.get_attribute("aria-sort") == "ascending"
    assert [re.search(r"file_\d+", row)[0] for row in rows(page, "list")[:5]] == [f"file_{n}" for n in (0, 0, 0, 1, 2)]
    where.get_by_role("button").click()
    assert where.get_attribute("aria-sort") == "descending"
    assert "file_59" in rows(page, "list")[0]
    severity = page.locator("#list th", has_text="Severity")
    severity.get_by_role("button").click()
    assert where.get_attribute("aria-sort") is None
    assert "critical" in rows(page, "list")[0]


@needs_chromium
def test_parts_of_a_table_are_turned_over(page):
    table = page.locator("#list")
    table.get_by_role("button", name="Next").click()
    assert len(rows(page, "list")) == 12
    assert "51 to 62 of 62" in table.inner_text()
    assert table.get_by_role("button", name="Next").is_disabled()
    table.get_by_role("button", name="Previous").click()
    assert len(rows(page, "list")) == PAGE


@needs_chromium
def test_an_area_leads_to_its_findings(page):
    page.locator("#environment").get_by_role("link", name="8 findings of this area in the list of all").click()
    assert all("Environment" in row for row in rows(page, "list"))
    assert page.locator("#list").get_by_role("status").inner_text() == "8 of 62 findings"
    page.locator("#list").get_by_role("button", name="Clear").click()


@needs_chromium
def test_a_row_shows_its_details_by_keyboard(page):
    toggle = page.get_by_role("button", name="Details: A_URL, conflicting-defaults")
    assert toggle.get_attribute("aria-expanded") == "false"
    toggle.focus()
    page.keyboard.press("Enter")
    details = page.locator("#keys .details")
    assert details.inner_text().split() == [
        "Readers",
        "app/main.py:3",
        "production",
        "get",
        "os.environ",
        "default",
        "'x'",
    ]
    page.keyboard.press("Enter")
    assert details.count() == 0


@needs_chromium
def test_diffs_are_built_when_they_are_opened_side_by_side_with_the_words_that_differ(page):
    first, second = page.locator("#files details").all()
    assert page.locator(".split").count() == 0
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    table = first.locator(".split")
    table.wait_for()
    assert page.locator(".split").count() == 1
    cells = table.locator("tr", has=page.locator("td.del")).first.locator("td")
    assert [cell.get_attribute("data-line") or cell.inner_text() for cell in cells.all()] == [
        *("1", "import os", "1", "from shared.env import get_env")
    ]
    assert table.locator("mark").all_inner_texts()[0] == "os"
    assert table.locator("td.del").last.inner_text() == "a = os.getenv('A')  # <b>"
    assert table.locator("tr").last.inner_text().count("(no newline at the end)") == 2
    page.get_by_role("button", name="Collapse all").click()
    page.get_by_role("button", name="Expand all").click()
    second.locator(".split").wait_for()
    page.get_by_label("Search paths").fill("LIB/")
    assert [file.is_visible() for file in (first, second)] == [False, True]
    page.get_by_label("Search paths").fill("")


@needs_chromium
def test_the_charts_tell_one_commit_at_a_time(page):
    slider = page.get_by_label("Commit", exact=True)
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator("#read").inner_text() == "2222222222, 2025-09-03, Bob New: the second"
    assert page.locator("figure .value").all_inner_texts() == ["4", "1"]
    assert slider.get_attribute("aria-valuetext").endswith("Environment 4; Imports 1")
    page.keyboard.press("Tab")
    assert page.locator("figure .value").all_inner_texts() == ["4 → 3", "1 → 1"]


@needs_chromium
def test_the_keyboard_reaches_the_report_first_and_the_theme_next(page):
    page.reload()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    before = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Light theme").is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before
    page.keyboard.press("Space")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == before


@needs_chromium
def test_a_command_is_copied_or_at_least_selected(page):
    page.locator("#plan").get_by_role("button", name="Copy").click()
    told = page.locator("#told", has_text=re.compile("Copied|Selected"))
    told.wait_for(state="attached")
    if told.inner_text() != "Copied":
        assert page.evaluate("getSelection().toString()") == "ssot-fix --write"


CONTRAST = """() => {
  const probe = document.createElement("i");
  document.body.append(probe);
  const light = (color) => {
    probe.style.color = color;
    const values = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255);
    const [r, g, b] = values.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pairs = [];
  for (const front of ["text", "muted", "accent", "good", "bad"]) pairs.push([front, "page"], [front, "raised"]);
  for (const kind of ["good", "warn", "bad"]) pairs.push([kind, kind + "-back"]);
  for (const kind of ["good", "bad"]) pairs.push(["text", kind + "-back"], ["text", kind + "-word"]);
  const found = pairs.map(([front, back]) => {
    const [a, b] = [light(`var(--${front})`), light(`var(--${back})`)];
    return [front + " on " + back, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  });
  probe.remove();
  return found.filter(([, ratio]) => !(ratio >= 4.5));
}"""


@needs_chromium
def test_text_has_enough_contrast_in_both_themes(page):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == []  # WCAG 2.2, 1.4.3, level AA


@needs_chromium
def test_on_paper_there_are_all_rows_and_no_controls(page):
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(rows(page, "list")) == 62
    assert page.get_by_text("one two").is_visible()
    assert not any(
        control.is_visible() for control in page.locator(".control, .timeline, main button:not(th *), #theme").all()
    )
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen", color_scheme="light")
    assert len(rows(page, "list")) == PAGE
    assert not page.get_by_text("one two").is_visible()


@needs_chromium
def test_what_is_hostile_is_only_text(browser, tmp_path, hostile):
    with shown(browser, tmp_path, hostile) as watched:
        page = watched.page
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        page.evaluate("for (const each of document.querySelectorAll('.more')) each.click()")
        page.locator("#files").scroll_into_view_if_needed()
        page.locator(".split").nth(1).wait_for(state="attached")
        injected = "img, iframe, style ~ style, [onerror], [onmouseover], main script:not([type='application/json'])"
        assert page.locator(injected).count() == 0
        text = page.locator("main").inner_text()
        assert '"><img src=x onerror=alert(' in text
        assert "</script><script>alert(" in text
        assert "\\u202e^@^[[2J\\udcff" in text
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@needs_chromium
def test_ten_thousand_findings_are_shown_in_parts(browser, tmp_path):
    many = report(findings=tuple(map(finding, range(10_000))), diffs=())
    with shown(browser, tmp_path, render(many)) as watched:
        page, count = watched.page, "document.querySelectorAll('*').length"
        assert page.evaluate(count) < 4000
        page.locator("#list").get_by_label("Search").fill("file_99")
        assert page.locator("#list").get_by_role("status").inner_text() == "111 of 10,000 findings"
        page.locator("#list").get_by_label("Area", exact=True).select_option(label="Debt (1,250)")
        assert page.locator("#list").get_by_role("status").inner_text() == "15 of 10,000 findings"
        page.locator("#list").get_by_role("button", name="Clear").click()
        page.locator("#list th", has_text="Kind").get_by_role("button").click()
        assert page.evaluate(count) < 4000


@needs_chromium
@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_never_scrolls_sideways_and_scripts_may_be_off(browser, tmp_path, scripts):
    size = {"width": 360, "height": 740}
    with shown(browser, tmp_path, render(report()), viewport=size, java_script_enabled=scripts) as watched:
        page = watched.page
        for summary in page.locator("summary").all():
            summary.click()
        assert page.locator("pre.unified").first.is_visible()
        assert page.get_by_text("app/file_0.py:1", exact=True).first.is_visible()
        assert page.locator("#list code", has_text="get_env_0").first.is_visible()
        assert page.get_by_role("button", name="Clear").count() == (3 if scripts else 0)
        if scripts:
            assert page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]") == [360, 360]


# The run's report


def site(**changes) -> Site:
    values = {"codemod": "a-codemod", "path": "app/main.py", "line": 11, "column": 5, "end_line": 11, "end_column": 19}
    values |= {"kind": "getenv", "status": Status.REWRITTEN, "applicability": Applicability.SAFE, "reason": None}
    values |= {"message": "goes round", "replacement": "get_env().get('A')", "scope": "production"}
    return Site(**{**values, **changes})


def results() -> list[FileResult]:
    refused = site(status=Status.REFUSED, reason="no-move", replacement=None, line=2)
    return [
        FileResult("app/main.py", (site(replacement="one\n  two"), refused), EDITS, hashlib.sha256(OLD).digest()),
        FileResult("b.py", (), (Edit(0, 0, b"x"),), b"of other bytes"),
        FileResult("c.py", error="c.py can't be read: it is a folder"),
    ]


def test_the_page_of_a_run_tells_what_changes_and_what_is_left_alone():
    reasons = [{"no-move": "Nobody knows where it went. Say so in the settings."}]
    page = dry_run_html.render(results(), {"app/main.py": OLD, "b.py": b""}, 9, reasons, ["a note"])
    text = text_of(page)
    assert "9 files scanned, 2 would change, 1 failed" in text
    assert "no-move 1 Nobody knows where it went" in text
    assert "c.py c.py can't be read: it is a folder" in text
    assert "1 file: 2 lines added, 2 removed. ssot-fix --write makes the changes." in text  # b.py is not what was seen
    assert "a note" in text
    assert b'["  two","code",""]' in page
    written = text_of(dry_run_html.render(results(), {"app/main.py": OLD}, 9, is_written=True))
    assert "9 files scanned, 2 changed" in written
    assert "--write" not in written


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_run_over_hostile_names_is_only_text(payload):
    names = {"codemod": payload, "path": payload, "kind": payload, "message": payload, "reason": payload}
    refused = site(**names, replacement=payload, status=Status.REFUSED)
    result = FileResult(payload, (refused,), EDITS, hashlib.sha256(OLD).digest())
    found = [result, FileResult(payload, error=payload)]
    page = dry_run_html.render(found, {payload: OLD}, 1, [{payload: payload}], [payload]).decode()
    told = page.partition("</style>")[2].rpartition("<script>")[0]
    assert not re.search(r"<(?:img|script>|!--)", told)
    assert "' onmouseover" not in told
    assert not re.search("[\0\x1b\u202e\u2028]", told)


def test_the_command_writes_the_page(repository, ssot_fix):
    project = repository({"app.py": "import os\n\nprint(os.getenv('<b>'))\n"})
    assert ssot_fix(project, "--dry-run", "--format", "html", "--output", "page.html").stdout == b""
    page = (project.root / "page.html").read_bytes()
    assert b"-print(<del>os.getenv" in page
    assert b"&lt;b&gt;" in page
    assert project.changed() == ["page.html"]
    written = ssot_fix(project, "--write", "--format", "html").stdout
    assert b"<title>What ssot-fix changed</title>" in written
    assert re.findall(b"<pre.*?</pre>", written, re.DOTALL) == re.findall(b"<pre.*?</pre>", page, re.DOTALL)
