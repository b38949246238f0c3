"""A forge with people: what the tests of pull requests stand in. conftest.py knows the fixtures."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from cases import make_project
from conftest import Repository
from forge import Forge, serve
from quick import Command

READS = "import os\n\nA = os.getenv('A')\nB = os.getenv('B')\n"
OPENS = "text = open('a').read()\n"
FILES = {"app/one.py": READS, "lib/two.py": OPENS, "app/__init__.py": "", "lib/__init__.py": ""}
ALL = "ssot-fix/all"


class World:
    """A forge with a repository, a clone that the bot works in, and another that a person works in."""

    def __init__(self, forge: Forge, bot: Repository, person: Repository) -> None:
        self.forge = forge
        self.bot = bot
        self.person = person
        self.quiet()

    def quiet(self) -> None:
        """Forget what has been told and written so far."""
        self.told = len(self.forge.notifications)
        self.written = len(self.forge.writes)

    @property
    def news(self) -> list[str]:
        return [each.kind for each in self.forge.notifications[self.told :] if each.actor == self.forge.login]

    @property
    def writes(self) -> list[tuple[str, str, int]]:
        return self.forge.writes[self.written :]

    def push(self, branch: str, files: dict[str, str], *, base: str | None = None) -> str:
        """A person's commit on a branch of the forge."""
        git = self.person.git
        git("fetch", "--quiet", "origin")
        git("switch", "--quiet", "--force-create", branch, base or f"origin/{branch}")
        self.person.write(files)
        self.person.commit()
        git("push", "--quiet", "--force", "origin", branch)
        return git("rev-parse", "HEAD").strip()

    def tip(self, branch: str) -> str | None:
        return self.ask("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip() or None

    def ask(self, *arguments: str) -> str:
        """What git says in the forge's repository."""
        return Repository(self.forge.bare, self.bot.environment).git(*arguments)

    def opens(self, branch: str, base: str = "main", body: str = "own words") -> int:
        """A person opens a pull request by hand; its number."""
        return self.forge.open(branch, base, "Mine", body)

    def show(self, branch: str, path: str) -> str:
        return self.ask("show", f"{branch}:{path}")


@pytest.fixture
def world(tmp_path, command_environment) -> Iterator[Callable[..., World]]:
    """Make a world out of some files."""
    forges: list[Forge] = []

    def clone(name: str, url: str, source: Path) -> Repository:
        made = Repository(tmp_path / name, command_environment)
        subprocess.run(("git", "clone", "--quiet", str(source), made.root), env=command_environment, check=True)
        made.git("remote", "set-url", "origin", url)
        return made

    with contextlib.ExitStack() as stack:

        def make(files: Mapping[str, str | bytes] = FILES) -> World:
            local = Repository(make_project(tmp_path / "origin", files), command_environment)
            local.git("init", "--quiet", "--initial-branch=main")
            local.commit()
            forge = stack.enter_context(serve(tmp_path / "forge", command_environment))
            forge.create(local.root)
            forges.append(forge)
            return World(forge, clone("bot", forge.url, forge.bare), clone("person", str(forge.bare), forge.bare))

        yield make
        for forge in forges:
            assert not forge.violations
            assert not forge.faults


@pytest.fixture
def pr() -> Callable[..., list[dict]]:
    """Run `ssot-fix pr` in the bot's clone; what its JSON says of the pull requests."""

    def run(
        world: World, *arguments: str, extra: Mapping[str, str] | None = None, expect: int | None = 0
    ) -> list[dict]:
        done = Command(world.bot.root, ("pr", "--format", "json", *arguments), environment(world, extra)).wait()
        world.said = done.stderr.decode()
        assert expect is None or done.returncode == expect, world.said
        assert world.forge.token not in world.said + done.stdout.decode()
        assert "Traceback" not in world.said
        report = json.loads(done.stdout or b'{"pull_requests": [], "notes": []}')
        world.notes = report["notes"]
        return report["pull_requests"]

    return run


def environment(world: World, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**world.bot.environment, "GITHUB_TOKEN": world.forge.token, **(extra or {})}


def actions(delivered: list[dict]) -> list[tuple[str, str]]:
    return [(each["branch"], each["action"]) for each in delivered]
