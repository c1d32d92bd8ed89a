"""What stands on the command line."""

import pytest

from service.demo.__main__ import main


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_impossible_ports(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no port is refused with exit code 2."""
    with pytest.raises(SystemExit) as refused:
        main([f"--port={port}"])

    assert 2 == refused.value.code
    assert "--port" in capsys.readouterr().err
