"""`requestParameters`: which headers an integration sets, and what becomes of the client's own."""

import pytest

from service.demo.gateway.parameters import IDENTITY, SetHeader, replaced, set_headers

SUBJECT = (SetHeader("X-Revet-Subject", "subject"),)


@pytest.mark.parametrize(
    "parameters",
    [
        {"integration.request.header.X-Revet-Subject": "context.authorizer.subject"},
        {"overwrite:header.X-Revet-Subject": "$context.authorizer.subject"},
    ],
    ids=["REST", "HTTP"],
)
def test_both_kinds(parameters: dict[str, str]) -> None:
    """Each kind of API has its own way to say it."""
    assert SUBJECT == set_headers(parameters)


def test_a_path_is_no_header() -> None:
    """It is handed on whole, mapped or not."""
    path = {"integration.request.path.proxy": "method.request.path.proxy"}

    assert set_headers(IDENTITY) == set_headers(path | dict(IDENTITY))


@pytest.mark.parametrize(
    ("to", "source"),
    [
        ("integration.request.header.X-Revet-Subject", "method.request.header.X-Revet-Subject"),
        ("integration.request.header.X-Revet-Subject", "$context.authorizer.subject"),
        ("integration.request.header.X-Revet-Subject", "context.authorizer."),
        ("integration.request.querystring.subject", "context.authorizer.subject"),
        ("overwrite:header.X-Revet-Subject", "context.authorizer.subject"),
        ("append:header.X-Revet-Subject", "$context.authorizer.subject"),
    ],
)
def test_what_is_not_played(to: str, source: str) -> None:
    """The client's own, another kind's, no key, or added beside the client's own: refused by its name."""
    with pytest.raises(ValueError, match=to):
        set_headers({to: source})


@pytest.mark.parametrize("name", ["X-Revet-Subject", "x-revet-subject", "X-REVET-SUBJECT"])
def test_the_clients_own_is_replaced(name: str) -> None:
    """In whatever case it comes, and however often; its other headers stay."""
    sent = ((name, "CN=forged"), ("Accept", "*/*"), (name, "CN=again"))

    assert (("Accept", "*/*"), ("X-Revet-Subject", "CN=client")) == replaced(sent, SUBJECT, {"subject": "CN=client"})


def test_a_key_that_was_not_said() -> None:
    """The client's own passes: why an authorizer has to say every key."""
    sent = (("x-revet-subject", "CN=forged"),)

    assert sent == replaced(sent, SUBJECT, {"code": "ok"})


def test_nothing_is_set() -> None:
    """An integration that maps nothing hands on what the client has sent."""
    sent = (("X-Revet-Subject", "CN=forged"),)

    assert sent == replaced(sent, (), {"subject": "CN=client"})
