"""GitHub's JSON. What no test looks at is the smallest that GitHub's schema allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from zlib import crc32

from .schema import github_schema
from .tracker import Comment, Pull, Tracker

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendering:
    """Makes the JSON of one repository's things; `web` is the server's root, `api` that of its API."""

    tracker: Tracker
    web: str
    api: str
    name: str

    @property
    def root(self) -> str:
        """The repository's URL in the API."""
        return f"{self.api}/repos/{self.tracker.owner}/{self.name}"

    def _made(self, component: str, values: Mapping[str, Any]) -> Json:
        return {**github_schema().smallest(component, f"{self.api}/elsewhere"), **values}

    def user(self, login: str, component: str = "simple-user") -> Json:
        """A person, or a bot."""
        values = {"login": login, "id": crc32(login.encode()), "url": f"{self.api}/users/{login}", "type": "User"}
        return self._made(component, values)

    def team(self, slug: str) -> Json:
        """A team."""
        return self._made("team", {"slug": slug, "name": slug, "id": crc32(slug.encode())})

    def repository(self, component: str = "full-repository") -> Json:
        """The repository itself."""
        full_name = f"{self.tracker.owner}/{self.name}"
        values = {
            "id": 1,
            "name": self.name,
            "full_name": full_name,
            "owner": self.user(self.tracker.owner),
            "url": self.root,
            "html_url": f"{self.web}/{full_name}",
            "clone_url": f"{self.web}/{full_name}.git",
            "default_branch": self.tracker.repository.default_branch(),
            "allow_rebase_merge": False,
            "permissions": {"admin": False, "push": True, "pull": True},
        }
        return self._made(component, values)

    def pull(self, pull: Pull) -> Json:
        """A pull request with all that is counted in it."""
        repository = self.tracker.repository
        size = repository.size(pull.base_sha, pull.head_sha)
        clean = pull.state == "open" and repository.merged_tree(pull.base_sha, pull.head_sha) is not None
        values = {
            "merged": pull.merged,
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
            "mergeable": clean if pull.state == "open" else None,
            "mergeable_state": "unknown" if pull.state == "closed" else "clean" if clean else "dirty",
            "comments": len(pull.comments),
            "commits": size.commits,
            "changed_files": size.files,
            "additions": size.additions,
            "deletions": size.deletions,
        }
        return self._made("pull-request", self.simple_pull(pull) | values)

    def simple_pull(self, pull: Pull) -> Json:
        """A pull request as it stands in lists."""
        url = f"{self.root}/pulls/{pull.number}"
        issue = f"{self.root}/issues/{pull.number}"
        values = {
            "id": 1000 + pull.number,
            "node_id": node_id(pull),
            "number": pull.number,
            "url": url,
            "html_url": f"{self.web}/{self.tracker.owner}/{self.name}/pull/{pull.number}",
            "issue_url": issue,
            "comments_url": f"{issue}/comments",
            "state": pull.state,
            "title": pull.title,
            "body": pull.body,
            "draft": pull.draft,
            "user": self.user(pull.author),
            "created_at": pull.created,
            "updated_at": pull.updated,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_sha,
            "labels": [self.label(name) for name in pull.labels],
            "requested_reviewers": [self.user(login) for login in pull.reviewers],
            "requested_teams": [self.team(slug) for slug in pull.team_reviewers],
            "author_association": "COLLABORATOR",
            "head": self._end(pull.head, pull.head_sha),
            "base": self._end(pull.base, pull.base_sha),
        }
        return self._made("pull-request-simple", values)

    def _end(self, branch: str, commit: str) -> Json:
        owner = self.tracker.owner
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": commit,
            "user": self.user(owner),
            "repo": self.repository("repository"),
        }

    def comment(self, pull: Pull, comment: Comment) -> Json:
        """A comment."""
        values = {
            "id": comment.id,
            "url": f"{self.root}/issues/comments/{comment.id}",
            "issue_url": f"{self.root}/issues/{pull.number}",
            "user": self.user(comment.author),
            "body": comment.body,
            "created_at": comment.created,
            "updated_at": comment.updated,
        }
        return self._made("issue-comment", values)

    def label(self, name: str) -> Json:
        """A label."""
        values = {
            "name": name,
            "id": crc32(name.encode()),
            "url": f"{self.root}/labels/{quote(name)}",
            "description": "",
            "color": "ededed",
        }
        return self._made("label", values)

    def branch(self, name: str, commit: str) -> Json:
        """A branch, with its commit."""
        url = f"{self.root}/branches/{quote(name)}"
        made = self._made("commit", {"sha": commit, "url": f"{self.root}/commits/{commit}"})
        values = {"name": name, "commit": made, "_links": {"self": url, "html": url}, "protected": False}
        return self._made("branch-with-protection", values)

    def ref(self, ref: str, commit: str) -> Json:
        """A ref, `heads/NAME`, and where it points."""
        target = {"type": "commit", "sha": commit, "url": f"{self.root}/git/commits/{commit}"}
        values = {"ref": f"refs/{ref}", "url": f"{self.root}/git/refs/{quote(ref)}", "object": target}
        return self._made("git-ref", values)


def node_id(pull: Pull) -> str:
    """Give the name that GraphQL has for a pull request."""
    return f"PR_{pull.number}"
