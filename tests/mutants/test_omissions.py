"""Statements that are left out, one at a time."""

from typing import Final

import libcst as cst
from mutmut.mutation.file_mutation import deep_replace

from mutants.omissions import omissions

MODULE: Final = '''\
"""A module."""

names: list[str] = []
names.append("not in a function")


class Names:
    """Names."""

    names.append("nor in a method")

    def add(self, name: str) -> None:
        """Add one."""
        if name:
            names.append(name)


def first(count: int) -> int:
    """Find the first."""
    for number in range(count):
        if number > 2:
            if number > 3:
                break
        elif number > 1:
            continue
        count += 1
        names[:] = []
        yield number
    if count:
        return 1
    else:
        return 2
'''


def left_out(text: str) -> list[str]:
    """What each change leaves out, as it stands in the text."""
    module = cst.parse_module(text)
    found = []
    for mutation in omissions(module):
        found.append(module.code_for_node(mutation.original_node).strip())
        changed = deep_replace(module, mutation.original_node, mutation.mutated_node)
        assert isinstance(changed, cst.Module)
        compile(changed.code, "changed", "exec")
        assert changed.code.count("pass") == 1
    return found


def test_what_is_left_out() -> None:
    """In functions, each `if` without an alternative and with what it guards, and each statement that has an effect."""
    assert [
        "if name:\n    names.append(name)",
        "names.append(name)",
        "if number > 3:\n    break",
        "break",
        "continue",
        "count += 1",
        "yield number",
    ] == left_out(MODULE)


def test_the_function_is_known() -> None:
    """A method by its own name, and not by that of its class."""
    names = [one.contained_by_top_level_function for one in omissions(cst.parse_module(MODULE))]
    assert ["add"] * 2 + ["first"] * 5 == [one.name.value for one in names if one is not None]
