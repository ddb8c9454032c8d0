"""YAML with its line numbers: nodes instead of values, so that every complaint can say where."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from offers.uftp.errors import clipped

Reader = Callable[[yaml.Node], Any]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a market file, and where."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


class BadMarket(ValueError):
    """A market file that was not loaded; `problems` are all its faults, in the order of their lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def wrong(node: yaml.Node, text: str) -> BadMarket:
    return BadMarket([Problem(line_of(node), text)])


def shown(node: yaml.Node) -> str:
    """A value as a person typed it."""
    if isinstance(node, yaml.ScalarNode):
        return f"“{clipped(node.value)}”" if node.value else "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def compose(text: str) -> yaml.Node:
    """The only document of a file. Nothing is constructed: tags such as !!python have no effect."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise BadMarket([Problem(line, f"this is no YAML: {error.problem or error.context}")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadMarket([Problem(1, f"this is no YAML: {clipped(error)}")]) from error
    if node is None:
        raise BadMarket([Problem(1, "the file is empty: write participants:, congestion_points:, …")])
    return node


def items(node: yaml.Node, what: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise wrong(node, f"{what} is {shown(node)}: write a list, each entry with a dash or in [ ]")
    return list(node.value)


def pairs(node: yaml.Node, what: str) -> list[tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise wrong(node, f"{what} is {shown(node)}: write key: value pairs")
    return list(node.value)


def collected(found: Iterable[Callable[[], Any]]) -> list[Any]:
    """The result of every call; if any finds faults, all faults of all of them."""
    results: list[Any] = []
    problems: list[Problem] = []
    for call in found:
        try:
            results.append(call())
        except BadMarket as error:
            problems += error.problems
    if problems:
        raise BadMarket(problems)
    return results
