"""What a pull request says, in GitHub's Markdown. Nothing in it mentions anybody or closes anything by accident."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ssot_fix.delivery.commands import Ran
from ssot_fix.delivery.message import by_reason, counted, what_and_why
from ssot_fix.delivery.proposals import Proposal
from ssot_fix.delivery.verify import Verified
from ssot_fix.edits import Finding, Status
from ssot_fix.engine.contract import Codemod
from ssot_fix.report.diff import printable
from ssot_fix.report.markdown import code, code_cell, plain, plain_cell, shortened, unlinked

_ROOM = 40_000  # characters, of 65,536 that GitHub takes; the marker is up to 17,000, and some may be escaped
_FILES_PER_REASON = 20
_LINES_PER_FILE = 20
_LONGEST_TITLE = 200  # GitHub takes 256

PROVED = """\
For every file here, on its new text: it parses as before; nothing but the sites and imports named here has changed;
every name that was put in means what it should, and none that was there has lost its meaning; every new import
resolves, without a new cycle; and another run changes nothing."""


@dataclass(frozen=True, slots=True)
class Story:
    """What a body tells of: a proposal, its catalog, and what reason codes mean in a line; `base` is a branch's name.

    `command` is the command line that makes it, `question` the hash of what was asked.
    """

    proposal: Proposal
    catalog: Mapping[str, Codemod]
    headlines: Mapping[str, str]
    base: str
    command: str
    question: str


def title(story: Story) -> str:
    """The title: what the one codemod does, or which codemods there are."""
    codemods = story.proposal.codemods
    where = f" {story.proposal.part.title}" if story.proposal.part.title else ""
    if len(codemods) == 1:
        what, _ = what_and_why(story.catalog[codemods[0]])
        text = f"{what.rstrip('.')}{f' ({where.strip()})' if where else ''}"
    else:
        text = f"Move {'the code' if where else 'code'}{where} onto its single sources of truth: {', '.join(codemods)}"
    # It becomes the subject of a squashed commit: nothing in it may close an issue.
    return unlinked(shortened(printable(text), _LONGEST_TITLE))


def body(story: Story, verified: Sequence[Verified]) -> str:
    """Everything but the marker, at most 40,000 characters."""
    head = [_opening(story), _table(story), "### What was proved\n\n" + " ".join(PROVED.split())]
    if verified:
        head.append(_verified(verified))
    tail = [_how_to(story)]
    left = _ROOM - sum(len(part) + 2 for part in (*head, *tail))
    return "\n\n".join([*head, *_refused(story, left), *tail])


def _opening(story: Story) -> str:
    proposal, total = story.proposal, story.proposal.summary.total
    count = f"{counted(total.rewritten, 'site')} in {counted(len(proposal.changes), 'file')}"
    if len(proposal.codemods) == 1:
        what, why = what_and_why(story.catalog[proposal.codemods[0]])
        first = f"{plain(what)} {plain(_first_sentence(why))}".strip()
        text = f"{first}\n\nThis changes {count}."
    else:
        text = (
            f"The project has one place for each of these things, and code that went round it: {count}, which now go "
            "through it. Each commit is one codemod's, and can be read, or reverted, by itself."
        )
    more = f" {counted(proposal.left_out, 'more file')} will follow when this is merged." if proposal.left_out else ""
    return text + more


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "." if text else ""


def _table(story: Story) -> str:
    rows = ["| codemod | rewritten | refused | what it does |", "|:--|--:|--:|:--|"]
    names = dict.fromkeys((*story.proposal.codemods, *story.proposal.summary.by_codemod))
    for name in names:
        tally = story.proposal.summary.by_codemod.get(name)
        if tally is not None and name in story.catalog:
            what = plain_cell(story.catalog[name].summary)
            rows.append(f"| {code_cell(name)} | {tally.rewritten:,} | {tally.refused:,} | {what} |")
    return "\n".join(rows)


def _verified(verified: Sequence[Verified]) -> str:
    rows = ["### Verified", "", "| command | before | after |", "|:--|:--|:--|"]
    rows += [f"| {code_cell(each.command)} | {_ran(each.before)} | {_ran(each.after)} |" for each in verified[:50]]
    return "\n".join(rows)


def _ran(ran: Ran) -> str:
    how = "passed" if ran.passed else "ran out of time" if ran.code is None else f"failed ({ran.code})"
    return f"{how}, {ran.seconds:.1f} s"


def _refused(story: Story, room: int) -> Iterator[str]:
    """The refused sites by reason, folded, as far as there is room."""
    refused = [f for result in story.proposal.results for f in result.findings if f.status is Status.REFUSED]
    if not refused:
        return
    opening = f"<details>\n<summary>Not rewritten: {counted(len(refused), 'site')}, and why</summary>"
    closing = "</details>"
    room -= len(opening) + len(closing) + 200
    parts = []
    for reason, _ in by_reason(refused):
        part = _reason(story, reason, [finding for finding in refused if finding.reason == reason], room)
        if len(part) + 2 > room:
            parts.append("More reasons are in the report of `ssot-fix -v`.")
            break
        parts.append(part)
        room -= len(part) + 2
    yield "\n\n".join([opening, *parts, closing])


def _reason(story: Story, reason: str, findings: Sequence[Finding], room: int) -> str:
    """A reason with the files that it holds in, and the lines of each."""
    headline = f": {plain(story.headlines[reason])}" if reason in story.headlines else ""
    codemods = ", ".join(dict.fromkeys(plain(finding.codemod) for finding in findings))
    lines = [f"**{code(reason)}** ({len(findings):,}, {codemods}){headline}", ""]
    by_file: dict[str, list[int]] = {}
    for finding in findings:
        by_file.setdefault(finding.path, []).append(finding.line)
    used = sum(map(len, lines)) + 100
    for shown, (path, numbers) in enumerate(by_file.items()):
        line = f"- {code(path)} {_lines(numbers)}"
        used += len(line) + 1
        if shown == _FILES_PER_REASON or used > room:
            lines.append(f"- and {counted(len(by_file) - shown, 'more file')}")
            break
        lines.append(line)
    return "\n".join(lines)


def _lines(numbers: Sequence[int]) -> str:
    listed = list(dict.fromkeys(numbers))
    more = " …" if len(listed) > _LINES_PER_FILE else ""
    return ", ".join(map(str, listed[:_LINES_PER_FILE])) + more


def _how_to(story: Story) -> str:
    first, base = story.proposal.codemods[0], code(story.base)
    return f"""\
### What you can do

- **Keep one place as it is**: put `# ssot-fix: ignore[{first}] why` on its line, on {base}.
- **Run it again**: the next run of what has opened it brings it up to date.
  {code(f"{story.command} --dry-run", 500)} shows what that would do.
- **Change something**: push to this branch. From then on it is yours, and is left alone.
- **Stop it**: close this pull request. It stays closed as long as there are no new sites.

It is rebuilt when {base} or the plan changes."""


def command_line(arguments: Iterable[str]) -> str:
    """A command line, quoted where it has to be."""
    return shlex.join(("ssot-fix", "pr", *arguments))
