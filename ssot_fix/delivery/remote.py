"""The remote of a repository: where it is, what branches it has, and how a token gets there without being seen."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ssot_fix.delivery.repository import Repository
from ssot_fix.project.git import TOKENS, GitError, ask_git, attempt_git

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PROTOCOLS = "https:http:ssh"  # no ext::, no file://, whatever the settings allow
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s]+):(?P<path>(?!//)\S+)")
_URL = re.compile(r"\w+://\S+")
_USER_INFO = re.compile(r"(?<=://)[^/]*@")
_FETCHED = "refs/remotes/origin/"
_SETTINGS = (
    *("-c", "credential.helper="),
    *("-c", "push.pushOption="),
    *("-c", "http.followRedirects=false"),  # git would send the token on to wherever it is sent
    *("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"),  # bytes a second, seconds: else it waits for ever
)
_NO_QUESTIONS = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, "GIT_ASKPASS": "", "SSH_ASKPASS": ""}
# What git and its servers say where a branch is not where it was found.
_LOST = ("stale info", "fetch first", "cannot lock ref", "reference already exists")
_BESIDE = "exists; cannot create"  # a branch of the name of a folder that is needed, or the other way round
_REFUSED = ("could not read Username", "Authentication failed", "Invalid username or")
_SHALLOW_DEPTH = 50  # as many commits as a branch of ours may have, and more


@dataclass(frozen=True, slots=True)
class Location:
    """Where a repository is: the parts of its URL. `scheme` is https, http or ssh; `port` is empty or a number."""

    scheme: str
    host: str
    port: str
    owner: str
    name: str

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        return self.host in _LOOPBACK

    def __str__(self) -> str:
        return f"{self.host}/{self.owner}/{self.name}"

    @property
    def authority(self) -> str:
        """The host and its port, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


def locate(url: str) -> Location:
    """Take the URL of a repository apart: `https://host/owner/name.git`, `ssh://`, or `git@host:owner/name`.

    Raises GitError if it has another form.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # as of `http://[::1/`
        parts = urlsplit("")
    scp_like = _SCP_LIKE.fullmatch(url) if "://" not in url else None
    if scp_like:
        scheme, host, port, path = "ssh", scp_like["host"], "", scp_like["path"]
    else:
        scheme, host, port, path = parts.scheme, parts.hostname or "", _port(parts.netloc), parts.path
    owner, _, name = path.strip("/").removesuffix(".git").partition("/")
    if scheme not in {"https", "http", "ssh"} or not host or not owner or not name or "/" in name:
        raise GitError(
            f"no forge is known for the remote {anonymous(url)}: it is neither https://HOST/OWNER/NAME nor "
            "git@HOST:OWNER/NAME"
        )
    return Location(scheme, host.lower(), port, owner, name)


def _port(netloc: str) -> str:
    port = netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    return port if port.isdigit() else ""


def anonymous(text: str) -> str:
    """A text without the names, passwords and queries in its URLs."""
    return _URL.sub(lambda url: _USER_INFO.sub("", url.group()).partition("?")[0], text)


@dataclass(frozen=True, slots=True)
class Secret:
    """A token; it does not show in messages, nor in its own repr."""

    token: str = field(repr=False)

    def header(self) -> str:
        """The HTTP header that gives it to git's server."""
        return f"Authorization: Basic {self._basic()}"

    def _basic(self) -> str:
        return base64.b64encode(f"x-access-token:{self.token}".encode()).decode()

    def hidden_in(self, text: str) -> str:
        """A text in which it does not stand, in any form in which it is sent."""
        return anonymous(text.replace(self.token, "***").replace(self._basic(), "***"))


def find_token(file: Path | None) -> Secret:
    """The token: from a file, or from GITHUB_TOKEN or GH_TOKEN.

    Raises GitError if there is none.
    """
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise GitError(
                f"{file}: the token can't be read: {getattr(error, 'strerror', None) or 'no UTF-8'}"
            ) from None
    else:
        token = next((token for name in TOKENS if (token := os.environ.get(name, "").strip())), "")
    if not token:
        raise GitError("no token: set GITHUB_TOKEN or GH_TOKEN, or name a file that holds it with --token-file")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise GitError("the token holds characters that no token has; is it the right file?")
    return Secret(token)


def check_trusted(location: Location) -> None:
    """Raise GitError where a token would go to a host that nobody has vouched for, or could be read on its way.

    A repository's own settings say where its remote is, and a token is not for whoever wrote them. So it goes to
    GitHub, to this machine, and to hosts that the environment names, as GitHub's own command line tool does it.
    """
    server = urlsplit(os.environ.get("GITHUB_SERVER_URL", "")).hostname or ""
    known = {"github.com", os.environ.get("GH_HOST", "").lower(), server.lower()}
    is_known = location.host in known - {""} or location.host.endswith(".ghe.com") or location.is_loopback
    if not is_known:
        raise GitError(
            f"{location.host} is not GitHub. If it is your GitHub Enterprise, say that the token is meant for it: "
            f"set GH_HOST={location.host}. If it is another name for github.com, give the remote that"
        )
    if location.scheme == "http" and not location.is_loopback:
        raise GitError(f"the token would go to {location.host} in clear text; give the remote an https:// URL")


class Remote:
    """A remote of a repository, by its name. Every message of git's is rid of the token.

    `home` is the repository whose remote it is, `workspace` the one that is fetched into and pushed from.
    """

    def __init__(self, home: Repository, workspace: Repository, name: str, secret: Secret) -> None:
        """Find out where it is.

        Raises GitError if there is no such remote, or it can't be a forge's.
        """
        self._home = home
        self._repository = workspace
        self.name = name
        self._secret = secret
        urls = self._urls("--push")
        if self._urls() != urls:
            raise GitError(f"the remote {name} is fetched from one place and pushed to another; that is not supported")
        self.location = locate(urls[0])
        check_trusted(self.location)
        self._url = urls[0] if self.location.scheme == "ssh" else anonymous(urls[0])
        self._settings = (*self._trusted_ssh(), *_SETTINGS)
        self._variables = {**_NO_QUESTIONS, **self._credentials()}

    def _urls(self, *options: str) -> list[str]:
        shown = attempt_git(self._home.folder, "remote", "get-url", "--all", *options, "--", self.name, environment={})
        urls = os.fsdecode(shown.stdout).splitlines()
        if shown.returncode or not urls:
            raise GitError(f"there is no remote called `{self.name}`; --remote names another one")
        if len(urls) > 1:
            raise GitError(f"the remote {self.name} has {len(urls)} URLs; --remote names another one")
        return urls

    def _trusted_ssh(self) -> Sequence[str]:
        """The user's own way to start ssh: the repository's own settings could name any program."""
        command = ask_git(self._home.folder, "config", "--get", "core.sshCommand")
        if command is None or self._home.own_setting("core.sshCommand"):
            return ()
        return ("-c", f"core.sshCommand={command}")

    def _credentials(self) -> Mapping[str, str]:
        """Variables that give the token to git, for this URL only; what other headers there are is forgotten."""
        if self.location.scheme == "ssh":
            return {}
        count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        key = f"http.{self._url}.extraHeader"
        pairs = enumerate((("", ""), ("", self._secret.header())), count)
        added = {
            f"GIT_CONFIG_{what}_{n}": value
            for n, (_, header) in pairs
            for what, value in (("KEY", key), ("VALUE", header))
        }
        return {**added, "GIT_CONFIG_COUNT": str(count + 2)}

    def heads(self) -> tuple[str | None, dict[str, str]]:
        """The remote's default branch, and the commits of all its branches.

        Raises GitError.
        """
        default, found = None, dict[str, str]()
        for line in self._git("ls-remote", "--symref", self._url, "HEAD", "refs/heads/*").splitlines():
            what, _, ref = line.partition("\t")
            if what.startswith("ref: "):
                default = what.removeprefix("ref: refs/heads/")
            elif ref.startswith("refs/heads/"):
                found[ref.removeprefix("refs/heads/")] = what
        return default, found

    def fetch(self, branches: Iterable[str]) -> dict[str, str]:
        """Bring branches that are there, as remote branches; the commits that they now stand at.

        In a shallow clone only what is needed of them is brought. Raises GitError.
        """
        branches = list(branches)
        refs = [f"+refs/heads/{branch}:{_FETCHED}{branch}" for branch in branches]
        # What is not borrowed is not needed as a whole either.
        is_cut = self._repository.is_shallow or self._home.is_partial
        depth = [f"--depth={_SHALLOW_DEPTH}"] if is_cut else []
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no")
        if refs:
            self._git("fetch", *options, *depth, self._url, *refs)
        return {branch: self._repository.resolve(f"{_FETCHED}{branch}") for branch in branches}

    def push(self, branch: str, commit: str, before: str | None) -> None:
        """Set a branch that still stands at `before` (None: is not there).

        Raises GitError, also where somebody else was faster.
        """
        self._push(f"{commit}:refs/heads/{branch}", branch, before)

    def delete(self, branch: str, before: str) -> None:
        """Delete a branch that still stands at `before`.

        Raises as `push` does.
        """
        self._push(f":refs/heads/{branch}", branch, before)

    def _push(self, refspec: str, branch: str, before: str | None) -> None:
        lease = f"--force-with-lease=refs/heads/{branch}:{before or ''}"
        options = ("--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no")
        done = attempt_git(
            self._repository.folder,
            *self._settings,
            *("push", *options, lease, self._url, refspec),
            environment=self._variables,
        )
        if done.returncode:
            raise self._refusal(branch, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def _refusal(self, branch: str, status: str, said: str) -> GitError:
        reason = next((line.split("\t")[-1] for line in status.splitlines() if line.startswith("!\t")), "")
        if any(words in f"{reason} {said}" for words in _LOST) and _BESIDE not in said:
            return GitError(
                f"{branch} was pushed to meanwhile; it was left as it is, and the next run looks at it again"
            )
        told = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
        words = self._secret.hidden_in(" ".join([*filter(None, told), reason]).strip())
        if reason:
            return GitError(f"{self.name} refused {branch}: {words}")
        return GitError(f"git push to {self.name} failed: {self._failure(said)}")

    def _git(self, *arguments: str) -> str:
        done = attempt_git(self._repository.folder, *self._settings, *arguments, environment=self._variables)
        if done.returncode:
            raise GitError(
                f"git {arguments[0]} from {self.name} failed: {self._failure(done.stderr.decode('utf-8', 'replace'))}"
            )
        return os.fsdecode(done.stdout)

    def _failure(self, said: str) -> str:
        if any(words in said for words in _REFUSED):
            return "the token is not valid there, or may not see the repository"
        if "http.followRedirects" in said:
            return f"it has moved; `git remote set-url {self.name} URL` tells where to"
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ERROR:"))] or lines
        return self._secret.hidden_in("; ".join(told)) or "it said nothing"
