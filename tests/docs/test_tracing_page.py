"""`docs/tracing.md` names every span and every attribute, and the bounds."""

import inspect
import re
from typing import Final

from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_SCHEDULE_DELAY

from service.adapters.otel import spans
from service.adapters.otel.export import FLUSH_S, OURS
from service.adapters.otel.spans import ABANDONED, MAX_URL, OK
from service.api.traced import AUTHORIZE_ROUTE, ROUTES
from tests.docs.pages import page, table, words

PAGE: Final = "tracing.md"
ROWS: Final = table(PAGE, "spans")
SOURCE: Final = inspect.getsource(spans)


def test_every_attribute_is_there() -> None:
    """Of whichever span."""
    named = {word for row in ROWS for word in words(row["attributes"])}
    assert set(re.findall(r'"((?:revet|http|server|url)\.[a-z_.]+)"', SOURCE)) == named


def test_every_step_is_there() -> None:
    """By its name; and every path that is traced."""
    steps = set(re.findall(r'\.(?:step|moment)\("(\w+)"', SOURCE))
    text = "".join(row["span"] + row["what it times"] for row in ROWS)
    assert steps == {word for row in ROWS[1:] for word in words(row["span"])}
    assert all(route in text for route in (*ROUTES, AUTHORIZE_ROUTE))


def test_words_and_numbers() -> None:
    """What the text says is what the code has."""
    text = page(PAGE)
    assert f"`revet.result` is `{OK}`, a [reason]" in text
    assert f"or `{ABANDONED}` where" in text
    assert f"{MAX_URL} characters at most" in text
    assert (0.5, True) == (FLUSH_S, "for half a second" in text)
    assert f"| `OTEL_SERVICE_NAME` | `{OURS}` |" in text
    assert f"| `{OTEL_BSP_MAX_QUEUE_SIZE}`, `{OTEL_BSP_SCHEDULE_DELAY}` |" in text
