"""Changes that `mutmut` does not make: a statement of a function is left out.

What is left out: an `if` without `else`, with all that it guards; and a statement that has an effect and no value: a
call by itself, a `yield`, `+=` and its like, `continue`, `break`. Where one stood there is `pass`.

Not here: which of them are worth trying (`population`).
"""

from collections.abc import Iterator

import libcst as cst
from mutmut.mutation.file_mutation import Mutation


def omissions(module: cst.Module) -> Iterator[Mutation]:
    """A change for each statement of each function and method that can be left out; those inside of others as well."""
    for function in _functions(module):
        finder = _Finder()
        function.body.visit(finder)
        for statement in finder.found:
            yield Mutation(statement, cst.SimpleStatementLine([cst.Pass()]), function)


def _functions(module: cst.Module) -> Iterator[cst.FunctionDef]:
    for statement in module.body:
        inside = statement.body.body if isinstance(statement, cst.ClassDef) else (statement,)
        yield from (one for one in inside if isinstance(one, cst.FunctionDef))


class _Finder(cst.CSTVisitor):
    """Collects what can be left out of a body.

    An `elif` is no statement of its own, and an `if` that has one or an `else` leaves no gap when it goes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.CSTNode] = []
        self._alternatives: set[int] = set()

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Look at a node, and then into it."""
        match node:
            case cst.If(orelse=None) if id(node) not in self._alternatives:
                self.found.append(node)
            case cst.If(orelse=alternative):
                self._alternatives.add(id(alternative))
            case cst.SimpleStatementLine(body=[statement]) if _has_effect(statement):
                self.found.append(node)
            case _:
                pass
        return True


def _has_effect(statement: cst.BaseSmallStatement) -> bool:
    """Whether it does something and is no text: a docstring is an expression as well."""
    if isinstance(statement, cst.Expr):
        return isinstance(statement.value, cst.Call | cst.Await | cst.Yield)
    return isinstance(statement, cst.AugAssign | cst.Continue | cst.Break)
