"""The OpenAPI document as one page of HTML: no script, nothing loaded from elsewhere, readable without a network.

It renders what this service's own document has, not everything that OpenAPI knows.
"""

import json
from collections.abc import Iterator
from html import escape
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1c2330; background: #fff; }
h2 { margin-top: 3rem; border-top: 1px solid #d5dae3; padding-top: 1.5rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: #f3f5f8; padding: 1rem; overflow-x: auto; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #e6e9ef; }
.method { font-weight: 700; }
@media (prefers-color-scheme: dark) {
body { color: #d9dee8; background: #14181f; }
pre { background: #1d232d; }
h2 { border-color: #313a48; }
th, td { border-color: #2a323e; }
}
"""


def render_page(document: Json) -> str:
    """The page."""
    info = document["info"]
    operations = (
        _operation(path, method, operation, document)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(info['title'])} {escape(info['version'])}</title>",
            f"<style>{STYLE}</style></head><body>",
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
            *_paragraphs(info["description"]),
            '<p>For machines: <a href="openapi.json">openapi.json</a>.</p>',
            *operations,
            "</body></html>",
        )
    )


def _operation(path: str, method: str, operation: Json, document: Json) -> str:
    heading = f'<span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code>'
    parts = [f'<h2 id="{escape(operation["operationId"])}">{heading}</h2>', *_paragraphs(operation["summary"])]
    parts += _paragraphs(operation.get("description", ""))
    ways = [name for way in operation.get("security", ()) for name in way]
    if ways:
        schemes = document["components"]["securitySchemes"]
        parts += [f"<p>Needs: {' or: '.join(_prose(schemes[name]['description']) for name in ways)}</p>"]
    if "requestBody" in operation:
        parts += ["<h3>Request</h3>", *_content(operation["requestBody"]["content"], document)]
    for status, response in operation["responses"].items():
        parts.append(f"<h3>{escape(status)}</h3>")
        parts += _paragraphs(response["description"])
        if status.startswith("2"):
            parts += _content(response.get("content", {}), document)
    return "\n".join(parts)


def _content(content: Json, document: Json) -> Iterator[str]:
    for media_type, media in content.items():
        yield f"<p><code>{escape(media_type)}</code></p>"
        rows = [row for schema in _objects(media["schema"], document) for row in _rows(schema, document, "")]
        if rows:
            yield f"<table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>{''.join(rows)}</table>"
        for example in media.get("examples", {}).values():
            text = json.dumps(example["value"], indent=2, ensure_ascii=False)
            yield f"<details><summary>Example</summary><pre>{escape(text)}</pre></details>"


def _rows(described: Json, document: Json, prefix: str) -> Iterator[str]:
    """A row for each field, those of nested objects after the one that holds them."""
    required = described.get("required", ())
    for name, field in described.get("properties", {}).items():
        path = f"{prefix}{name}"
        meaning = field.get("description") or _resolved(field, document).get("description", "")
        needed = " (required)" if name in required and not prefix else ""
        kind = _kind(field, document)
        yield f"<tr><td><code>{escape(path)}</code></td><td>{escape(kind)}{needed}</td><td>{_prose(meaning)}</td></tr>"
        inner = f"{path}{'[]' if kind.startswith('list') else ''}."
        for schema in _objects(field, document):
            yield from _rows(schema, document, inner)


def _objects(field: Json, document: Json) -> Iterator[Json]:
    """The objects that a field, or each element of its list, may hold."""
    found = _resolved(field, document)
    if "properties" in found:
        yield found
    for branch in (*found.get("anyOf", ()), *([found["items"]] if "items" in found else ())):
        yield from _objects(branch, document)


def _kind(field: Json, document: Json) -> str:
    found = _resolved(field, document)
    if "anyOf" in found:
        return " or ".join(_kind(branch, document) for branch in found["anyOf"])
    if "enum" in found:
        return ", ".join(map(str, found["enum"]))
    if found.get("type") == "array":
        return f"list of {_kind(found.get('items', {}), document)}"
    return str(found.get("format", found.get("type", "any")))


def _resolved(schema: Json, document: Json) -> Json:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _paragraphs(text: str) -> list[str]:
    return [f"<p>{_prose(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph]


def _prose(text: str) -> str:
    """Text with what stands between backticks as code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))
