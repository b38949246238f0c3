"""GitHub's own description of its REST API: what a request and an answer must look like, and a smallest answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker

_FILE = Path(__file__).resolve().parent.parent / "github-rest-schema.json"
_ANSWER_WITHOUT_ENTRY = {"$ref": "#/components/schemas/basic-error"}
_LONGEST_TOLD = 300
_FORMATS = FormatChecker(())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme and urlsplit(value).netloc)


@dataclass(frozen=True)
class Operation:
    """One operation of the API, as a path asked for it, with the values that stand in the path."""

    id: str
    entry: Mapping[str, Any]
    values: Mapping[str, str]


class Schema:
    """The operations of `document`, an OpenAPI description in plain JSON Schema whose references are all local."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._components = document["components"]
        self._routes = [
            (method.upper(), self._pattern(path, entry), entry)
            for path, methods in document["paths"].items()
            for method, entry in methods.items()
        ]

    def operation(self, method: str, path: str) -> Operation | None:
        """Find what `method` and `path` (from the API's root, no query) ask for; None if the API has no such thing."""
        for asked, pattern, entry in self._routes:
            if asked == method and (found := pattern.fullmatch(path)):
                values = {name: unquote(value) for name, value in found.groupdict().items()}
                return Operation(entry["operationId"], entry, values)
        return None

    def wrong_in_request(self, operation: Operation, query: str, body: Any) -> list[str]:
        """Say what is wrong with a request; `body` is its JSON, None without one.

        Stricter than the schema in one thing: a property that it does not name is wrong. GitHub drops it in silence.
        """
        parameters = [self._resolved(each) for each in operation.entry["parameters"]]
        wrong = [*self._wrong_parameters(parameters, "path", operation.values)]
        wrong += self._wrong_parameters(parameters, "query", dict(parse_qsl(query, keep_blank_values=True)))
        described = operation.entry.get("requestBody")
        if body is None:
            return wrong + ["the body is missing"] * bool(described and described["required"])
        if described is None:
            return [*wrong, "there must be no body"]
        schema = described["content"]["application/json"]["schema"]
        return [*wrong, *self._wrong_value(schema, body), *self._unknown_properties(schema, body)]

    def wrong_in_answer(self, operation: Operation, status: int, body: Any) -> list[str]:
        """Say what is wrong with an answer. Errors that every operation may give have no entry of their own."""
        described = operation.entry["responses"].get(str(status))
        if described is None:
            if status < 400:
                return [f"{operation.id} never answers {status}"]
            return [*self._wrong_value(_ANSWER_WITHOUT_ENTRY, body)]
        content = self._resolved(described).get("content")
        if content is None:
            return ["there must be no body"] * (body is not None and status < 400)
        return [*self._wrong_value(content["application/json"]["schema"], body)]

    def smallest(self, name: str, url: str) -> Any:
        """Make the smallest value of the component `name`: null where it may be, and `url` for every URL."""
        return self._smallest({"$ref": f"#/components/schemas/{name}"}, url)

    def _smallest(self, node: Mapping[str, Any], url: str) -> Any:
        schema = self._resolved(node)
        if options := schema.get("oneOf") or schema.get("anyOf"):
            return self._smallest(options[0], url)
        if "enum" in schema:
            return schema["enum"][0]
        if schema["type"] == "object":
            return {name: self._smallest(schema["properties"][name], url) for name in schema.get("required", ())}
        if schema["type"] == "string":
            return {"uri": url, "date-time": "2026-01-01T00:00:00Z"}.get(str(schema.get("format")), "")
        return {"integer": 0, "number": 0, "boolean": False, "array": []}.get(str(schema["type"]))

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            node = self._components[kind][name]
        return node

    def _pattern(self, path: str, entry: Mapping[str, Any]) -> re.Pattern[str]:
        pattern = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
        for parameter in map(self._resolved, entry["parameters"]):
            value = ".+" if parameter.get("x-multi-segment") else "[^/]+"
            pattern = pattern.replace(f"{{{parameter['name']}}}", f"(?P<{parameter['name']}>{value})")
        return re.compile(pattern)

    def _wrong_parameters(
        self, parameters: list[Mapping[str, Any]], place: str, values: Mapping[str, str]
    ) -> Iterator[str]:
        known = {each["name"]: each for each in parameters if each["in"] == place}
        yield from (f"no such {place} parameter: {name}" for name in values.keys() - known)
        for name, parameter in known.items():
            if name not in values:
                yield from [f"the {place} parameter {name} is missing"] * bool(parameter.get("required"))
                continue
            text = values[name]
            number = parameter["schema"].get("type") == "integer" and text.isdecimal()
            yield from self._wrong_value(parameter["schema"], int(text) if number else text, name)

    def _wrong_value(self, schema: Mapping[str, Any], value: Any, name: str = "body") -> Iterator[str]:
        # The components go along, so that "#/components/..." means the same in the part as in the whole.
        validator = Draft202012Validator({**schema, "components": self._components}, format_checker=_FORMATS)
        for error in validator.iter_errors(value):
            yield f"{name}{error.json_path[1:]}: {error.message[:_LONGEST_TOLD]}"

    def _unknown_properties(self, schema: Mapping[str, Any], body: Any) -> Iterator[str]:
        options = [self._resolved(each) for each in schema.get("oneOf", [schema])]
        known = {name for option in options for name in option.get("properties", {})}
        if isinstance(body, dict):
            yield from (f"no such property: {name}" for name in body.keys() - known)


@cache
def github_schema() -> Schema:
    """Read the description of GitHub's API that lies beside the tests."""
    return Schema(json.loads(_FILE.read_text(encoding="utf-8")))
