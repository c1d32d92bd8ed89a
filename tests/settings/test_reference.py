"""The reference of the settings says what the code says, and refuses to say nothing."""

import pytest
from pydantic import BaseModel

from service.settings import reference
from service.settings.fields import SECTIONS
from service.settings.model import Settings
from service.settings.reference import settings_tables


def test_every_setting_stands_in_one_section() -> None:
    """In the order of the sections."""
    assert [*Settings.model_fields] == [name for section in SECTIONS for name in section.model_fields]


@pytest.mark.parametrize(
    ("row", "table"),
    [
        ("| `REVET_PORT` | `8080` | 0 to 65535 | Port of the API; 0 lets the kernel choose one. |", 0),
        ("| `REVET_WORKERS` | one per core | 1 to 256 | Processes that answer requests. The default counts", 0),
        ("| `REVET_MANAGEMENT_PORT` | none | 0 to 65535 |", 0),
        ("| `REVET_EVIDENCE_ORDER` | `crl-first` | `crl-first`, `ocsp-first`, `crl-only`, `ocsp-only`, `both` |", 2),
        ("| `REVET_SHADOW` | `false` | `true`, `false` |", 2),
        ("| `REVET_CRL_RETRY_S` | `5` | above 0, to 3600 |", 3),
        ("| `REVET_TLS_CERT` | none | file |", 6),
    ],
    ids=lambda value: str(value).split("`")[1] if "`" in str(value) else "",
)
def test_rows(row: str, table: int) -> None:
    """Name, default, what may be given, meaning: a word out of each kind."""
    assert row in [*settings_tables()][table]


class _Silent(BaseModel):
    """A section whose field says nothing."""

    port: int = 1


def test_a_field_without_a_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is refused by name."""
    monkeypatch.setattr(Settings.model_fields["port"], "description", None)
    monkeypatch.setattr(reference, "SECTIONS", (_Silent,))
    with pytest.raises(ValueError, match="REVET_PORT has no docstring"):
        [*settings_tables()]


def test_a_field_of_which_nothing_says_what_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise."""
    monkeypatch.setitem(reference._schema()["properties"], "port", {"type": "string"})  # noqa: SLF001 - the broken case
    with pytest.raises(ValueError, match="nothing says what REVET_PORT may be"):
        [*settings_tables()]
