"""Whatever is wrong with a secret, and wherever it was given: no message repeats any part of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from service.settings import Settings, SettingsError, load_settings
from service.settings.model import setting
from service.settings.repeating import FILES_OF_SECRETS, MAX_SHOWN, SECRETS, hidden
from service.settings.tables import TABLES
from tests.settings.given import HOME

MARK: Final = "hidemehideme"

WRONG: Final = (
    ("REVET_API_TOKENS", f"{MARK}"),
    ("REVET_API_TOKENS", f"{MARK} with a blank"),
    ("REVET_API_TOKENS", f"sha256:{MARK}"),
    ("REVET_API_TOKENS", f"{MARK}-0123456789,{MARK}-0123456789"),
    ("REVET_ADMIN_TOKENS", f"{MARK}-ä-0123456789"),
    ("REVET_SHADOW_TOKENS", f"{MARK}"),
    ("REVET_API_TOKEN", f"{MARK}-0123456789"),
    ("REVET_TOKENS", f"{MARK}-0123456789"),
    ("REVET_FLEET_KEY", f"{MARK}"),
    ("REVET_FLEET_KEY", f"{MARK}-0123456789,{MARK}-0123456789"),
    ("REVET_REDIS_URL", f"redis://:{MARK}@host:port"),
    ("REVET_REDIS_URL", f"redis://:{MARK}@host/9999999999?{MARK}=1"),
    ("REVET_REDIS_URL", f"http://:{MARK}@host"),
    ("REVET_REDIS_URL", f"{MARK}"),
    ("REVET_REDIS_PASSWORD", f"{MARK}"),
    ("REVET_API_TOKENS_FILE", f"{MARK}-0123456789"),
    ("REVET_ADMIN_TOKENS_FILE", f"sha256:{MARK}"),
    ("REVET_FLEET_KEY_FILE", f"{MARK}/{MARK}"),
    ("REVET_REDIS_URL_FILE", f"redis://:{MARK}@host"),
    ("REVET_TLS_KEY", f"/{MARK}"),
    ("REVET_REDIS_CLIENT_KEY", f"/{MARK}"),
    *(
        (name, value)
        for name in sorted(map(setting, FILES_OF_SECRETS))
        # One of 64 tokens in base64 begins with a slash, as paths do.
        for value in (
            f"/{MARK}+/9w=",
            f"/{MARK}",
            f"//{MARK}",
            f"/./{MARK}",
            f"./{MARK}",
            f"/nowhere/{MARK}",
            MARK * 600,
        )
    ),
    ("REVET_EGRESS_PROXY", f"http://user:{MARK}@proxy"),
    ("REVET_EGRESS_PROXY", f"user:{MARK}@proxy"),
    ("REVET_TRUST_STORE", f"https://user:{MARK}@host/store.pem"),
    ("REVET_TRUST_STORE", f"http://host/store.pem?signature={MARK}"),
    ("REVET_CRL_SOURCES", f"https://user:{MARK}@host/a.crl"),
    ("REVET_CRL_SOURCES", f"ftp://host/a.crl?signature={MARK}"),
)
"""Each is wrong, or no setting."""


KEY: Final = f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"
"""As `$(cat key.pem)` puts it where the name of its file belongs."""

EVERYTHING: Final = sorted(name for name in Settings.model_fields if name not in TABLES)
"""Every setting that a line of text can hold."""


def message_of(environment: dict[str, str], config: Path | None = None) -> str:
    """What is said of settings that are wrong."""
    with pytest.raises(SettingsError) as caught:
        load_settings(config, {**HOME, **environment})
    return str(caught.value) + repr(caught.value)


def said_of(config: Path | None, environment: Mapping[str, str]) -> str:
    """What is said of settings, some of which take whatever is printable."""
    try:
        load_settings(config, environment)
    except SettingsError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_in_the_environment(name: str, value: str) -> None:
    """The setting is named, and is all that is."""
    message = message_of({name: value})
    assert name in message
    assert MARK not in message


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_in_a_file_of_settings(name: str, value: str, tmp_path: Path) -> None:
    """The same."""
    config = tmp_path / "revet.toml"
    config.write_text(f"{name.removeprefix('REVET_').lower()} = '{value}'\n")
    assert MARK not in message_of({}, config)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value in WRONG if f"{name}_FILE" in dict(WRONG)])
def test_in_a_file_of_its_own(name: str, value: str, tmp_path: Path) -> None:
    """The same; and of both at once."""
    file = tmp_path / "secret"
    file.write_text(value.replace(",", "\n"))
    assert MARK not in message_of({f"{name}_FILE": str(file)})
    assert MARK not in message_of({f"{name}_FILE": str(file), name: value})
    assert MARK not in message_of({f"{name}_FILE": value, name: value})
    assert MARK not in message_of({f"{name}_FILE": f"/{MARK}+/9w=", name: value})


@pytest.mark.parametrize(
    "text",
    [
        f'api_tokens = "{MARK}-0123456789',
        f"api_tokens = {MARK}-0123456789",
        f'api_tokens = ["{MARK}-0123456789", 1]',
        f'redis_url = {{ password = "{MARK}" }}',
        f'[api_tokens]\nx = "{MARK}"',
        f'fleet_key = "{MARK}-0123456789"\nfleet_key = "{MARK}"',
        f'api_tokens = """{MARK}-0123456789',
    ],
)
def test_of_what_is_no_toml_or_another_type(text: str, tmp_path: Path) -> None:
    """A quote that was forgotten, a table in place of a text."""
    config = tmp_path / "revet.toml"
    config.write_text(text)
    assert MARK not in message_of({}, config)


@pytest.mark.parametrize("field", EVERYTHING)
@pytest.mark.parametrize("key", [KEY, KEY.replace("\n", " "), KEY.replace("\n", "\\n"), f"/etc/{KEY}", f"/etc\n{MARK}"])
def test_of_a_key_in_place_of_any_setting(field: str, key: str, tmp_path: Path) -> None:
    """Whichever it was put into: the key of a certificate stands in one file with it at times."""
    others = {"REVET_TLS_CERT": "/nowhere"} if field == "tls_key" else {}
    config = tmp_path / "revet.toml"
    config.write_text(f"{field} = {json.dumps(key)}\n")
    in_the_environment = {**HOME, **others, setting(field): key}
    assert not [said for said in (said_of(None, in_the_environment), said_of(config, HOME)) if MARK in said]


def test_of_settings_in_place_of_their_file() -> None:
    """As `$(cat revet.toml)` gives them."""
    assert MARK not in message_of({"REVET_CONFIG": f'port = 8080\napi_tokens = "{MARK}-0123456789"'})


@pytest.mark.parametrize("field", sorted(FILES_OF_SECRETS | SECRETS))
@pytest.mark.parametrize("value", [f'["{MARK}"]', f'{{ one = "{MARK}" }}', f'[["{MARK}"]]', f'["/tmp", "{MARK}"]'])
def test_of_lists_and_tables_in_place_of_a_file(field: str, value: str, tmp_path: Path) -> None:
    """A list is right for tokens, and wrong for the file of them."""
    config = tmp_path / "revet.toml"
    config.write_text(f"{field} = {value}\n")
    assert MARK not in message_of({}, config)


def test_what_is_plainly_a_path_is_repeated(tmp_path: Path) -> None:
    """Whoever misspelt it wants to see it."""
    file = tmp_path / "key.pem"
    for field in sorted(FILES_OF_SECRETS):
        assert f"{setting(field)} is '{file}': it does not exist" in message_of({setting(field): str(file)})


def test_how_long_a_value_is_repeated() -> None:
    """As long as a path can be."""
    assert (None, True) == (hidden("host", "x" * MAX_SHOWN), hidden("host", "x" * (MAX_SHOWN + 1)) is not None)
