"""Where settings come from, and what stops the start."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from service.application.tokens import entry_of
from service.settings import SettingsError, load_settings
from service.settings.files import Files
from service.settings.repeating import NOT_A_PATH
from tests.settings.given import ADMIN, HOME, TOKEN, load, problems, problems_of


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], Path]:
    """A settings file with this text."""

    def write(text: str) -> Path:
        path = tmp_path / "revet.toml"
        path.write_text(text)
        return path

    return write


def test_an_empty_environment_is_enough() -> None:
    """Everything has a default."""
    assert 8080 == load().port


def test_the_environment_wins_over_the_file(toml: Callable[[str], Path]) -> None:
    """The same name in both: the environment's value; the file's others stay."""
    config = toml('port = 9000\nhost = "127.0.0.2"\n')
    settings = load_settings(config, {**HOME, "REVET_PORT": "9001"})
    assert (9001, "127.0.0.2") == (settings.port, settings.host)


def test_the_environment_names_the_file(toml: Callable[[str], Path]) -> None:
    """REVET_CONFIG is read, and is no unknown name."""
    assert 9000 == load(CONFIG=str(toml("port = 9000"))).port


def test_the_command_line_names_the_file_before_the_environment_does(toml: Callable[[str], Path]) -> None:
    """Where both name one, the argument's is read and the other is not."""
    config = toml("port = 9000")
    assert 9000 == load_settings(config, {**HOME, "REVET_CONFIG": "/nowhere"}).port


def test_lists_may_be_lists_in_the_file(toml: Callable[[str], Path]) -> None:
    """TOML has lists; text with commas does as well."""
    settings = load_settings(toml(f'egress_allow = ["ca.internal", "10.0.0.0/8"]\napi_tokens = "{TOKEN}"'), HOME)
    assert ("ca.internal", "10.0.0.0/8") == settings.egress_allow
    assert [TOKEN] == [token.get_secret_value() for token in settings.api_tokens]


def test_everything_wrong_is_told_at_once(toml: Callable[[str], Path]) -> None:
    """Names, values and contradictions, of the environment and of the file, in one message."""
    config = toml('log_level = "loud"\ntrust_stroe = "x"\n')
    found = problems({"REVET_PORT": "80800", "REVET_FROBNICATE": "1", "REVET_MANAGEMENT_HOST": "127.0.0.1"}, config)
    assert [
        f"trust_stroe is no setting: is trust_store meant? (in {config})",
        "REVET_FROBNICATE is no setting",
        "REVET_PORT is '80800': it should be less than or equal to 65535",
        f"REVET_LOG_LEVEL is 'loud': it should be 'debug', 'info', 'warning' or 'error' (in {config})",
        "REVET_MANAGEMENT_HOST is 127.0.0.1, but there is no REVET_MANAGEMENT_PORT",
    ] == list(found)


def test_the_message_counts_and_lists_the_problems() -> None:
    """What an operator sees when the start stops."""
    with pytest.raises(SettingsError, match=r"^2 problems with the settings:\n- REVET_A is no .*\n- REVET_B is no "):
        load(A="1", B="2")


def test_what_processes_tell_each_other_is_ignored() -> None:
    """`_REVET_` variables are no settings."""
    assert 8080 == load_settings(None, {**HOME, "_REVET_LIFELINE_FD": "7", "REVETTED": "1"}).port


def test_a_name_in_lower_case_is_unknown() -> None:
    """The environment is case-sensitive, and nobody guesses which of two spellings wins."""
    assert ("REVET_port is no setting: is REVET_PORT meant?",) == problems({"REVET_port": "9000"})


def test_the_value_of_an_unknown_name_is_not_repeated() -> None:
    """A misspelt name may carry a secret."""
    (problem,) = problems_of(API_TOKEN="very-secret-0123456789")
    assert "REVET_API_TOKEN is no setting: is REVET_API_TOKENS meant?" == problem


@pytest.mark.parametrize("name", ["API_TOKENS", "TLS_CLIENT_CA", "TRUST_STORE", "PORT"])
def test_an_empty_value_is_refused(name: str) -> None:
    """A secret or a file that was not filled in must not mean that nobody is asked for it."""
    assert (f"REVET_{name} is empty: leave it out for the default",) == problems_of(**{name: " "})


def test_an_empty_list_of_additions_is_none() -> None:
    """Nobody misses anything of an empty allow list."""
    settings = load(EGRESS_ALLOW="", INTERMEDIATES=" ", CRL_SOURCES="", CRL_MAP="")
    found = (settings.egress_allow, settings.intermediates, settings.crl_sources, settings.crl_map)
    assert ((), (), (), ()) == found


def test_kubernetes_service_links_are_ignored() -> None:
    """A Service called `revet` puts REVET_PORT=tcp://… into every container beside it."""
    links = {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "REVET_SERVICE_HOST": "10.0.0.2",
        "REVET_SERVICE_PORT": "8080",
        "REVET_SERVICE_PORT_HTTP": "8080",
        "REVET_PORT": "tcp://10.0.0.2:8080",
        "REVET_PORT_8080_TCP": "tcp://10.0.0.2:8080",
        "REVET_PORT_8080_TCP_PROTO": "tcp",
        "REVET_REDIS_PORT": "tcp://10.0.0.3:6379",
    }
    assert 8080 == load_settings(None, {**HOME, **links}).port


def test_what_looks_like_a_service_link_counts_outside_kubernetes() -> None:
    """There, nobody but the operator can have written it."""
    assert 2 == len(problems({"REVET_SERVICE_HOST": "10.0.0.2", "REVET_PORT": "tcp://10.0.0.2:8080"}))


def test_an_unknown_name_counts_in_kubernetes_too() -> None:
    """Only service links are ignored there."""
    found = problems({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "REVET_PROT": "9000", "REVET_PORT": "x"})
    assert 2 == len(found)


def test_a_settings_file_that_does_not_exist() -> None:
    """Named, with its path."""
    assert ("REVET_CONFIG is '/nowhere/revet.toml': it does not exist",) == problems_of(CONFIG="/nowhere/revet.toml")


def test_a_settings_file_that_cannot_be_read() -> None:
    """Whatever the system says is told."""
    path = "/" + "x" * 300
    assert (f"REVET_CONFIG is '{path}': it cannot be read: File name too long",) == problems_of(CONFIG=path)


def test_a_settings_file_that_is_not_toml(toml: Callable[[str], Path]) -> None:
    """Named, with the place of the mistake."""
    (problem,) = problems({}, toml("port: 9000\n"))
    assert "this is not TOML" in problem
    assert "line 1" in problem


def test_a_settings_file_that_is_not_text(tmp_path: Path) -> None:
    """A binary file is refused like any other."""
    config = tmp_path / "revet.toml"
    config.write_bytes(b"\xff\xfe\x00")
    assert (f"REVET_CONFIG is '{config}': this is not UTF-8 text",) == problems({}, config)


def test_a_settings_file_without_end(tmp_path: Path) -> None:
    """A file that is too long for settings is not read to its end."""
    config = tmp_path / "revet.toml"
    config.write_bytes(b"#" * (2**20 + 1))
    assert (f"REVET_CONFIG is '{config}': it has more than 1048576 bytes",) == problems({}, config)


def test_truth_is_no_number(toml: Callable[[str], Path]) -> None:
    """Python takes `true` for 1, an operator does not."""
    config = toml("workers = true\nclock_skew_s = false\n")
    assert 2 == len(problems({}, config))


def test_tokens_from_a_file(tmp_path: Path) -> None:
    """One a line; empty lines and blanks around do not count."""
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n\n  {TOKEN}2  \r\n")
    settings = load(API_TOKENS_FILE=str(file), ADMIN_TOKENS=ADMIN)
    assert [TOKEN, f"{TOKEN}2"] == [token.get_secret_value() for token in settings.api_tokens]
    assert [ADMIN] == [token.get_secret_value() for token in settings.admin_tokens]


def test_a_token_file_with_a_short_token(tmp_path: Path) -> None:
    """The file is named, the token is not."""
    file = tmp_path / "tokens"
    file.write_text("hunter2\n")
    (problem,) = problems_of(ADMIN_TOKENS_FILE=str(file), HOST="0.0.0.0")
    assert f"REVET_ADMIN_TOKENS: token 1 has 7 characters, at least 16 are needed (in {file})" == problem


def test_an_empty_token_file(tmp_path: Path) -> None:
    """A secret that was not filled in is no reason to let everybody in."""
    file = tmp_path / "tokens"
    file.write_text("\n")
    assert (f"REVET_API_TOKENS: there is no token in it (in {file})",) == problems_of(API_TOKENS_FILE=str(file))


def test_a_token_file_that_does_not_exist(tmp_path: Path) -> None:
    """Told once, and not a second time as an open door."""
    found = problems_of(API_TOKENS_FILE=f"{tmp_path}/nowhere", HOST="0.0.0.0")
    assert (f"REVET_API_TOKENS_FILE is '{tmp_path}/nowhere': it does not exist",) == found


def test_tokens_and_a_file_of_tokens(tmp_path: Path) -> None:
    """Nobody guesses which of the two counts."""
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n")
    found = problems_of(API_TOKENS=f"{TOKEN}2", API_TOKENS_FILE=str(file))
    expected = f"REVET_API_TOKENS and REVET_API_TOKENS_FILE ({file}) are both given: the tokens are in one or the other"
    assert (expected,) == found


def test_no_message_repeats_a_token() -> None:
    """Whatever is wrong with a token, its text stays out of the message."""
    tokens = ["short", "white space 0123456789", "äöü0123456789abcdefgh", f"{TOKEN},{TOKEN}"]
    message = "".join(problem for token in tokens for problem in problems_of(API_TOKENS=token))
    assert "a token is given twice" in message
    assert not [token for token in tokens for part in token.split(",") if part in message]


def test_no_message_repeats_a_password_in_a_url() -> None:
    """Neither user and password nor a signature in the query."""
    message = "".join(
        problems_of(EGRESS_PROXY="http://user:pa55@proxy:3128", TRUST_STORE="https://user:pa55@host/x?sig=5ecret")
    )
    assert "pa55" not in message
    assert "5ecret" not in message


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/home/a"}, "/home/a/.local/state/revet"),
        ({"HOME": "/home/a", "XDG_STATE_HOME": "/state"}, "/state/revet"),
        ({"HOME": "/home/a", "XDG_STATE_HOME": "relative"}, "/home/a/.local/state/revet"),
        ({"HOME": "/home/a", "REVET_DATA_DIR": "/data"}, "/data"),
    ],
)
def test_where_evidence_is_kept(environment: Mapping[str, str], expected: str) -> None:
    """The user's place for state, unless the operator names another."""
    assert Path(expected) == load_settings(None, environment).data_dir


def test_where_evidence_is_kept_without_a_home() -> None:
    """The system's own idea of the user's home is asked."""
    assert Path("~/.local/state/revet").expanduser() == load_settings(None, {}).data_dir


@pytest.mark.parametrize("name", ["API_TOKENS_FILE", "ADMIN_TOKENS_FILE", "FLEET_KEY_FILE", "REDIS_URL_FILE"])
@pytest.mark.parametrize(
    "secret", ["caller-0123456789abcdef", "redis://:pa/ss@redis.internal", "relative/caller-0123456789"]
)
def test_a_secret_in_place_of_its_file(name: str, secret: str) -> None:
    """It is told what is wrong, and not what was given."""
    (problem,) = problems_of(**{name: secret})
    assert f"REVET_{name}{NOT_A_PATH}: it does not exist" == problem


@pytest.mark.parametrize(
    "value", ["http://user:pass@proxy:3128", "user:pass@proxy:3128", "http://user:pa/ss@proxy", "//us:pass@er:p@proxy"]
)
def test_a_password_in_a_proxy(value: str) -> None:
    """It is left out of the message, wherever it ends."""
    (problem,) = problems_of(EGRESS_PROXY=value)
    assert not [part for part in ("pass", "pa/", "user") if part in problem]


def test_tokens_and_digests_in_a_file(tmp_path: Path) -> None:
    """They are mixed as one likes; a token and its digest are one token."""
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n{entry_of(ADMIN)}\n")
    assert [TOKEN, entry_of(ADMIN)] == [one.get_secret_value() for one in load(API_TOKENS_FILE=str(file)).api_tokens]
    file.write_text(f"{TOKEN}\n{entry_of(TOKEN)}\n")
    assert (f"REVET_API_TOKENS: a token is given twice (in {file})",) == problems_of(API_TOKENS_FILE=str(file))
    (problem,) = problems_of(API_TOKENS=TOKEN, ADMIN_TOKENS=entry_of(TOKEN))
    assert problem.startswith("REVET_API_TOKENS and REVET_ADMIN_TOKENS have 1 in common")


def test_files_that_are_left_alone(tmp_path: Path) -> None:
    """Whoever takes the place of another process does not fail for a file that is being replaced."""
    environment = {
        **HOME,
        "REVET_HOST": "0.0.0.0",
        "REVET_API_TOKENS_FILE": str(tmp_path / "tokens"),
        "REVET_TLS_CERT": str(tmp_path / "crt"),
        "REVET_TLS_KEY": str(tmp_path / "key"),
        "REVET_TLS_CLIENT_CA": str(tmp_path / "ca"),
    }
    settings = load_settings(None, environment, Files.LEFT_ALONE)
    assert ((), tmp_path / "tokens", tmp_path / "crt") == (
        settings.api_tokens,
        settings.api_tokens_file,
        settings.tls_cert,
    )
    assert len(problems(environment)) >= 4
    with pytest.raises(SettingsError, match="REVET_TLS_CLIENT_CA"):
        load_settings(None, {**HOME, "REVET_TLS_CLIENT_CA": str(tmp_path / "ca")}, Files.LEFT_ALONE)
