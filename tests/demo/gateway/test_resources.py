"""Which resource of an API a path belongs to."""

import pytest

from service.demo.gateway.resources import Match, find

RESOURCES = ("/", "/devices", "/devices/{id}", "/devices/first", "/files/{proxy+}")


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", {}),
        ("/devices", "/devices", {}),
        ("/devices/", "/devices", {}),
        ("/devices/first", "/devices/first", {}),
        ("/devices/7", "/devices/{id}", {"id": "7"}),
        ("/devices/a%20b", "/devices/{id}", {"id": "a b"}),
        ("/files/a/b/c", "/files/{proxy+}", {"proxy": "a/b/c"}),
    ],
)
def test_the_most_specific_resource(path: str, resource: str, parameters: dict[str, str]) -> None:
    """A literal segment goes before a variable, and that before the greedy one."""
    assert Match(resource, parameters) == find(RESOURCES, path)


@pytest.mark.parametrize("path", ["/other", "/devices/7/more", "/files", "/files/"])
def test_no_resource(path: str) -> None:
    """What no resource fits is nowhere."""
    assert find(RESOURCES, path) is None
