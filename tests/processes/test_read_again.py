"""Settings that are read again: what comes into force, and what is refused by name."""

from pathlib import Path

import pytest

from service.processes import read_again as module
from service.processes.plan import ReloadRefusedError, ServicePlan, Times
from service.processes.read_again import NEED_RESTART, NEED_RESTART_TO_TURN, read_again
from service.settings import Settings, load_settings
from service.settings.model import setting
from tests.docs.pages import page
from tests.pki import Authority
from tests.pki.clock import validity_of_now

RUNNING = """
data_dir = "{place}/data"
trust_store = "{place}/trust.pem"
port = 8080
management_port = 9090
grace_s = 60
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file of a service that runs."""
    (tmp_path / "trust.pem").write_text(Authority.root("Root", **validity_of_now()).pem)
    file = tmp_path / "revet.toml"
    file.write_text(RUNNING.format(place=tmp_path))
    return file


def planned(settings: Settings) -> ServicePlan:
    """A plan that shows what it was made with."""
    return ServicePlan((), Times(hang_after_s=settings.hang_after_s))


def refused(config: Path, before: str, after: str) -> ReloadRefusedError:
    """What is said of a file where something else stands."""
    running = load_settings(config, {})
    text = config.read_text()
    assert before in text
    config.write_text(text.replace(before, after))
    with pytest.raises(ReloadRefusedError) as caught:
        read_again(running, config, {}, planned)
    return caught.value


def refusal(config: Path, before: str, after: str) -> tuple[str, ...]:
    """The problems with a file where something else stands."""
    return refused(config, before, after).problems


def test_what_changed_comes_into_force(config: Path) -> None:
    """The plan is made with the settings as they are now."""
    running = load_settings(config, {})
    config.write_text(config.read_text().replace("grace_s = 60", "hang_after_s = 7"))
    assert 7.0 == read_again(running, config, {}, planned).times.hang_after_s


def test_what_changed_is_named(config: Path) -> None:
    """By name, and without any value: one may be a secret. Nothing is named where nothing has changed."""
    running = load_settings(config, {})
    assert () == read_again(running, config, {}, planned).changed
    config.write_text(config.read_text().replace("grace_s = 60", 'api_tokens = ["a-token-of-nobody-else"]'))
    assert ("REVET_API_TOKENS", "REVET_GRACE_S") == tuple(sorted(read_again(running, config, {}, planned).changed))


def test_tokens_of_files_have_not_changed(config: Path) -> None:
    """They came into force when the file did, without a reload."""
    tokens = config.parent / "tokens"
    tokens.write_text("a-token-of-before-0123456789")
    config.write_text(f'{config.read_text()}api_tokens_file = "{tokens}"\n')
    running = load_settings(config, {})
    tokens.write_text("a-token-of-afterwards-0123456789")
    assert running != load_settings(config, {})
    assert () == read_again(running, config, {}, planned).changed


def test_all_that_is_wrong_is_told(config: Path) -> None:
    """Everything at once, as at a start."""
    problems = refusal(config, "grace_s = 60", "grace_s = -1\nworkerz = 2\n")
    assert 2 == len(problems)
    assert any("REVET_GRACE_S" in problem for problem in problems)
    assert any("workerz" in problem for problem in problems)


def test_half_a_file(config: Path) -> None:
    """An editor has written a part of it."""
    (problem,) = refusal(config, "grace_s = 60", "grace_s = ")
    assert "not TOML" in problem


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("port = 8080\n", "port = 8081\n", "REVET_PORT"),
        ("port = 8080\n", 'port = 8080\nhost = "127.0.0.2"\n', "REVET_HOST"),
        ("management_port = 9090", "", "REVET_MANAGEMENT_PORT"),
        ("port = 8080\n", 'port = 8080\nmanagement_host = "127.0.0.2"\n', "REVET_MANAGEMENT_HOST"),
        ('/data"', '/other"', "REVET_DATA_DIR"),
        ("port = 8080\n", 'port = 8080\nredis_url = "redis://127.0.0.1:1/0"\n', "REVET_REDIS_URL"),
        ("port = 8080\n", 'port = 8080\nredis_prefix = "other"\n', "REVET_REDIS_PREFIX"),
    ],
)
def test_what_needs_a_restart(config: Path, before: str, after: str, named: str) -> None:
    """Is refused by name, and why; what is wrong in itself is not among the names."""
    error = refused(config, before, after)
    assert any(problem.startswith(f"{named} needs a restart") for problem in error.problems)
    assert (named,) == error.need_restart


def test_a_trust_store_that_cannot_be_used(config: Path) -> None:
    """As at a start: a successor would deny everybody."""
    running = load_settings(config, {})
    (config.parent / "trust.pem").write_text("nothing")
    with pytest.raises(ReloadRefusedError, match="trust store"):
        read_again(running, config, {}, planned)


def test_a_bug_in_reading_ends_no_service(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and the service goes on as it is."""
    running = load_settings(config, {})

    def broken(*_: object) -> None:
        raise RuntimeError("nobody has thought of this")

    monkeypatch.setattr(module, "check_trust_stores", broken)
    with pytest.raises(ReloadRefusedError, match="RuntimeError"):
        read_again(running, config, {}, planned)


def test_every_setting_that_needs_a_restart_is_in_the_documentation() -> None:
    """With its name."""
    passage = page("operations.md").partition("These need a restart")[2].partition("For a moment")[0]
    named = {f"`{setting(field)}`" for field in (*NEED_RESTART, *NEED_RESTART_TO_TURN)}
    assert named == {word for word in named if word in passage}
    assert passage.count("`REVET_") == len(named)
