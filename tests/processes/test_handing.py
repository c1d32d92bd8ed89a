"""Settings that a supervisor hands to its children."""

import gc
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from service.processes import handing
from service.processes.handing import SETTINGS, HandedSettings, handed_settings
from service.processes.inheritance import NotInheritedError, descriptor_variable
from service.settings import Settings, load_settings

VARIABLE = descriptor_variable(SETTINGS)
TOKEN = "a-token-of-a-caller-0123456789"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file of settings with a bit of everything."""
    (tmp_path / "tokens").write_text(f"{TOKEN}\n")
    file = tmp_path / "revet.toml"
    file.write_text(
        f"""
        data_dir = "{tmp_path}/data"
        admin_tokens = "an-administrator-s-0123456789"
        api_tokens_file = "{tmp_path}/tokens"
        egress_allow = "10.0.0.0/8"
        crl_map = "http://from.example/=https://to.example/"
        grace_s = 60
        [[crl_refresh_overrides]]
        prefix = "http://crl.example/"
        min_s = 5
        """
    )
    return file


@pytest.fixture
def inherit() -> Callable[[HandedSettings], dict[str, str]]:
    """What a child is given: a descriptor of its own, and a variable that tells its number."""

    def given(handed: HandedSettings) -> dict[str, str]:
        return {VARIABLE: str(os.dup(handed.fileno()))}

    return given


def test_a_child_has_what_was_checked(config: Path, inherit: Callable[[HandedSettings], dict[str, str]]) -> None:
    """Whatever has become of the file; as often as a child is started."""
    settings = load_settings(config, {})
    handed = HandedSettings(settings)
    config.write_text("half edi")
    expected = settings.model_dump(exclude={"api_tokens"})
    for _ in range(2):
        found = handed_settings(inherit(handed))
        assert expected == found.model_dump(exclude={"api_tokens"})
        assert settings.policy() == found.policy()


def test_tokens_of_files_are_left_out(config: Path, inherit: Callable[[HandedSettings], dict[str, str]]) -> None:
    """One that is taken out of its file is out of force: nobody has an old copy of it. Others are handed over."""
    settings = load_settings(config, {})
    found = handed_settings(inherit(HandedSettings(settings)))
    assert [TOKEN] == [token.get_secret_value() for token in settings.api_tokens]
    assert () == found.api_tokens
    assert settings.admin_tokens == found.admin_tokens


def test_the_descriptor_is_not_left_open(config: Path, inherit: Callable[[HandedSettings], dict[str, str]]) -> None:
    """Neither in the child, once it has read, nor in the supervisor, once nobody is started with it any more."""
    handed = HandedSettings(load_settings(config, {}))
    environ, ours = inherit(handed), handed.fileno()
    handed_settings(environ)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(int(environ[VARIABLE]))
    os.fstat(ours)
    del handed
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(ours)


def test_nothing_is_on_a_disk(config: Path) -> None:
    """Memory without a name, on Linux."""
    handed = HandedSettings(load_settings(config, {}))
    assert "memfd:" in str(Path(f"/proc/self/fd/{handed.fileno()}").readlink())


def _unreadable(_text: bytes) -> object:
    raise ModuleNotFoundError


def test_another_version_reads_for_itself(
    config: Path, inherit: Callable[[HandedSettings], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade in place: what the supervisor knows may not be what this child needs to know."""
    environ = inherit(HandedSettings(load_settings(config, {})))
    config.write_text(f'data_dir = "{config.parent}/other"\n')
    monkeypatch.setattr(handing, "_OURS", b"another\n")
    # A class that has moved: what was pickled cannot be read.
    monkeypatch.setattr(pickle, "loads", _unreadable)
    assert config.parent / "other" == handed_settings({**environ, "REVET_CONFIG": str(config)}).data_dir


def test_without_a_supervisor_settings_are_read(config: Path) -> None:
    """From where they stand."""
    assert isinstance(handed_settings({"REVET_CONFIG": str(config)}), Settings)


def test_a_descriptor_that_is_not_there(config: Path) -> None:
    """Nobody has passed it on."""
    with pytest.raises(NotInheritedError):
        handed_settings({VARIABLE: "987654", "REVET_CONFIG": str(config)})
