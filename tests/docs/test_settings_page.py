"""`docs/settings.md` names every setting, with its default and its bounds, and nothing else."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from service.settings import Settings, SettingsError, load_settings
from service.settings.model import setting
from service.settings.reference import settings_tables
from tests.docs.pages import Row, blocks, page, table, word
from tests.pki import Authority

PAGE: Final = "settings.md"
ROWS: Final = {word(row["name"]): row for row in table(PAGE, "settings")}
FIELDS: Final = sorted(Settings.model_fields)
SCHEMA: Final[dict[str, Any]] = Settings.model_json_schema()

TABLES: Final = re.compile(r"<!-- settings: begin -->\n(.*?)\n<!-- settings: end -->", re.DOTALL)


def row_of(field: str) -> Row:
    """What the page says of a field."""
    return ROWS[setting(field)]


def test_every_setting_is_there_once() -> None:
    """And nothing that is none."""
    assert sorted(map(setting, Settings.model_fields)) == sorted(word(row["name"]) for row in table(PAGE, "settings"))


def test_the_tables_are_what_the_settings_say_of_themselves() -> None:
    """A table for each section; `make settings` writes them anew."""
    assert [*settings_tables()] == TABLES.findall(page(PAGE))


def test_defaults_that_depend_on_the_machine(tmp_path: Path) -> None:
    """The data directory is below XDG_STATE_HOME, or below the user's own place for state."""
    place = load_settings(None, {"XDG_STATE_HOME": str(tmp_path)}).data_dir
    assert f"`{place}`" == row_of("data_dir")["default"].replace("$XDG_STATE_HOME", str(tmp_path))
    home = load_settings(None, {"HOME": "/home/somebody"}).data_dir
    assert f"`{home}`".replace("/home/somebody", "~") in row_of("data_dir")["meaning"]
    assert "one per core" == row_of("workers")["default"]
    assert "the host's name" == row_of("replica_name")["default"]


def described(field: str) -> dict[str, Any]:
    """The machine-readable bounds of a field: of numbers, and of what has a few values."""
    found: dict[str, Any] = SCHEMA["properties"][field]
    (found,) = (one for one in found.get("anyOf", [found]) if one.get("type") != "null")
    reference = found.get("$ref", "").rpartition("/")[2]
    return {**found, **SCHEMA["$defs"].get(reference, {})}


def test_every_field_with_a_number_has_bounds() -> None:
    """Otherwise the test above would not see what it does not compare."""
    numbers = {field for field in FIELDS if described(field).get("type") in {"integer", "number"}}
    assert numbers == {field for field in FIELDS if "le" in described(field)}


def test_trust_stores_that_anybody_could_change() -> None:
    """Refused by name, with the message on the page."""
    (message,) = problems({"REVET_TRUST_STORE": "http://ca.example/cas.pem"})
    assert f"{message}\n" == blocks(page(PAGE), "text")[0]


def problems(environment: dict[str, str]) -> tuple[str, ...]:
    """What is wrong with an environment."""
    with pytest.raises(SettingsError) as caught:
        load_settings(None, environment)
    return caught.value.problems


def test_the_example_file(tmp_path: Path) -> None:
    """It is read, and every setting in it is that of the file; the paths are put where there are such files."""
    (text,) = blocks(page(PAGE), "toml")
    config = tmp_path / "revet.toml"
    config.write_text(text.replace("/etc/revet", str(tmp_path)))
    (tmp_path / "cas.pem").write_text(Authority.root("Root").pem)
    (tmp_path / "admin-tokens").write_text("0123456789abcdef\n")
    settings = load_settings(config, {})
    for name, value in tomllib.loads(config.read_text()).items():
        found = getattr(settings, name)
        assert value == (list(found) if isinstance(value, list) else type(value)(found)), name
