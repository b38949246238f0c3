"""Source distributions from the package index, pinned by version and hash, unpacked without running any of them."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

_DEFAULT_INDEX = "https://pypi.org/simple"
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_TIMEOUT = 180
# What tools look at: the code, and the settings that say where its packages lie.
_WANTED = re.compile(r"\.py$|/(pyproject\.toml|setup\.cfg)$")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A source distribution: the project's name on the index, its file, and the SHA-256 of that."""

    name: str
    version: str
    file: str
    sha256: str


CORPORA = (
    Corpus(
        "django",
        "5.2.8",
        "django-5.2.8.tar.gz",
        "23254866a5bb9a2cfa6004e8b809ec6246eba4b58a7589bc2772f1bcc8456c7f",
    ),
    # The code of Apache Airflow 3 is in this distribution; the one called apache-airflow only asks for it.
    Corpus(
        "apache-airflow-core",
        "3.1.8",
        "apache_airflow_core-3.1.8.tar.gz",
        "484aa133b3a8684d64e0bac4f0354938a430bd9e4a7bcc2f142b3e59fc8c2a1c",
    ),
    Corpus(
        "salt",
        "3007.9",
        "salt-3007.9.tar.gz",
        "1f770d6b9ca5568f926d98edfcd26dce71c04f6094243db912857953e3d4a56d",
    ),
    Corpus(
        "sqlalchemy",
        "2.0.46",
        "sqlalchemy-2.0.46.tar.gz",
        "cf36851ee7219c170bb0793dbc3da3e80c582e04a5437bc601bfe8c85c9216d7",
    ),
)


class Refused(Exception):
    """An archive is not what it should be, or holds what it must not."""


def fetch(corpus: Corpus, folder: Path) -> Path:
    """Have the archive of a corpus in a folder; an archive that lies there already is used if its hash is right."""
    archive = folder / corpus.file
    if not archive.exists():
        index = Index.of_pip()
        folder.mkdir(parents=True, exist_ok=True)
        data = index.download(index.address(corpus))
        check(data, corpus)
        archive.write_bytes(data)
    check(archive.read_bytes(), corpus)
    return archive


def check(data: bytes, corpus: Corpus) -> None:
    """Refuse bytes that do not have the hash of the corpus."""
    found = hashlib.sha256(data).hexdigest()
    if found != corpus.sha256:
        raise Refused(f"{corpus.file}: the SHA-256 is {found}, not {corpus.sha256}")


def unpack(archive: Path, target: Path) -> None:
    """Lay out the code of an archive below a folder, without the archive's own top folder.

    Links and devices are left out. A path that is absolute or leads outside is refused, with all the rest.
    """
    with tarfile.open(archive) as tar:
        members = [(member, _inside(member.name)) for member in tar]
        for member, path in members:
            if member.isfile() and _WANTED.search(member.name) and path.parts:
                file = target / path
                file.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None
                file.write_bytes(content.read())


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise Refused(f"the archive holds {name!r}, which leads outside")
    return PurePosixPath(*path.parts[1:])


@dataclass(frozen=True, slots=True)
class Index:
    """A package index: its address, and a file of certificates where pip was given one."""

    address_of_all: str = _DEFAULT_INDEX
    certificates: str | None = None

    @classmethod
    def of_pip(cls) -> Index:
        """The index that pip is set up with."""
        command = (sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check")
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        values = settings(listed.splitlines())
        return cls(values.get("index-url", _DEFAULT_INDEX), values.get("cert"))

    def address(self, corpus: Corpus) -> str:
        """Where the archive of a corpus is, by the index's page on the project."""
        page = f"{self.address_of_all.rstrip('/')}/{corpus.name}/"
        links = read_links(self.download(page).decode(), page)
        if corpus.file not in links:
            raise Refused(f"the package index has no {corpus.file}; put that file where the others are")
        return links[corpus.file]

    def download(self, address: str) -> bytes:
        """What is at an address."""
        if urlsplit(address).scheme not in ("https", "http"):
            raise Refused(f"{urlsplit(address).scheme}: is not read here; put the archives where they are cached")
        secure = ssl.create_default_context(cafile=self.certificates)
        with urlopen(Request(address, headers={"Accept": _ACCEPT}), timeout=_TIMEOUT, context=secure) as answer:
            data: bytes = answer.read()
        return data


def settings(lines: Iterable[str]) -> Mapping[str, str]:
    """pip's settings by name, from lines of `pip config list`; variables win over files, as they do for pip."""
    found = [re.fullmatch(r"(global|install|download|:env:)\.([\w-]+)='(.*)'", line) for line in lines]
    ranks = ("global", "install", "download", ":env:")
    ordered = sorted((match for match in found if match), key=lambda match: ranks.index(match[1]))
    return {match[2]: match[3] for match in ordered}


def read_links(page: str, address: str) -> dict[str, str]:
    """The addresses of files by name, from a project's page in either form of the simple API (PEP 503, PEP 691)."""
    if page.lstrip().startswith("{"):
        return {file["filename"]: urljoin(address, file["url"]) for file in json.loads(page)["files"]}
    links = _Links()
    links.feed(page)
    targets = [urljoin(address, target) for target in links.targets]
    return {PurePosixPath(urlsplit(target).path).name: target for target in targets}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]
