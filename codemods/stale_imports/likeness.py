"""How alike the last version of a definition is to a candidate of today, and whether the one can stand for the other.

A same name is a hint, not a proof: the namesake may be async, want other arguments, or lack a method. What would
break a user of the old one is an obstacle; what the two modules alone don't show is unknown, and never taken for a
yes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codemods.stale_imports.shapes import (
    Kind,
    Parameter,
    Parameters,
    Shape,
    Signature,
    brings,
    is_known,
    shapes,
)

__all__ = ["Likeness", "Shape", "likeness", "objections", "shapes"]

# Decorators that users notice for certain; of others we can't tell.
_NOTICED = frozenset(
    {"abstractmethod", "asynccontextmanager", "cached_property", "classmethod", "contextmanager", "fixture"}
    | {"property", "setter", "staticmethod"}
)
_CALLED: dict[Kind, str] = {
    "class": "a class",
    "def": "a function",
    "async def": "a function",
    "assign": "a value",
    "import": "an import",
}
_LITERALS = frozenset({"bool", "bytes", "complex", "dict", "float", "int", "list", "set", "str", "tuple"})
_NAMED = 4  # members that are named where many are lost
_SHORT = 60  # tokens
_MOST = 0.8
_GRAM = 3  # tokens in a row that have to be the same to count


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike an old and a new definition are.

    `score` runs from 0 to 1. `same_text`: what strings hold is the same, too, in a short definition all else as
    well. `accepts`: every call that the old one took, the new one takes, each argument for the parameter of the
    same name; None: unknown. `lost_methods` are public ones of the old class that the new one has not, as far as
    its module shows. `reasons` is all that was noticed, in words; among them are `obstacles`, by which users of
    the old one would break, and `unknown`, what could not be seen.
    """

    score: float
    same_kind: bool
    same_async: bool
    accepts: bool | None
    lost_methods: tuple[str, ...]
    reasons: tuple[str, ...]
    obstacles: tuple[str, ...] = ()
    same_text: bool = True
    unknown: tuple[str, ...] = ()

    @property
    def compatible(self) -> bool | None:
        """Whether the new one can stand for the old one; None: unknown."""
        if self.obstacles:
            return False
        return None if self.unknown else True


def likeness(old: Shape, new: Shape) -> Likeness:
    """Hold a definition of today against the last version of one that is gone."""
    return _Comparison(old, new).result()


def objections(old: Parameters, new: Parameters) -> Iterator[str]:
    """Why not every call that fits `old` fits `new` too and gives each argument to the parameter of the same name."""
    before, after = _positional(old), _positional(new)
    kinds = {parameter.kind for parameter in new}
    named = {parameter.name for parameter in new if parameter.kind in ("positional", "keyword-only")}
    for at, parameter in enumerate(before):
        if why := _misplaced(parameter, after[at] if at < len(after) else None, new):
            yield why
    pairs = list(zip(before, after, strict=False))
    filled = {parameter.name for parameter in after[: len(before)]}
    for parameter in old:
        match parameter.kind:
            case "keyword-only" if parameter.name in filled or (parameter.name not in named and "**" not in kinds):
                yield f"no longer takes {parameter.name}"
            case "*" | "**" if parameter.kind not in kinds:
                yield f"no longer takes {parameter.kind}{parameter.name}"
            case "*" if len(after) > len(before):
                yield f"takes {after[len(before)].name} in front of *{parameter.name}"
            case "**" if any(a.kind == "positional-only" and b.kind == "positional" for a, b in pairs):
                yield "takes by keyword what it took by position only"
    given = {other.name for parameter, other in pairs if parameter.required}
    given |= {each.name for each in old if each.kind == "keyword-only" and each.required} & named
    yield from (f"requires {each.name}" for each in new if each.required and each.name not in given)


def _positional(parameters: Parameters) -> list[Parameter]:
    return [parameter for parameter in parameters if parameter.kind in ("positional-only", "positional")]


def _misplaced(old: Parameter, new: Parameter | None, others: Parameters) -> str:
    """Why an argument that was given by position does not reach the parameter that now stands in its place."""
    by_keyword = old.kind == "positional"
    if new is None:
        kinds = {other.kind for other in others}
        if any(by_keyword and other.name == old.name for other in others):
            return f"takes {old.name} in another place"
        passed_on = "*" in kinds and (not by_keyword or "**" in kinds)
        return "" if passed_on else f"no longer takes {old.name}"
    if by_keyword and new.name != old.name:
        return f"takes {new.name} where {old.name} was"
    if by_keyword and new.kind == "positional-only":
        return f"takes {old.name} by position only"
    return ""


class _Comparison:
    """Gathers what speaks for, what speaks against, and what can't be seen."""

    def __init__(self, old: Shape, new: Shape) -> None:
        self._old = old
        self._new = new
        self._for: list[str] = []
        self._against: list[str] = []
        self._unknown: list[str] = []
        self._lost: tuple[str, ...] = ()
        self._same_async = old.kind == new.kind

    def result(self) -> Likeness:
        old, new = self._old, self._new
        same_kind = _CALLED[old.kind] == _CALLED[new.kind]
        score, accepted = self._compared(same_kind)
        self._notes()
        return Likeness(
            round(score, 3),
            same_kind,
            self._same_async,
            accepted,
            self._lost,
            (*self._against, *self._unknown, *self._for),
            tuple(self._against),
            _same_text(old.spelled, new.spelled),
            tuple(self._unknown),
        )

    def _compared(self, same_kind: bool) -> tuple[float, bool | None]:
        """The score, and whether the new one takes the old one's calls."""
        old, new = self._old, self._new
        if old.origin and old.origin == new.origin and not old.origin.startswith("."):
            self._for.append(f"both are {old.origin}")
            return 1.0, True
        if "import" in (old.kind, new.kind):
            self._unknown += [f"was imported from {old.origin}"] if old.kind == "import" else []
            self._unknown += [f"is imported from {new.origin}"] if new.kind == "import" else []
            return 0.0, None
        if not same_kind:
            self._against.append(f"was {_CALLED[old.kind]}, is {_CALLED[new.kind]}")
            return 0.0, None
        body = self._body()
        if old.kind == "class":
            return self._class(body)
        if old.signature and new.signature:
            accepted = self._call("", old.signature, new.signature)
            return 0.8 * body + 0.2 * accepted, accepted
        return body, self._value()

    def _notes(self) -> None:
        for shape, verb in ((self._old, "was"), (self._new, "is")):
            if shape.through:
                self._for.append(f"{verb} another name of {shape.through[-1]}")
            if shape.several:
                self._unknown.append(f"{verb} defined in several ways")

    def _body(self) -> float:
        old, new = _grams(self._old.body), _grams(self._new.body)
        both = (old & new).total()
        kept = both / old.total()
        self._for.append(f"{int(100 * kept)} % of its body")
        return (kept + 2 * both / (old.total() + new.total())) / 2

    def _call(self, what: str, old: Signature, new: Signature) -> bool:
        """Whether a function takes the calls of another; `what` names it in what is said."""
        if old.is_async != new.is_async:
            self._same_async = False
            self._against.append(f"{what}async became sync" if old.is_async else f"{what}sync became async")
        if old.is_generator != new.is_generator:
            self._against.append(f"{what}no longer a generator" if old.is_generator else f"{what}now a generator")
        for decorator in sorted(old.decorators ^ new.decorators):
            noticed = self._against if decorator in _NOTICED else self._unknown
            noticed.append(
                f"{what}now @{decorator}" if decorator in new.decorators else f"{what}no longer @{decorator}"
            )
        whys = list(objections(old.parameters, new.parameters))
        self._against += [f"{what}{why}" for why in whys[:1]]
        if not what and not whys:
            self._for.append(_parameters(len(old.parameters)))
        return not whys

    def _value(self) -> bool | None:
        old, new = self._old, self._new
        if old.value in _LITERALS and new.value in _LITERALS:
            if old.value == new.value:
                return True
            self._against.append(f"was of type {old.value}, is of type {new.value}")
            return False
        self._unknown.append("a value that only running tells")
        return None

    def _class(self, body: float) -> tuple[float, bool | None]:
        constructor = self._constructor()
        self._bases()
        methods = self._methods()
        attributes = sorted(filter(self._lacks, self._old.attributes))
        self._missing("attribute", attributes)
        members = len(self._old.methods.keys() | self._old.attributes)
        kept = 1 - len({*self._lost, *attributes}) / members if members else 1.0
        accepted = False if constructor is False or not methods else constructor
        return 0.6 * body + 0.3 * kept + 0.1 * (accepted is not False), accepted

    def _constructor(self) -> bool | None:
        old, new = self._old, self._new
        for decorator in sorted(old.decorators ^ new.decorators):
            self._unknown.append(f"now @{decorator}" if decorator in new.decorators else f"no longer @{decorator}")
        if old.signature and new.signature:
            accepted = self._call("constructor: ", old.signature, new.signature)
            if accepted:
                self._for.append(f"constructor: {_parameters(len(old.signature.parameters))}")
            return accepted
        if old.built_by and old.built_by == new.built_by and not old.built_by.startswith("."):
            whys = list(objections(old.fields, new.fields))
            self._against += [f"constructor: {why}" for why in whys[:1]]
            self._for += [] if whys else [f"its constructor is {old.built_by}'s, as before"]
            return not whys
        self._unknown += dict.fromkeys(shape.unseen for shape in (old, new) if shape.unseen)
        return None

    def _bases(self) -> None:
        lost = [base for base in self._old.bases if _last(base) not in map(_last, self._new.bases)]
        self._unknown += [f"no longer derives from {base}" for base in lost if base != "object"]
        if self._old.bases and not lost:
            self._for.append(f"derives from {', '.join(self._old.bases)}")

    def _methods(self) -> bool:
        """Whether the methods that both have take the old calls."""
        old, new = self._old, self._new
        self._lost = tuple(filter(self._lacks, old.methods))
        self._missing("method", [f"{name}()" for name in self._lost])
        replaced = [name for name in old.methods if name in new.attributes and name not in new.methods]
        self._unknown += [f"{name} is a value now" for name in replaced]
        abstract = [name for name, method in new.methods.items() if "abstractmethod" in method.decorators]
        self._against += [f"{name}() is abstract" for name in abstract if name not in old.methods]
        both = [name for name in old.methods if name in new.methods]
        taken = [self._call(f"{name}(): ", old.methods[name], new.methods[name]) for name in both]
        if old.methods and len(both) == len(old.methods) and all(taken):
            self._for.append(f"all {len(both)} public methods" if len(both) > 1 else f"its public method {both[0]}()")
        return all(taken)

    def _lacks(self, member: str) -> bool:
        new = self._new
        return not (member in new.methods or member in new.attributes or any(brings(b, member) for b in new.inherits))

    def _missing(self, what: str, members: Sequence[str]) -> None:
        """Members that the new class has not, unless it inherits them from where we can't see."""
        if not members:
            return
        more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
        listed = f"{what}{'s' if len(members) > 1 else ''} {', '.join(members[:_NAMED])}{more}"
        unseen = [base for base in self._new.inherits if not is_known(base)]
        if unseen:
            self._unknown.append(f"no {listed} of its own; {unseen[0].lstrip('.')} may have what is missing")
        else:
            self._against.append(f"lost {listed}")


def _same_text(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether two definitions say the same: in a short one every word is its meaning, in a long one most are kept."""
    if len(old) < _SHORT:
        return old == new
    kept = (Counter(old) & Counter(new)).total()
    return kept >= _MOST * max(len(old), len(new))


def _grams(tokens: Sequence[str]) -> Counter[tuple[str, ...]]:
    framed = ("", *tokens, "", "")
    return Counter(framed[at : at + _GRAM] for at in range(len(framed) - _GRAM + 1))


def _last(base: str) -> str:
    """A base's name without its module and its type arguments."""
    return base.partition("[")[0].rpartition(".")[2]


def _parameters(count: int) -> str:
    return {0: "no parameters", 1: "the same parameter"}.get(count, f"the same {count} parameters")
