"""Where the missing went: candidates of today, held against what git remembers of the old ones."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from codemods.stale_imports.decide import Candidate, Decider, is_private
from codemods.stale_imports.likeness import Likeness, likeness
from codemods.stale_imports.moves import Entry, Moves, Place
from codemods.stale_imports.options import Move
from codemods.stale_imports.shapes import Shape, shapes
from ssot_fix.edits import Refusal
from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.project.history import Commit, History, Loss, Removal, spells
from ssot_fix.project.index import Dangling, Index
from ssot_fix.project.names import module_names
from ssot_fix.project.resolver import Project
from ssot_fix.source import Source, UnreadableText

Pair = tuple[str, str | None]
Uses = dict[Pair, list[tuple[str, Dangling]]]
_Text = str | tuple[str, bytes]  # a file of today, or a module and a text that it had

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ALIKE = 0.8  # from this likeness on, a definition is the old one moved
_ALIKE_ALONE = 0.6  # the same, if it is the only one of its name
_SAME_TEXT = 0.95
_RENAMED, _ALONE, _NAMESAKE = 0.7, 0.5, 0.2  # confidence where no old text is there to compare with
_APART = 0.2  # by which the best candidate has to lead
_UNLIKE = "not what it was"
_NOT_IMPORTABLE = "can't be imported itself"
NEVER = "no commit ever had it"
_PROVEN = "discover-moves"  # where a move is said that is in no settings
_SAME_PLACE = 0.9  # confidence in the only module and class of the same two names, without any history


@dataclass(frozen=True, slots=True)
class Discovered:
    """What is known about where one missing thing went.

    `old` and `new` are spelled as moves are. `verdict` is `conclusive`, `undecided` or `removed`; `uses` counts
    the imports, `uses_in_tests` those of them in test code. `confidence` runs from 0 to 1. `commit` is the one by
    which the imports came to fail: it took away what they ask for, or it asked for what never was. `incompatible`:
    what has the same name could not stand for it.
    """

    old: str
    new: str | None
    uses: int
    uses_in_tests: int
    verdict: str
    confidence: float
    evidence: tuple[str, ...]
    candidates: tuple[str, ...] = ()
    commit: Commit | None = None
    incompatible: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What git remembers of a missing module or name: its end, and its last text.

    If no commit ever had it, `asked` is the one that first asked for it.
    """

    commit: Commit | None = None
    asked: Commit | None = None
    renamed_to: str | None = None
    similarity: int = 0
    text: bytes | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Question:
    """What is missing, and what git remembers of it; `alone`: there is but one candidate."""

    dangling: Dangling
    past: Past
    alone: bool


@dataclass(frozen=True, slots=True)
class _Judged:
    candidate: Candidate
    why_not: str | None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    sure: bool = False


@dataclass
class Discovery:
    """Looks for every missing module and name of a project."""

    decider: Decider
    history: History
    _standing: dict[Pair, list[tuple[Candidate, str | None]]] = field(default_factory=dict)
    _compared: dict[_Text, set[str]] = field(default_factory=dict)
    _shapes: dict[_Text, Mapping[str, Shape]] = field(default_factory=dict)
    _alike: dict[tuple[Pair, str], Likeness | None] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        """The project."""
        return self.decider.project

    @property
    def index(self) -> Index:
        """What its imports lead to."""
        return self.decider.index

    def run(self) -> list[Discovered]:
        """What became of each dangling pair, the most used first; moves of whole modules are put together."""
        uses = self._with_modules(self._uses())
        self.index.look_for({name for _, name in uses if name})
        self._standing = {pair: self._against(users) for pair, users in uses.items()}
        found = self._all(uses, self._pasts(uses))
        return sorted(self._joined(found), key=lambda each: (-each.uses, each.old))

    def _all(self, uses: Uses, pasts: Mapping[Pair, Past]) -> dict[Pair, Discovered]:
        """What became of each pair; what a proven move mends can be imported, which may prove more."""
        known: set[Place] = set()
        self._plan_comparisons(pasts)
        while True:
            found = {pair: self._one(pair, users, pasts[pair]) for pair, users in uses.items()}
            entries = _proven(found.values())
            if known.issuperset(entry.source for entry in entries):
                return found
            known.update(entry.source for entry in entries)
            moves = Moves([*self.decider.moves.sources(), *entries], index=self.index)
            self.decider = replace(self.decider, moves=moves)

    def _uses(self) -> dict[Pair, list[tuple[str, Dangling]]]:
        """For each pair that no move tells of, the files that ask for it, once for each import."""
        uses: dict[Pair, list[tuple[str, Dangling]]] = {}
        for path, found in sorted(self.index.dangling().items()):
            counts = Counter(self._pairs(path))
            for dangling in found:
                pair = dangling.module, dangling.name
                known = self.decider.moves.target(*pair) is not None
                ignored = self.decider.ignores(path, dangling)
                if dangling.name != "*" and not dangling.elsewhere and not known and not ignored:
                    uses.setdefault(pair, []).extend([(path, dangling)] * counts[pair])
        return uses

    def _with_modules(self, uses: Uses) -> Uses:
        """The same, names that were submodules being the modules that they were."""
        files: dict[Pair, list[str]] = {
            (module, name): self._files(f"{module}.{name}") for module, name in uses if name
        }
        removals = self.history.removals(path for paths in files.values() for path in paths)
        found: Uses = {}
        for pair, users in uses.items():
            if any(removals[path].commit for path in files.get(pair, ())):
                whole = Dangling(f"{pair[0]}.{pair[1]}", None, "module")
                found.setdefault((whole.module, None), []).extend((path, whole) for path, _ in users)
            else:
                found.setdefault(pair, []).extend(users)
        return found

    def _pairs(self, path: str) -> Iterator[Pair]:
        for imported in self.decider.scans[path].imports:
            module = self.project.absolute(path, imported.level, imported.module)
            for name in imported.names or (None,):
                yield module, name

    # What git remembers

    def _pasts(self, uses: Mapping[Pair, list[tuple[str, Dangling]]]) -> dict[Pair, Past]:
        """What git remembers of each pair, asked once for all."""
        files = {module: self._files(module) for module, _ in uses}
        removals = self.history.removals(path for paths in files.values() for path in paths)
        texts = self.history.last_texts(path for path, removal in removals.items() if removal.state != "never")
        ended = {module: self._ended(paths, removals, texts) for module, paths in files.items()}
        names: dict[str, set[str]] = {}
        for module, name in uses:
            if name is not None:
                names.setdefault(module, set()).add(name)
        wanted = {
            (module, name): (ended[module][0], name)
            for module, asked in names.items()
            for name in sorted(asked - self._bound(module, ended[module][1].text, asked))
        }
        compared = {key for pair, key in wanted.items() if self._rivals(pair)}
        losses = self.history.losses(wanted.values(), compared)
        pasts = {pair: ended[pair[0]][1] for pair in uses}
        for pair, key in wanted.items():
            pasts[pair] = self._of_name(pasts[pair], losses[key])
        return self._with_arrivals(pasts, uses)

    def _with_arrivals(
        self, pasts: Mapping[Pair, Past], uses: Mapping[Pair, list[tuple[str, Dangling]]]
    ) -> dict[Pair, Past]:
        """Add since when files ask for what no commit ever had."""
        asking = {
            pair: [(path, pair[1] or _last(pair[0])) for path in dict.fromkeys(path for path, _ in uses[pair])]
            for pair, past in pasts.items()
            if past.note == NEVER
        }
        arrivals = self.history.arrivals(key for keys in asking.values() for key in keys)
        found = dict(pasts)
        for pair, keys in asking.items():
            if first := min((arrivals[key] for key in keys if key in arrivals), key=_day, default=None):
                found[pair] = replace(found[pair], asked=first, note=f"{NEVER}; asked for since {_told(first)}")
        return found

    def _bound(self, module: str, text: bytes | None, names: set[str]) -> set[str]:
        """Which of some names a module's last text binds: none if it can't be parsed. Their shapes are read along."""
        found = {name for name in names if name == "*"}
        left = {name for name in names - found if text is not None and spells(text, name)}
        read = _parsed(text) if left and text is not None else None
        if text is None or read is None:
            return found
        tree, source = read
        plain = {each.name for each in tree.body if isinstance(each, _DEFINITIONS)}
        found |= left if left <= plain else left & module_names(tree, source).bound.keys()
        self._read((module, text), tree, {name for name in found if self._rivals((module, name))})
        return found

    def _files(self, module: str) -> list[str]:
        """The files that a module may have been, the one that is there first."""
        there = self.index.module(module)
        inner = module.replace(".", "/")
        bases = [f"{root}/{inner}" if root else inner for root in self.project.source_roots]
        paths = [f"{base}{end}" for base in bases for end in (".py", "/__init__.py")]
        return [there] if there is not None else paths

    def _ended(
        self, paths: Sequence[str], removals: Mapping[str, Removal], texts: Mapping[str, bytes]
    ) -> tuple[str, Past]:
        """The file that a module was, and what git remembers of it."""
        path = next((path for path in paths if removals[path].state not in {"never", "unknown"}), paths[0])
        removal = removals[path]
        if removal.state == "there":
            return path, Past(text=texts.get(path))
        moved = removal.last_path if removal.state == "moved" else None
        similarity = min((rename.similarity for rename in removal.renames), default=0)
        note = removal.why or (NEVER if removal.state == "never" else "")
        text = texts.get(path)
        return path, Past(removal.commit, renamed_to=moved, similarity=similarity, text=text, note=note)

    def _of_name(self, module: Past, loss: Loss) -> Past:
        """What git remembers of a name that its module's last text lacks."""
        if loss.state != "lost":
            return replace(module, text=None, note=loss.why or (NEVER if loss.state == "never" else ""), commit=None)
        return replace(module, commit=loss.commit, text=loss.before, note=loss.why)

    # Today's candidates

    def _against(self, users: Sequence[tuple[str, Dangling]]) -> list[tuple[Candidate, str | None]]:
        """The candidates for what is missing, each with why it can't be meant, whatever moves."""
        paths, dangling = list(dict.fromkeys(path for path, _ in users)), users[0][1]
        return [(each, self._disqualified(dangling, paths, each)) for each in self.decider.candidates(dangling)]

    def _rivals(self, pair: Pair) -> list[Candidate]:
        """The definitions that may have to be held against the old one."""
        return [each for each, why_not in self._standing[pair] if why_not is None and each.kind != "module"]

    def _one(self, pair: Pair, users: Sequence[tuple[str, Dangling]], past: Past) -> Discovered:
        paths, dangling = [path for path, _ in users], users[0][1]
        tests = sum(self.decider.scopes(path) != "production" for path in paths)
        judged = self._judged(pair, users, past)
        fit = sorted((j for j in judged if j.why_not is None), key=lambda j: (-j.confidence, j.candidate.module))
        ended = [_ended(past)] if past.commit or past.note else []
        base = Discovered(
            _spelled(dangling.module, dangling.name),
            None,
            len(paths),
            tests,
            "removed",
            0.0,
            tuple(ended),
            tuple(_spelled(j.candidate.module, dangling.name) for j in judged),
            past.commit or past.asked,
        )
        if not judged:
            return base
        if not fit:
            reasons = tuple(f"{j.candidate.module}: {j.why_not}" for j in judged[:3])
            waits = any(j.why_not == _NOT_IMPORTABLE for j in judged)
            verdict = "undecided" if waits else "removed"
            unlike = any((j.why_not or "").startswith(_UNLIKE) for j in judged)
            return replace(base, verdict=verdict, evidence=(*ended, *reasons), incompatible=unlike)
        best, rest = fit[0], fit[1:]
        leads = not rest or best.confidence - rest[0].confidence >= _APART
        others = (f"also in {', '.join(j.candidate.module for j in rest[:3])}",) if rest else ()
        new = _spelled(best.candidate.module, None if best.candidate.kind == "module" else dangling.name)
        return replace(
            base,
            new=new,
            verdict="conclusive" if best.sure and leads else "undecided",
            confidence=best.confidence,
            evidence=(*best.evidence, *ended, *others),
        )

    def _judged(self, pair: Pair, users: Sequence[tuple[str, Dangling]], past: Past) -> list[_Judged]:
        candidates, dangling, new = self._standing[pair], users[0][1], past.renamed_to
        if dangling.name is None and new is not None and all(each.path != new for each, _ in candidates):
            renamed = Candidate(self.project.module_name(new), new, "module")
            candidates = [*candidates, (renamed, self._disqualified(dangling, [path for path, _ in users], renamed))]
        question = _Question(dangling, past, len(candidates) == 1)
        return [self._judge(question, candidate, why_not) for candidate, why_not in candidates]

    def _judge(self, asked: _Question, candidate: Candidate, why_not: str | None) -> _Judged:
        """Hold one candidate against all that is known."""
        if why_not is None and self.decider.is_stale(candidate.path):
            why_not = _NOT_IMPORTABLE
        if why_not is not None:
            return _Judged(candidate, why_not)
        past, dangling = asked.past, asked.dangling
        old = self._old_shape(dangling, past) if candidate.kind != "module" else None
        evidence: list[str] = []
        same_place = _last(candidate.module) == _last(dangling.module) and candidate.kind != "module"
        confidence = (_ALONE if asked.alone else _NAMESAKE) + (_NAMESAKE if same_place else 0.0)
        renamed = past.renamed_to == candidate.path
        if renamed:
            evidence.append(f"git saw the file renamed ({past.similarity} % the same)")
            confidence = max(_RENAMED, past.similarity / 100)
        like = self._likeness(dangling, candidate, old)
        if like is not None:
            evidence += like.reasons
            confidence = like.score
            if like.obstacles:
                why_not = f"{_UNLIKE}: " + ", ".join(like.obstacles[:3])
        least = _SAME_TEXT if candidate.kind == "assign" else _ALIKE_ALONE if asked.alone else _ALIKE
        # What can't be seen to take the old calls has to be the same text, or nearly.
        alike = like is not None and like.score >= (least if like.compatible else _SAME_TEXT) and like.same_kind
        if like is not None and not like.same_text:
            evidence.append("but not the same text")
            alike = False
        led_there = old is not None and old.origin == f"{candidate.module}.{dangling.name}"
        if led_there:
            evidence, confidence = ["the old module imported it from there"], 1.0
        if asked.alone:
            evidence.append("the only definition of that name")
        if same_place:
            evidence.append("in a module of the same name")
        only_place = asked.alone and same_place and old is None and self._is_unheard_of(asked, candidate)
        if only_place:
            confidence = _SAME_PLACE
        sure = (renamed and (like is None or alike)) or alike or only_place or led_there
        return _Judged(candidate, why_not, confidence, tuple(evidence), sure)

    def _is_unheard_of(self, asked: _Question, candidate: Candidate) -> bool:
        """Whether git never saw what is missing, and all that can speak for a public candidate is where it is."""
        unseen = asked.past.commit is None and not self.history.limits
        name = asked.dangling.name or ""
        within = asked.dangling.module.partition(".")[0] == candidate.module.partition(".")[0]
        return unseen and within and not name.startswith("_") and candidate.kind in {"class", "def", "async def"}

    def _disqualified(self, dangling: Dangling, paths: Sequence[str], candidate: Candidate) -> str | None:
        """Why a candidate can't be meant, by what the files that use the old one may import."""
        if candidate.path in paths:
            return "that is a file that imports it"
        if any(self.decider.is_only_for_tests(path, dangling, candidate) for path in paths):
            return "only for tests"
        if is_private(candidate.module, dangling.name) and not is_private(dangling.module, dangling.name):
            return "private"
        if any(self.decider.is_foreign(path, dangling, candidate) for path in paths):
            return "another service's"
        return None

    def _plan_comparisons(self, pasts: Mapping[Pair, Past]) -> None:
        """Note which names are compared in which texts: each is parsed once, for all of them."""
        for pair, past in pasts.items():
            old, rivals = _old_text(pair, past), self._rivals(pair)
            compared: list[_Text] = [old, *(each.path for each in rivals)] if old and rivals else []
            for text in compared:
                self._compared.setdefault(text, set()).add(str(pair[1]))

    def _shape(self, text: _Text, name: str) -> Shape | None:
        if text not in self._shapes:
            read = self._read_file(text) if isinstance(text, str) else _parsed(text[1])
            self._read(text, read[0] if read else None, self._compared[text])
        return self._shapes[text].get(name)

    def _read(self, text: _Text, tree: ast.Module | None, names: Collection[str]) -> None:
        package = self.project.absolute(text, 1, "") if isinstance(text, str) else text[0].rpartition(".")[0]
        self._shapes[text] = shapes(tree, names, package) if tree and names else {}

    def _old_shape(self, dangling: Dangling, past: Past) -> Shape | None:
        text = _old_text((dangling.module, dangling.name), past)
        return self._shape(text, str(dangling.name)) if text else None

    def _likeness(self, dangling: Dangling, candidate: Candidate, old: Shape | None) -> Likeness | None:
        if old is None or dangling.name is None:
            return None
        key = (dangling.module, dangling.name), candidate.path
        if key not in self._alike:
            new = self._shape(candidate.path, dangling.name)
            self._alike[key] = None if new is None else likeness(old, new)
        return self._alike[key]

    def _read_file(self, path: str) -> tuple[ast.Module, Source] | None:
        try:
            return _parsed(self.project.read(path))
        except OSError:
            return None

    # Whole modules

    def _joined(self, found: Mapping[Pair, Discovered]) -> Iterator[Discovered]:
        """Moves of all names of one module to one other become the move of the module."""
        by_module: dict[str, list[Discovered]] = {}
        for (module, _), each in found.items():
            by_module.setdefault(module, []).append(each)
        for module, group in by_module.items():
            targets = Counter(_renamed_module(module, each) for each in group)
            (target,) = targets if len(targets) == 1 else (None,)
            if target is None or self.index.exists(module):
                yield from group
                continue
            shared = set(group[0].evidence).intersection(*(each.evidence for each in group))
            evidence = [line for line in group[0].evidence if line in shared]
            evidence += [f"{len(group)} names alike"] if len(group) > 1 else []
            yield replace(
                group[0],
                old=module,
                new=target,
                uses=sum(each.uses for each in group),
                uses_in_tests=sum(each.uses_in_tests for each in group),
                confidence=min(each.confidence for each in group),
                evidence=tuple(evidence),
                candidates=(target,),
            )


def _renamed_module(module: str, found: Discovered) -> str | None:
    """The module that a conclusive move leads to if the name stays the same."""
    if found.verdict != "conclusive" or found.new is None:
        return None
    target, _, name = found.new.partition(":")
    return target if found.old in {module, f"{module}:{name}"} else None


def _last(module: str) -> str:
    return module.rpartition(".")[2]


def _spelled(module: str, name: str | None) -> str:
    return f"{module}:{name}" if name else module


def _ended(past: Past) -> str:
    if past.commit is None:
        return past.note
    return f"gone with {_told(past.commit)}"


def _told(commit: Commit) -> str:
    return f"{commit.id[:10]}, {commit.date}, {commit.author}: {commit.subject}"


def _day(commit: Commit) -> str:
    return commit.date


def _old_text(pair: Pair, past: Past) -> tuple[str, bytes] | None:
    """The last text that had a name."""
    return None if pair[1] is None or past.text is None else (pair[0], past.text)


def discover(decider: Decider, root: Path) -> tuple[list[Discovered], list[str]]:
    """What became of everything that dangles and no configured move tells of, and notes on what could not be known."""
    decider.project.around.give_up("git's history was searched")
    history = History(root)
    return searched(decider, history), [history.limits] if history.limits else []


def searched(decider: Decider, history: History) -> list[Discovered]:
    """The same from a history of somebody's choice."""
    configured = [entry for entry in decider.moves.sources() if entry.where != _PROVEN]
    return Discovery(replace(decider, moves=Moves(configured, index=decider.index)), history).run()


def with_proven(decider: Decider, root: Path) -> tuple[Decider, list[str]]:
    """The same decider with the moves that the history proves, and notes on how many they are."""
    found, notes = discover(decider, root)
    entries = _proven(found)
    moves = Moves([*decider.moves.sources(), *entries], decider.moves.notes, decider.index)
    moves_are = "1 move is proven and holds" if len(entries) == 1 else f"{len(entries)} moves are proven and hold"
    note = f'{moves_are} without being written down (auto = "proven")'
    told = {_pair(each): _refusal(each) for each in found if each.verdict != "conclusive" and each.evidence}
    return replace(decider, moves=moves, told=told), [note, *notes]


def _pair(found: Discovered) -> Pair:
    module, _, name = found.old.partition(":")
    return module, name or None


def _refusal(found: Discovered) -> Refusal:
    """Why something is not repointed, by all that is known; without a reason of its own if that is told elsewhere."""
    reason = "different-signature" if found.incompatible else ""
    return Refusal(reason, "; ".join(found.evidence[:2]))


def _proven(found: Iterable[Discovered]) -> list[Entry]:
    return [Entry(Move(each.old, str(each.new)), _PROVEN) for each in found if each.verdict == "conclusive"]


def _parsed(raw: bytes) -> tuple[ast.Module, Source] | None:
    try:
        source = Source(raw)
        return parse(source.text, source.body).tree, source
    except (UnreadableText, Unparseable):
        return None
