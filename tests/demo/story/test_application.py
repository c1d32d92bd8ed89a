"""The application: 204, and what it was told."""

import http.client
from urllib.parse import urlsplit

from service.demo.story.application import Application


def ask(application: Application, headers: dict[str, str]) -> http.client.HTTPResponse:
    """One answer."""
    connection = http.client.HTTPConnection(urlsplit(application.url).netloc, timeout=10)
    try:
        connection.request("GET", "/", headers=headers)
        return connection.getresponse()
    finally:
        connection.close()


def test_it_repeats_what_it_was_told() -> None:
    """The subject comes back in the answer."""
    with Application() as application:
        answer = ask(application, {"X-Revet-Subject": "CN=good.demo.example"})

    assert (204, "CN=good.demo.example") == (answer.status, answer.getheader("x-application-saw"))


def test_it_makes_nothing_up() -> None:
    """Told nothing, it repeats nothing."""
    with Application() as application:
        answer = ask(application, {})

    assert (204, None) == (answer.status, answer.getheader("x-application-saw"))
