"""`python -m tests.helm.show`: what somebody sees who writes values."""

import pytest

from tests.helm import show
from tests.helm.engine import CHART

MINIMAL = str(CHART / "ci" / "minimal-values.yaml")


@pytest.mark.parametrize("more", [(), ("--kube", "1.30"), ("--name", "prod")])
def test_finds_nothing_in_what_is_sound(capsys: pytest.CaptureFixture[str], more: tuple[str, ...]) -> None:
    """Neither by default nor for a version of Kubernetes that is named."""
    show.main([MINIMAL, "--quiet", *more])
    assert "# problems:\n" == capsys.readouterr().out


def test_names_the_versions_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Of any other one nobody has the schemas."""
    with pytest.raises(SystemExit):
        show.main([MINIMAL, "--kube", "1.37.0"])
    assert "1.37" in capsys.readouterr().err
