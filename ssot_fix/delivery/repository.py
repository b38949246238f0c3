"""A repository's objects and refs. Its work tree and its index are never looked at, and no hook is run."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ssot_fix.project.git import GitError, ask_git, executable, forget_other_repositories, run_git, toplevel

if TYPE_CHECKING:
    from git import Git

FILE, PROGRAM, LINK = "100644", "100755", "120000"
# Settings that name a program: out of a repository's own configuration they are not taken.
_PROGRAMS = ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.ssh.defaultkeycommand", "gpg.x509.program")
_OWN_INDEX = ("-c", "core.splitIndex=false", "-c", "index.sparse=false", "-c", "core.untrackedCache=false")
_PERSON = re.compile(r"\s*(?P<name>[^<>\n]*[^<>\s])\s*<(?P<mail>[^<>\s]+)>\s*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit: its path, with undecodable bytes as surrogate escapes, its mode and blob."""

    path: str
    mode: str
    blob: str

    @property
    def is_file(self) -> bool:
        """Whether it is no link and no submodule."""
        return self.mode in {FILE, PROGRAM}


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as it stands in the history; `trailers` by name, each with its last value."""

    id: str
    parents: tuple[str, ...]
    author: str
    subject: str
    trailers: Mapping[str, str]


class Repository:
    """A git repository: with a work tree, a linked work tree, or bare.

    `folder` is the root of the work tree, or the repository itself if that is bare.
    """

    def __init__(self, start: Path) -> None:
        """Find the repository that holds the folder `start`; GitError if none does."""
        forget_other_repositories()
        os.environ["GIT_NO_REPLACE_OBJECTS"] = "1"  # what `git replace` shows here is not what a commit holds
        folder = toplevel(start.resolve()) or start.resolve()
        asked = run_git(folder, "rev-parse", "--is-bare-repository", "--is-shallow-repository", "--absolute-git-dir")
        # The folder comes last: its name may hold what ends a line.
        bare, shallow, git_dir = os.fsdecode(asked).removesuffix("\n").split("\n", 2)
        self.folder = Path(git_dir) if bare == "true" else folder
        self._git_dir = git_dir
        self.is_shallow = shallow == "true"

    def close(self) -> None:
        """End the process that reads objects."""
        if "_reader" in self.__dict__:
            self._reader.stdin.close()
            self._reader.wait()

    def git(self, *arguments: str, input: bytes | None = None, environment: Mapping[str, str] | None = None) -> str:
        """What git prints, without the newline at the end.

        Raises GitError.
        """
        printed = run_git(self.folder, *arguments, input=input, environment=environment)
        return os.fsdecode(printed).removesuffix("\n")

    @property
    def is_partial(self) -> bool:
        """Whether its server keeps objects that it lacks itself."""
        return (
            ask_git(self.folder, "config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$")
            is not None
        )

    @cached_property
    def _reader(self) -> Git.AutoInterrupt:
        """A process that is told ids and answers with objects; GitPython's own database knows SHA-1 only."""
        os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = executable()  # else it is looked for in the current folder, too
        from git import Git  # noqa: PLC0415

        git = Git(self.folder)
        git.set_persistent_git_options(c=["core.fsmonitor=false", f"core.hooksPath={os.devnull}"])
        # Without GIT_DIR it takes the folder around a bare repository for a work tree.
        variables = {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        git.update_environment(GIT_DIR=self._git_dir, **variables)
        process: Git.AutoInterrupt = git.cat_file("--batch", istream=subprocess.PIPE, as_process=True)
        return process

    # Reading

    def resolve(self, name: str) -> str:
        """The id of the commit that a branch, tag, remote branch or id names; GitError if there is none."""
        # --end-of-options: a name may begin with a dash.
        found = ask_git(self.folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found is None:
            raise GitError(f"there is no commit called `{name}` here; `git fetch` brings what the remote has")
        return found

    def branch(self, name: str) -> str | None:
        """The commit that a local branch stands at."""
        return ask_git(self.folder, "rev-parse", "--verify", "--quiet", f"refs/heads/{name}^{{commit}}")

    def in_the_way(self, name: str) -> str | None:
        """A local branch beside which there can't be one of this name: git keeps branches as files in folders."""
        parts = name.split("/")
        for above in ("/".join(parts[:count]) for count in range(1, len(parts))):
            if ask_git(self.folder, "show-ref", "--verify", "--quiet", f"refs/heads/{above}") is not None:
                return above
        below = ("--count=1", "--format=%(refname:strip=2)", f"refs/heads/{name}/")
        return self.git("for-each-ref", *below) or None

    def entries(self, commit: str) -> list[Entry]:
        """All files of a commit, links and submodules among them."""
        listed = run_git(self.folder, "ls-tree", "-r", "-z", "--full-tree", commit)
        return [_entry(line) for line in listed.split(b"\0")[:-1]]

    def missing(self, commit: str) -> frozenset[str]:
        """The blobs of a commit that the repository does not hold: in a partial clone, its server has them."""
        walk = ("rev-list", "--objects", "--no-object-names", "--no-walk", "--missing=print", commit)
        return frozenset(line[1:] for line in self.git(*walk).splitlines() if line.startswith("?"))

    def sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        """The sizes of blobs, in bytes; one that can't be read has none."""
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        told = self.git("cat-file", "--batch-check=%(objectname) %(objectsize)", input=asked).splitlines()
        return {blob: int(size) for blob, size in map(str.split, told) if size.isdigit()}

    def blob(self, blob: str) -> bytes:
        """The bytes of a file that is there; GitError if they can't be read."""
        reader = self._reader
        reader.stdin.write(f"{blob}\n".encode())
        reader.stdin.flush()
        header = reader.stdout.readline().split()
        if len(header) != 3:
            raise GitError(f"the object {blob} can't be read; `git fsck` says what is wrong")
        data: bytes = reader.stdout.read(int(header[2]))
        reader.stdout.read(1)
        return data

    def text(self, commit: str, path: str) -> bytes | None:
        """The bytes of one file of a commit; GitError if it is there and can't be read."""
        listed = run_git(self.folder, "ls-tree", "-z", "--full-tree", commit, "--", path).split(b"\0")[:-1]
        entries = [_entry(line) for line in listed]
        return self.blob(entries[0].blob) if len(entries) == 1 and entries[0].is_file else None

    def commits_back(self, tip: str, most: int) -> Iterator[Commit]:
        """Up to `most` commits from a tip backwards, along the first parents; fewer where a shallow clone ends."""
        form = "%H%x00%P%x00%an <%ae>%x00%s%x00%(trailers:only,unfold)%x00"
        # Checking a signature would run a program.
        chosen = ("--no-show-signature", "--first-parent", f"--max-count={most}", f"--format=tformat:{form}")
        printed = self.git("-c", "trailer.separators=:", "log", *chosen, "--end-of-options", tip)
        fields = printed.split("\0")
        for id_, parents, author, subject, trailers in zip(*(iter(fields),) * 5, strict=False):
            pairs = (line.partition(": ") for line in trailers.splitlines())
            yield Commit(id_.strip(), tuple(parents.split()), author, subject, {key: value for key, _, value in pairs})

    def difference(self, before: str, after: str) -> str:
        """A hash of what differs between two commits or trees: paths, modes and blobs, whatever else they hold."""
        raw = run_git(self.folder, "diff-tree", "-r", "-z", "--no-renames", "--full-index", "--raw", before, after)
        return hashlib.sha256(raw).hexdigest()

    def tree(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self.git("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")

    # Writing

    def store(self, texts: Sequence[bytes]) -> list[str]:
        """Write blobs; their ids, in order."""
        if not texts:
            return []
        with tempfile.TemporaryDirectory(prefix="ssot-fix-") as folder:
            files = [Path(folder, str(number)) for number in range(len(texts))]
            for file, text in zip(files, texts, strict=True):
                file.write_bytes(text)
            paths = "".join(f"{file}\n" for file in files).encode()
            return self.git("hash-object", "-w", "--no-filters", "--stdin-paths", input=paths).splitlines()

    def write_index(self, base: str, file: Path) -> None:
        """Write a commit's or tree's files to an index of its own, complete whatever the settings say."""
        self.git(*_OWN_INDEX, "read-tree", base, environment={"GIT_INDEX_FILE": str(file)})

    def tree_with(self, base: str, files: Iterable[tuple[str, str, str]]) -> str:
        """The tree of a commit or tree with the blobs of some files replaced: (path, mode, blob) of each."""
        with tempfile.TemporaryDirectory(prefix="ssot-fix-") as folder:
            file = Path(folder, "index")
            index = {"GIT_INDEX_FILE": str(file)}
            lines = b"".join(f"{mode} {blob}\t".encode() + os.fsencode(path) + b"\0" for path, mode, blob in files)
            self.write_index(base, file)
            self.git(*_OWN_INDEX, "update-index", "-z", "--index-info", input=lines, environment=index)
            return self.git(*_OWN_INDEX, "write-tree", "--missing-ok", environment=index)

    def commit(self, tree: str, parent: str, message: str, author: str | None) -> str:
        """Write a commit, signed if the settings of git want that; its id.

        `author` is `Name <mail>`, and the committer, too, where git knows of none. Raises GitError.
        """
        settings, variables = ["-c", "user.useConfigOnly=true", *self._trusted_programs], dict[str, str]()
        if author is not None:
            name, mail = parse_person(author)
            variables = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail}
            if ask_git(self.folder, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT") is None:
                variables |= {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail}
        elif ask_git(self.folder, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT") is None:
            raise GitError(
                "git does not know who makes the commit; give --author 'Name <mail>', or run: "
                "git config --global user.name 'Name' and git config --global user.email mail"
            )
        signed = ["-S"] if ask_git(self.folder, "config", "--type=bool", "commit.gpgSign") == "true" else []
        arguments = ("commit-tree", *signed, "-p", parent, "-F", "-", tree)
        text = message.encode("utf-8", "surrogateescape")
        settings += ["-c", "i18n.commitEncoding=utf-8"]
        try:
            return self.git(*settings, *arguments, input=text, environment=variables)
        except GitError as error:
            why = "the commit could not be signed, as commit.gpgSign wants it" if signed else "there is no commit"
            raise GitError(f"{why}: {error}") from error

    @cached_property
    def _trusted_programs(self) -> list[str]:
        """Options that put the user's own settings, or git's defaults, in the place of the repository's programs."""
        overriding = []
        for key in _PROGRAMS:
            if self.own_setting(key):
                trusted = ask_git(self.folder, "config", "--global", "--get", key)
                overriding += ["-c", f"{key}={trusted or _DEFAULT_PROGRAMS.get(key, '')}"]
        return overriding

    def own_setting(self, key: str) -> bool:
        """Whether a setting of git's comes from the repository's own configuration."""
        shown = ask_git(self.folder, "config", "--show-scope", "--get", key)
        return shown is not None and shown.split("\t")[0] in {"local", "worktree"}

    def set_branch(self, name: str, commit: str, before: str | None) -> None:
        """Set a branch that still stands at `before` (None: is not there yet).

        Raises GitError.
        """
        old = before or "0" * len(commit)
        # --no-deref: where a symbolic ref bears the name, the branch that it stands for is somebody's.
        self.git("update-ref", "--no-deref", "-m", "ssot-fix", f"refs/heads/{name}", commit, old)

    def checked_out(self, name: str) -> str | None:
        """The work tree that a branch is checked out in."""
        folder = self.git("for-each-ref", "--format=%(worktreepath)", f"refs/heads/{name}")
        # A bare repository has a HEAD, but no work tree; one that was deleted stands for nothing.
        return folder if folder and toplevel(Path(folder)) == Path(folder) else None


_DEFAULT_PROGRAMS = {
    "gpg.program": "gpg",
    "gpg.openpgp.program": "gpg",
    "gpg.ssh.program": "ssh-keygen",
    "gpg.x509.program": "gpgsm",
}


def parse_person(text: str) -> tuple[str, str]:
    """The name and the mail address of `Name <mail>`; GitError if it has another form."""
    match = _PERSON.fullmatch(text)
    if match is None:
        raise GitError(f"an author is written 'Name <mail>', not {text!r}")
    return match["name"], match["mail"]


def _entry(line: bytes) -> Entry:
    about, _, path = line.partition(b"\t")
    mode, _kind, blob = about.decode().split()
    return Entry(os.fsdecode(path), mode, blob)
