"""Answers at the terminal: the same JSON that the API gives, in colour."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

Answer = Mapping[str, Any]
"""The answer of `POST /v1/validate`."""

_STYLES = {
    "allow": "bold green",
    "deny": "bold red",
    "good": "green",
    "revoked": "bold red",
    "unknown": "yellow",
    "not_checked": "dim",
    "invalid": "red",
}


def render_check(path: str, answer: Answer) -> RenderableType:
    """A verdict on one certificate in a few lines."""
    answer = visible_answer(answer)
    title = Text.assemble((visible(path), "bold"), "  ", styled(answer["decision"]), " / ", styled(answer["status"]))
    if answer["code"] != "ok":
        title.append(f"  ({answer['code']})")
    lines: list[RenderableType] = [title, Text(f"  {answer['detail']}")]
    if answer["subject"] is not None:
        lines.append(Text(f"  subject {answer['subject']}, serial {answer['serial_number']}", style="dim"))
    revoked = (one["revocation"] for one in answer["path"] if one["revocation"]["status"] == "revoked")
    lines.extend(Text(f"  {_evidence(revocation)}", style="dim") for revocation in revoked)
    return Group(*lines)


def render_explanation(path: str, answer: Answer) -> Tree:
    """The path and each piece of evidence, as a tree."""
    answer = visible_answer(answer)
    tree = Tree(Text.assemble((visible(path), "bold"), "  ", styled(answer["decision"]), " / ", styled(answer["code"])))
    tree.add(Text(answer["detail"]))
    for fact in _facts(answer):
        tree.add(Text(fact, style="dim"))
    branch = tree
    for element in answer["path"]:
        branch = branch.add(_certificate(element))
        branch.add(_revocation(element["revocation"]))
    if not answer["path"]:
        tree.add(Text("no path to a trust anchor", style="yellow"))
    return tree


def _facts(answer: Answer) -> Sequence[str]:
    facts = [f"decision {answer['decision_id']}, checked at {answer['checked_at']}"]
    if answer["valid_until"] is not None:
        facts.append(f"may be reused until {answer['valid_until']}")
    if answer["sans"]:
        facts.append(f"names {', '.join(answer['sans'])}")
    if answer["authorized_policies"]:
        facts.append(f"policies {', '.join(answer['authorized_policies'])}")
    return facts


def _certificate(element: Mapping[str, Any]) -> Text:
    return Text.assemble(
        (element["subject"] or "(no subject)", "bold"),
        (f"\nserial {element['serial_number']}, until {element['not_after']}\nissued by {element['issuer']}", "dim"),
    )


def _revocation(revocation: Mapping[str, Any]) -> Text:
    text = Text.assemble("revocation: ", styled(revocation["status"]))
    evidence = _evidence(revocation)
    if evidence:
        text.append(f"\n{evidence}")
    if revocation["detail"]:
        text.append(f"\n{revocation['detail']}", style="dim")
    return text


def _evidence(revocation: Mapping[str, Any]) -> str:
    """What the status rests on: `crl 7 from http://… (host), 2026-01-01T00:00:00Z to …`."""
    if revocation["method"] == "none":
        return ""
    if revocation["method"] == "block":
        return f"block {revocation['source']}"
    number = "" if revocation["crl_number"] is None else f" {revocation['crl_number']}"
    words = f"{revocation['method']}{number} from {revocation['source']} ({revocation['tier']})"
    words += f", {revocation['this_update']} to {revocation['next_update'] or 'no nextUpdate'}"
    if revocation["revoked_at"] is not None:
        words += f"; revoked at {revocation['revoked_at']}, reason {revocation['reason']}"
    return words


def styled(word: str) -> Text:
    """A decision, status or code in its colour."""
    return Text(word, style=_STYLES.get(word, "red" if word != "ok" else "green"))


def visible(text: str) -> str:
    """The text without anything that a terminal obeys: subjects are written by strangers."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def visible_answer(answer: Answer) -> Answer:
    """The answer with every text of it made visible."""
    return {name: _visible_value(value) for name, value in answer.items()}


def _visible_value(value: object) -> object:
    match value:
        case str():
            return visible(value)
        case dict():
            return visible_answer(value)
        case list() | tuple():
            return [_visible_value(one) for one in value]
        case _:
            return value


def render_error(*lines: str) -> str:
    """A complaint, in markup; line ends within a line are made visible too."""
    text = "\n".join(visible(line) for line in lines)
    return f"[bold red]revet:[/] {escape(text)}"
