"""The codemod's table in the config, and what a move is."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from ssot_fix.project.config import PROJECT_WIDE

NAME = "stale-imports"
_PATTERN = r"[\w*]+(?:\.[\w*]+)*(?::[\w*]+)?"


@dataclass(frozen=True, slots=True)
class Move:
    """Where a module or one name of it is now: each end is `module` or `module:Name`, dotted and absolute.

    A name that moves to a module keeps its own name there. Raises ValueError for anything else.
    """

    from_: str
    to: str

    def __post_init__(self) -> None:
        for key, text in (("from", self.from_), ("to", self.to)):
            if not _is_end(text):
                raise ValueError(f'`{key}` is "{text}", but a move has pkg.module or pkg.module:Name,')
        if ":" in self.to and ":" not in self.from_:
            raise ValueError(f"`{self.from_}` is a module and can't move to a name, `{self.to}`,")


@dataclass(frozen=True, slots=True)
class Options:
    """`[tool.ssot-fix.stale-imports]`; `explain stale-imports` says what each key does.

    `moves` are the moves that hold; with `auto` "proven" those that discover-moves calls conclusive hold, too.
    `consumers` are more functions, dotted, whose first string argument is a dotted path, beside mock.patch and its
    kin. `ignore` are modules, or names as `module:Name`, that are never reported; `*` stands for any characters.
    `services` are top-level packages that must not import from one another (None: the imports of today tell).
    """

    moves: tuple[Move, ...] = field(default=(), metadata=PROJECT_WIDE)
    auto: Literal["off", "proven"] = field(default="off", metadata=PROJECT_WIDE)
    consumers: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    services: tuple[str, ...] | None = field(default=None, metadata=PROJECT_WIDE)

    def __post_init__(self) -> None:
        for consumer in self.consumers:
            if "." not in consumer or not _is_dotted(consumer):
                raise ValueError(f"`consumers` has `{consumer}`, which is no function such as pkg.module.function,")
        for pattern in self.ignore:
            if not re.fullmatch(_PATTERN, pattern):
                raise ValueError(f"`ignore` has `{pattern}`, which is no pattern such as pkg.*_pb2,")
        for service in self.services or ():
            if not service.isidentifier():
                raise ValueError(f"`services` has `{service}`, which is no top-level package,")

    def ignores(self, module: str, name: str | None) -> bool:
        """Whether a dangling pair is never reported."""
        texts = [module] if name is None else [module, f"{module}:{name}"]
        return bool(self.ignore) and any(map(_any_of(self.ignore).fullmatch, texts))


def _is_end(text: str) -> bool:
    module, colon, name = text.partition(":")
    return _is_dotted(module) and (not colon or ("." not in name and _is_dotted(name)))


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


@lru_cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns))
