"""Every route of the project, found in the URLconf: none is written down, so none is forgotten."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ANGLE = re.compile(r"<(?:\w+:)?(\w+)>")
NAMED = re.compile(r"\(\?P<(\w+)>")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """One address with its name; `pattern` is as the URLconf writes it."""

    name: str
    pattern: str
    callback: Any

    @property
    def key(self) -> str:
        """The name, or the pattern where there is none."""
        return self.pattern if self.name.endswith(":") or not self.name else self.name

    @property
    def takes(self) -> set[str]:
        """The names of the parts that vary."""
        return set(ANGLE.findall(self.pattern)) | set(NAMED.findall(self.pattern))

    @property
    def side(self) -> str:
        """Whose pages these are, as the address says: agr, dso, any participant's, or nobody's."""
        found = re.match(r"<(agr|dso|role):role>", self.pattern)
        return "" if found is None else found.group(1).replace("role", "any")

    def address(self, **parts: Any) -> str:
        """The address with its parts filled in; what is not given is 0."""
        text = _without_groups(self.pattern)
        filled = ANGLE.sub(lambda part: str(parts.get(part.group(1), 0)), text)
        return "/" + filled.replace("^", "").replace("$", "").replace("\\", "")


def _without_groups(pattern: str) -> str:
    """(?P<pk>[0-9]+) becomes <pk>, whatever brackets are inside."""
    while (start := pattern.find("(?P<")) >= 0:
        depth, end = 0, start
        for end in range(start, len(pattern)):
            depth += {"(": 1, ")": -1}.get(pattern[end], 0)
            if depth == 0:
                break
        name = pattern[start + 4 : pattern.index(">", start)]
        pattern = f"{pattern[:start]}<{name}>{pattern[end + 1 :]}"
    return pattern


def all_routes() -> list[Route]:
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: Any, before: str, namespace: str) -> Iterator[Route]:
    for item in patterns:
        if isinstance(item, URLResolver):
            inner = f"{namespace}{item.namespace}:" if item.namespace else namespace
            yield from _walk(item.url_patterns, before + str(item.pattern), inner)
        elif isinstance(item, URLPattern):
            yield Route(namespace + (item.name or ""), before + str(item.pattern), item.callback)


def by_key() -> Mapping[str, Route]:
    return {route.key: route for route in all_routes()}
