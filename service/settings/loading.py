"""Where settings come from: the environment, and a TOML file with the same names in lower case.

Rules it keeps: the environment wins; a name that nobody knows stops the start, since it is a misspelt one more often
than not; an empty value does too, since it is a secret that was not filled in more often than not; everything that is
wrong is told at once; no message repeats a secret (`repeating`).

What it does not do: look at `_REVET_*`, with which processes of the service talk to each other, or at what Kubernetes
puts into the environment of every container for a Service whose name begins with `revet`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.settings.contradictions import TOKENS, Contradiction
from service.settings.cores import allowed_cores
from service.settings.errors import SettingsError
from service.settings.files import Files, are_checked, having, read_one, read_tokens, read_toml
from service.settings.fleet import own_name
from service.settings.model import CONTRADICTORY, PREFIX, Settings, setting
from service.settings.repeating import SECRETS_OF_FILES, hidden, is_line
from service.settings.sections.serving import MAX_WORKERS
from service.settings.tables import TABLES

CONFIG: Final = "REVET_CONFIG"
"""The TOML file, where the command line names none."""

NOT_OURS: Final = frozenset({"REVET_TOKEN", "REVET_CA_BUNDLE", "REVET_CLIENT_CERT", "REVET_CLIENT_KEY"})
"""What the command line asks a service with, and is no service's."""

_MAY_BE_EMPTY: Final = frozenset({"egress_allow", "intermediates", "crl_sources", "crl_map"})
"""Lists of additions: an empty one is the default."""

_USER_INFO: Final = re.compile(r"(//|^(?!.*//)['\"]?)\S*@")
_QUERY: Final = re.compile(r"\?[^'\s]*")

_IN_KUBERNETES: Final = "KUBERNETES_SERVICE_HOST"
_SERVICE_LINK: Final = re.compile(r".+_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_SERVICE_LINK_URL: Final = re.compile(r"(tcp|udp|sctp)://\S+")


@dataclass(frozen=True, slots=True)
class _Given:
    """One value, and where it stands.

    Attributes:
        where: For messages; empty for the environment.
    """

    value: object
    where: str = ""


@dataclass(frozen=True, slots=True)
class _Problem:
    """Something wrong.

    Attributes:
        field: Of which setting.
        text: A sentence that names it.
    """

    field: str
    text: str


def load_settings(config: Path | None, environment: Mapping[str, str], files: Files = Files.CHECKED) -> Settings:
    """Read the settings.

    Args:
        config: A TOML file; None for the one that `REVET_CONFIG` names, if any.
        environment: `os.environ`, or what takes its place.
        files: Whether files that are replaced while the service runs are looked at; tokens of files that are left alone
            are not in the settings.

    Raises:
        SettingsError: with everything that is wrong.
    """
    problems: list[_Problem] = []
    given = {**_from_file(config, environment, problems), **_from_environment(environment)}
    given = {field: one for field, one in given.items() if _is_usable(field, one, problems)}
    with having(files):
        _read_secret_files(given, problems)
        settings = _validated(_defaults(environment), given, problems)
    if settings is None or problems:
        raise SettingsError(tuple(problem.text for problem in problems))
    return settings


def _from_file(config: Path | None, environment: Mapping[str, str], problems: list[_Problem]) -> dict[str, _Given]:
    named = environment.get(CONFIG)
    path = config if config is not None or named is None else Path(named)
    if path is None:
        return {}
    try:
        return {name: _Given(value, f" (in {path})") for name, value in read_toml(path).items()}
    except ValueError as error:
        problems.append(_Problem("config", f"{CONFIG}{_told('config', str(path))}: {error}"))
        return {}


def _from_environment(environment: Mapping[str, str]) -> dict[str, _Given]:
    in_kubernetes = _IN_KUBERNETES in environment
    return {
        # Lower-case letters in the environment are kept: they make it a name that nobody knows.
        name.removeprefix(PREFIX).lower() if name.isupper() else name: _Given(value.strip())
        for name, value in environment.items()
        if name.startswith(PREFIX)
        and name != CONFIG
        and name not in NOT_OURS
        and not (in_kubernetes and _is_service_link(name, value))
    }


def _is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes made a variable for a Service: `REVET_PORT=tcp://10.0.0.1:8080` and its company.

    See https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
    """
    if _SERVICE_LINK.fullmatch(name) is not None:
        return True
    return name.endswith("_PORT") and _SERVICE_LINK_URL.fullmatch(value) is not None


def _is_usable(field: str, given: _Given, problems: list[_Problem]) -> bool:
    """Whether there is such a setting, with anything in it."""
    if field not in Settings.model_fields:
        problems.append(_Problem(field, _unknown(field, given)))
    elif field in TABLES and not given.where:
        problems.append(_Problem(field, f"{setting(field)} is for the TOML file alone: tables [[{field}]] of it"))
    elif given.value == "" and field not in _MAY_BE_EMPTY:
        problems.append(_Problem(field, f"{setting(field)} is empty: leave it out for the default{given.where}"))
    else:
        return True
    return False


def _unknown(field: str, given: _Given) -> str:
    # The value is not repeated: REVET_API_TOKEN is unknown, and a secret.
    name = field if given.where or field.startswith(PREFIX) else setting(field)
    meant = get_close_matches(field.removeprefix(PREFIX).lower(), Settings.model_fields, n=1, cutoff=0.75)
    hint = f": is {meant[0] if given.where else setting(meant[0])} meant?" if meant else ""
    return f"{name} is no setting{hint}{given.where}"


def _read_secret_files(given: dict[str, _Given], problems: list[_Problem]) -> None:
    """Put the tokens and keys of files where tokens and keys are."""
    for field in SECRETS_OF_FILES:
        file = f"{field}_file"
        path = given.get(file)
        if path is None or not isinstance(path.value, str):
            continue
        if field in given:
            both = f"{setting(field)} and {setting(file)}{_told(file, path.value, ' ({})')} are both given"
            problems.append(_Problem(field, f"{both}: {_called(field)} in one or the other"))
            del given[file]
            continue
        if field in TOKENS and not are_checked():
            continue
        try:
            read = read_one if field == "redis_url" else read_tokens
            given[field] = _Given(read(Path(path.value)), _told(file, path.value, " (in {})"))
        except ValueError as error:
            problems.append(_Problem(file, f"{setting(file)}{_told(file, path.value)}: {error}{path.where}"))
            del given[file]


def _told(field: str, value: object, form: str = " is {!r}") -> str:
    """Repeat what was given, or say why not."""
    why_not = hidden(field, value)
    return form.format(value) if why_not is None else why_not


def _called(field: str) -> str:
    match field:
        case "fleet_key":
            return "the keys are"
        case "redis_url":
            return "the address is"
        case _:
            return "the tokens are"


def _defaults(environment: Mapping[str, str]) -> dict[str, object]:
    """What depends on the machine and the user."""
    return {
        "data_dir": _default_data_dir(environment),
        "workers": min(allowed_cores(), MAX_WORKERS),
        "replica_name": own_name(),
    }


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    """Give `revet` in the place for state (XDG Base Directory Specification, which has relative paths ignored)."""
    place = Path(environment.get("XDG_STATE_HOME", ""))
    if not place.is_absolute():
        home = environment.get("HOME")
        place = (Path(home) if home else Path("~").expanduser()) / ".local" / "state"
    return place / "revet"


def _validated(
    defaults: Mapping[str, object], given: Mapping[str, _Given], problems: list[_Problem]
) -> Settings | None:
    """Make the settings, or tell what is wrong with them.

    Where values are wrong by themselves, a second attempt without them shows the contradictions among the rest.
    """
    settings, details = _attempt(defaults, given)
    alone = [_problem(detail, given) for detail in details if detail["type"] != CONTRADICTORY]
    problems.extend(alone)
    wrong = {problem.field for problem in problems}
    if alone:
        _, details = _attempt(defaults, {field: one for field, one in given.items() if field not in wrong})
    problems.extend(
        _Problem(contradiction.fields[0], contradiction.text)
        for contradiction in _contradictions(details)
        # What is known to be wrong is not held against its neighbours too.
        if not wrong.intersection(contradiction.fields)
    )
    return settings


def _attempt(
    defaults: Mapping[str, object], given: Mapping[str, _Given]
) -> tuple[Settings | None, tuple[ErrorDetails, ...]]:
    try:
        return Settings.model_validate({**defaults, **{field: one.value for field, one in given.items()}}), ()
    except ValidationError as error:
        return None, tuple(error.errors(include_url=False))


def _contradictions(details: tuple[ErrorDetails, ...]) -> Iterator[Contradiction]:
    for detail in details:
        if detail["type"] == CONTRADICTORY:
            yield from detail["ctx"]["contradictions"]


def _problem(detail: ErrorDetails, given: Mapping[str, _Given]) -> _Problem:
    """Put one of pydantic's findings into words."""
    field = str(detail["loc"][0])
    error = detail.get("ctx", {}).get("error")
    reason = str(error) if error is not None else detail["msg"].replace("Input should", "it should")
    if not is_line(reason):
        # It repeats a part of what was given.
        reason = "it cannot be used"
    one = given[field]
    if field in TABLES:
        reason = "there is no such setting" if detail["type"] == "extra_forbidden" else reason
        return _Problem(field, f"{_in_table(detail, one.value)}: {reason}{one.where}")
    why_not = hidden(field, one.value)
    shown = f" is {_shown(one.value)}" if why_not is None else why_not
    return _Problem(field, f"{setting(field)}{shown}: {reason}{one.where}")


def _in_table(detail: ErrorDetails, value: object) -> str:
    """Where in a table something is wrong, and what stands there: `issuer[2].grace_s is -1`. The first is number 1."""
    field, *parts = detail["loc"]
    place = str(field)
    for part in parts:
        place += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
        match value, part:
            case (list(), int()) if part < len(value):
                value = value[part]
            case (dict(), str()) if part in value:
                value = value[part]
            case _:
                return place
    return place if isinstance(value, dict | list) or not is_line(str(value)) else f"{place} is {_shown(value)}"


def _shown(value: object) -> str:
    """Write a value as it was given, without what may be a password or a signature in a URL."""
    return _QUERY.sub("?...", _USER_INFO.sub(r"\1...@", repr(value)))
