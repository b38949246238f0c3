"""Where a remote is, whose API that means, and who may have the token."""

from __future__ import annotations

import pytest

from ssot_fix.delivery.github import api_url
from ssot_fix.delivery.remote import Location, Secret, anonymous, check_trusted, find_token, locate
from ssot_fix.project.git import GitError

GITHUB = Location("https", "github.com", "", "octo", "app")


@pytest.mark.parametrize(
    ("url", "authority", "path", "api"),
    [
        ("https://github.com/octo/app", "github.com", "octo/app", "https://api.github.com"),
        ("https://github.com/octo/app.git/", "github.com", "octo/app", "https://api.github.com"),
        ("https://user:secret@github.com/octo/app.git", "github.com", "octo/app", "https://api.github.com"),
        ("https://GitHub.com/Octo/App.git", "github.com", "Octo/App", "https://api.github.com"),
        ("git@github.com:octo/app.git", "github.com", "octo/app", "https://api.github.com"),
        ("github.com:octo/app", "github.com", "octo/app", "https://api.github.com"),
        ("ssh://git@github.com/octo/app.git", "github.com", "octo/app", "https://api.github.com"),
        ("ssh://git@ghe.example:2222/octo/a.b.git", "ghe.example:2222", "octo/a.b", "https://ghe.example/api/v3"),
        ("https://ghe.example:8443/octo/app", "ghe.example:8443", "octo/app", "https://ghe.example:8443/api/v3"),
        ("https://octo.ghe.com/octo/app", "octo.ghe.com", "octo/app", "https://api.octo.ghe.com"),
        ("http://127.0.0.1:8080/octo/app.git", "127.0.0.1:8080", "octo/app", "http://127.0.0.1:8080/api/v3"),
        ("http://[::1]:8080/octo/app.git", "[::1]:8080", "octo/app", "http://[::1]:8080/api/v3"),
    ],
)
def test_urls(url, authority, path, api):
    found = locate(url)
    assert (found.authority, f"{found.owner}/{found.name}") == (authority, path)
    assert api_url(found) == api


@pytest.mark.parametrize(
    "url",
    [
        *("", "/srv/git/app.git", "../app.git", "file:///srv/octo/app.git", "C:\\git\\app", "ext::sh -c true"),
        *("git://github.com/octo/app", "https://github.com", "https://github.com/octo", "https://github.com/a/b/c"),
        *("https:///octo/app", "git@github.com:app", "ftp://github.com/octo/app", "https://github.com:x/octo/app/.."),
    ],
)
def test_what_is_no_forge(url):
    with pytest.raises(GitError, match="no forge is known"):
        locate(url)


@pytest.mark.parametrize("host", ["github.com", "octo.ghe.com", "127.0.0.1", "::1", "localhost"])
def test_hosts_that_may_have_the_token(host, monkeypatch):
    for name in ("GH_HOST", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    check_trusted(Location("https", host, "", "octo", "app"))


@pytest.mark.parametrize(
    "host",
    ["evil.example", "github.com.evil.example", "xgithub.com", "ghe.com", "evilghe.com", "127.0.0.1.evil", ""],
)
def test_hosts_that_may_not(host, monkeypatch):
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.delenv("GH_HOST", raising=False)
    with pytest.raises(GitError, match="GH_HOST"):
        check_trusted(Location("https", host, "", "octo", "app"))


@pytest.mark.parametrize(
    ("name", "value"), [("GH_HOST", "GHE.example"), ("GITHUB_SERVER_URL", "https://ghe.example:8443")]
)
def test_hosts_that_the_environment_vouches_for(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    check_trusted(Location("https", "ghe.example", "", "octo", "app"))
    with pytest.raises(GitError, match="clear text"):
        check_trusted(Location("http", "ghe.example", "", "octo", "app"))


def test_a_secret_does_not_show():
    secret = Secret("ghp_abc")
    assert "ghp_abc" not in f"{secret} {secret!r}"
    header = secret.header()
    shown = secret.hidden_in(f"x ghp_abc {header} https://me:pw@host/a")
    assert shown == "x *** Authorization: Basic *** https://host/a"


def test_names_and_passwords_in_urls_do_not_show():
    assert anonymous("'https://a:b@c/d' and ssh://git@e/f, g@h:i") == "'https://c/d' and ssh://e/f, g@h:i"


def test_a_token_file(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "other")
    file = tmp_path / "token"
    with pytest.raises(GitError, match="token: the token can't be read: No such file"):
        find_token(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(GitError, match="no UTF-8"):
        find_token(file)
    file.write_text("\n")
    with pytest.raises(GitError, match="no token"):
        find_token(file)
    file.write_text("\ufeffghp_x\r\n", encoding="utf-8")
    assert find_token(file).token == "ghp_x"
