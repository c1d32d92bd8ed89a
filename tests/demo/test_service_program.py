"""The service's environment."""

from pathlib import Path

from service.demo.layout import Layout
from service.demo.service_program import service_environment


def test_environment(tmp_path: Path) -> None:
    """The service gets what the demonstration is about, whatever the user has set for services of his own."""
    inherited = {
        "PATH": "/bin",
        "REVET_CONFIG": "revet.toml",
        "REVET_HOST": "0.0.0.0",
        "REVET_PORT": "1",
        "REVET_TRUST_STORE_DIR": "/etc",
        "REVET_WORKERS": "3",
        "REVET_LOG_LEVEL": "debug",
    }

    environment = service_environment(inherited, Layout(tmp_path), 8081)

    assert {
        "PATH": "/bin",
        "REVET_PORT": "8081",
        "REVET_TRUST_STORE": str(tmp_path / "trust-store" / "default.pem"),
        "REVET_DATA_DIR": str(tmp_path / "data"),
        "REVET_EGRESS_ALLOW": "127.0.0.1",
        "REVET_WORKERS": "3",
        "REVET_LOG_LEVEL": "debug",
        "REVET_LOG_FORMAT": "console",
        "REVET_DRAIN_S": "0",
        "REVET_DEADLINE_MS": "5000",
    } == environment


def test_paths_do_not_depend_on_the_current_directory() -> None:
    """A relative directory is made absolute."""
    environment = service_environment({}, Layout(Path(".demo")), 8080)

    assert str(Path.cwd() / ".demo" / "data") == environment["REVET_DATA_DIR"]
