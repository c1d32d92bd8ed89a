#!/usr/bin/env python3
"""Writes what is said of the chart's values where else it is looked for, out of the comments in `helm/values.yaml`.

scripts/chart_reference.py

Alerts say what they are for in `helm/files/alerts.yaml`: that becomes a table of `docs/kubernetes.md`.

A value is described by `# -- What it means` above it, which may go on in further lines; `# @default -- …` says in words
what the default is; `## Section` begins a section. That becomes the tables of `helm/README.md` and the descriptions in
`helm/values.schema.json`, which editors show. Types and bounds stand in the schema alone, and are written by hand.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).parents[1] / "helm"

PAGE: Final = CHART.parent / "docs" / "kubernetes.md"

_LABELS: Final = {"job": "the service", "issuer": "an authority", "name": "`NAME`", "setting": "a setting"}
"""What stands for them where no alert is given."""

_LABEL: Final = re.compile(r"{{ \$labels\.(\w+) }}")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ALERTS: Final = re.compile(r"(?<=<!-- alerts: begin -->\n).*?(?=\n<!-- alerts: end -->)", re.DOTALL)
_TABLES: Final = re.compile(r"(?<=<!-- values: begin -->\n).*?(?=\n<!-- values: end -->)", re.DOTALL)
_KEY: Final = re.compile(r"( *)([A-Za-z][\w-]*):(?: |$)")
_SAYS: Final = "# -- "
_DEFAULT: Final = "# @default -- "
_SECTION: Final = "## "


@dataclass(frozen=True, slots=True)
class Value:
    """One that is described.

    Attributes:
        section: Below which heading.
        path: Its name, and those of the maps that it stands in.
        says: What it means.
        default: In words, or in JSON.
    """

    section: str
    path: tuple[str, ...]
    says: str
    default: str


def described(text: str) -> Iterator[Value]:
    """The values that have a description, in the order of the file.

    Raises:
        SystemExit: A description is followed by no value.
    """
    defaults = yaml.safe_load(text)
    section, says, default = "", [""], ""
    above: list[str] = []
    for line in text.splitlines():
        words = line.strip()
        if words.startswith(_SECTION):
            section = words.removeprefix(_SECTION)
        elif words.startswith(_SAYS):
            says, default = [words.removeprefix(_SAYS)], ""
        elif words.startswith(_DEFAULT):
            default = words.removeprefix(_DEFAULT)
        elif words.startswith("#") and says[0]:
            says.append(words.removeprefix("#").strip())
        elif key := _KEY.match(line):
            above[len(key[1]) // 2 :] = [key[2]]
            if says[0]:
                path = tuple(above)
                yield Value(section, path, " ".join(says), default or _shown(defaults, path))
            says, default = [""], ""
        elif says[0]:
            raise SystemExit(f"no value follows: {' '.join(says)}")


def _shown(defaults: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401 - what YAML may hold
    for name in path:
        defaults = defaults[name]
    return "" if defaults in ("", None) else f"`{json.dumps(defaults, ensure_ascii=False)}`"


def tables(values: Iterable[Value]) -> str:
    """What stands in the README."""
    lines: list[str] = []
    section = ""
    for value in values:
        if value.section != section:
            section = value.section
            lines += ["", f"### {section}", "", "| value | default | meaning |", "| --- | --- | --- |"]
        cells = (f"`{'.'.join(value.path)}`", value.default, value.says)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines).lstrip("\n")


def with_descriptions(schema: dict[str, Any], values: Iterable[Value]) -> dict[str, Any]:
    """The schema, in which every value that is described says so.

    Raises:
        SystemExit: It has no such value.
    """
    for value in values:
        place = schema
        for name in value.path:
            if name not in place.get("properties", {}):
                raise SystemExit(f"values.schema.json has no {'.'.join(value.path)}")
            place = place["properties"][name]
        place["description"] = value.says
    return schema


def alerts(text: str, runbooks: str) -> str:
    """The alerts of a file of rules, as the page shows them.

    Args:
        text: The rules.
        runbooks: The page that says what to do.

    Raises:
        KeyError: It has no such heading.
    """
    headings = {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-"): one for one in _HEADING.findall(runbooks)}
    lines = ["| alert | severity | says | what to do |", "| --- | --- | --- | --- |"]
    for rule in (rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]):
        says = _LABEL.sub(lambda found: _LABELS[found[1]], rule["annotations"]["summary"])
        runbook = rule["annotations"]["runbook"].removeprefix("docs/")
        title = headings[runbook.partition("#")[2]]
        lines.append(f"| `{rule['alert']}` | {rule['labels']['severity']} | {says} | [{title}]({runbook}) |")
    return "\n".join(lines)


def main() -> None:
    """Put all of it into its place; what stands around it stays.

    Raises:
        SystemExit: The README has no place for it, or a value is in one of the files alone.
    """
    values = [*described((CHART / "values.yaml").read_text(encoding="utf-8"))]
    page, schema = CHART / "README.md", CHART / "values.schema.json"
    text = page.read_text(encoding="utf-8")
    if not _TABLES.search(text):
        raise SystemExit(f"{page.name} has no place for the tables")
    page.write_text(_TABLES.sub(lambda _: tables(values), text), encoding="utf-8")
    complete = with_descriptions(json.loads(schema.read_text(encoding="utf-8")), values)
    schema.write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    runbooks = (PAGE.parent / "runbooks.md").read_text(encoding="utf-8")
    rules = alerts((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"), runbooks)
    PAGE.write_text(_ALERTS.sub(lambda _: rules, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
