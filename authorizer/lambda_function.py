"""The Lambda authorizer of API Gateway: asks Revet about the client's certificate, and answers with a policy.

It decides nothing, and reads no certificate: an event becomes one `POST /v1/validate`, whose answer becomes an IAM
policy, or what HTTP APIs call a simple response. The handler is `lambda_function.lambda_handler`.

Rules: an allow takes a status of 200 and JSON that says so, in time. Whatever else is no decision is a failure, and the
fail mode answers. What a client, or a wrong setting, can bring about never opens. One deadline ends the whole call.
Whom it calls is always verified, no redirect is followed. Certificates, tokens and names are not logged. An answer is
remembered if `REVET_MEMORY_S` says so, never past its `valid_until`.
"""

import http.client
import json
import os
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

MAX_TIMEOUT_MS: Final = 10_000
"""API Gateway does not wait longer for an authorizer."""
WAITING: Final = 0.95  # of the deadline: what is left is for the answer, which is to be out in time
MAX_RESOURCE_CHARACTERS: Final = 512
"""Of a policy's resource: API Gateway's limit."""
MAX_VALUE_CHARACTERS: Final = 6 * 16 * 1024
"""Of a value in `context`: the longest name that the service reads, encoded: Latin-1 takes six for an octet. What is
longer counts as missing, since its beginning would be another name."""
MAX_CERTIFICATE_CHARACTERS: Final = 64 * 1024
"""Of PEM: no front hands more over. The longest name that the service reads takes a third of it."""
MAX_ANSWER_OCTETS: Final = 1024 * 1024
"""Of one answer. JSON writes some octets as six, so that a client can have more said of itself: it is refused."""
MAX_IDLE_S: Final = 50
"""Seconds after which a connection is not used again: load balancers drop theirs, an ALB after 60 by default."""
MAX_MEMORY_S: Final = 60
MAX_REMEMBERED: Final = 64  # answers

ABOUT: Final = ("subject", "serial_number", "fingerprint_sha256", "decision_id", "valid_until")
"""Of an answer, and always in `context`, `-` where missing: a header mapped to nothing may remain the client's own."""
TOKENS: Final = ("REVET_TOKEN", "REVET_TOKEN_FILE", "REVET_TOKEN_SECRET", "REVET_TOKEN_PARAMETER")

_Found = TypeVar("_Found")
_Reply = tuple[int, str, bytes]  # status, content type, body

_PLAIN: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_HOST: Final = r"(?:\w(?:[\w-]{0,61}\w)?\.)*\w(?:[\w-]{0,61}\w)?\.?|\[[0-9A-Fa-f:.]+\]"
_URL: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<authority>(?:{_HOST})(?::(?P<port>[0-9]{{1,5}}))?)(?P<path>/[!-\"$->@-~]*)?", re.ASCII
)
_STAGE: Final = re.compile(r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]*:[0-9]*:[A-Za-z0-9]+/(?:[A-Za-z0-9_-]+|\$default))/")
_MEANS_MORE: Final = re.compile(r"[*?]|\$\{")
"""What in a policy's resource stands for other text: wildcards and policy variables."""


class SettingsError(Exception):
    """The environment cannot be right."""


class NoDecisionError(Exception):
    """Raised in fail mode `error`: API Gateway answers 500, and remembers nothing."""


class Answer(NamedTuple):  # no dataclass: importing them takes as long as everything else here but `http.client`
    """What is decided about a client; `about` has what the service has said of `ABOUT`."""

    allowed: bool
    code: str
    about: Mapping[str, str]


UNAVAILABLE: Final = Answer(allowed=False, code="unavailable", about={})


class FailureError(Exception):
    """There is no decision. The message says why, and repeats nothing of what was sent."""

    answer = UNAVAILABLE


class RefusalError(FailureError):
    """There is none because of what the client, or this function's owner, has done: no fail mode opens for that."""


def _number(given: dict[str, str], name: str, default: int, allowed: range) -> int:
    text = given.pop(name, str(default))
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) not in allowed:
        raise SettingsError(f"{name} has to be a whole number from {allowed[0]} to {allowed[-1]}")
    return int(text)


def _choice(given: dict[str, str], name: str, *known: str) -> str:
    text = given.pop(name, known[0])
    if text not in known:
        raise SettingsError(f"{name} has to be one of {', '.join(known)}")
    return text


def _tls(ca_bundle: str | None, client_cert: str | None, client_key: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_bundle)
        if client_cert or client_key:
            context.load_cert_chain(client_cert or "", client_key, password="")  # nobody is there to be asked for one
    except (OSError, ValueError):
        raise SettingsError("REVET_CA_BUNDLE, REVET_CLIENT_CERT or REVET_CLIENT_KEY cannot be used") from None
    return context


def _within(seconds: float, work: Callable[[], _Found]) -> _Found:
    """Do something, and wait no longer for it than this: what is not ready then is left behind, in a thread of its own.

    Nothing less ends everything: looking up a name knows no timeout, and a socket's begins again with each octet.
    """
    found: list[_Found] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found[0]


def _finish(response: http.client.HTTPResponse) -> _Reply:
    body = response.read(MAX_ANSWER_OCTETS)
    if response.read(1):
        raise RefusalError("the answer is too long")
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return response.status, response.headers.get_content_type(), body


class Revet:
    """The service, over one connection that is kept from call to call."""

    def __init__(self, given: dict[str, str]) -> None:
        """Take what concerns it out of the settings, or raise SettingsError; nobody is called yet."""
        self.timeout_s = _number(given, "REVET_TIMEOUT_MS", 800, range(1, MAX_TIMEOUT_MS + 1)) / 1000 * WAITING
        self._trust_store = given.pop("REVET_TRUST_STORE", None)
        sources = [name for name in TOKENS if name in given]
        if len(sources) > 1:
            raise SettingsError(f"{sources[0]} and {sources[1]} are given: which of them is the token?")
        self._source, self._name = next(((name, given.pop(name)) for name in sources), ("", ""))
        self._token: str | None = None
        url = _URL.fullmatch(given.pop("REVET_URL", ""))
        if url is None or int(url["port"] or 80) not in range(1, 65_536):
            raise SettingsError("REVET_URL has to be http:// or https://, a host, and perhaps a port and a path")
        self._authority, self._path = url["authority"], f"{(url['path'] or '').rstrip('/')}/v1/validate"
        files = [given.pop(f"REVET_{name}", None) for name in ("CA_BUNDLE", "CLIENT_CERT", "CLIENT_KEY")]
        kind: Callable[..., http.client.HTTPConnection] = http.client.HTTPConnection
        if url["scheme"] == "https":
            kind = partial(http.client.HTTPSConnection, context=_tls(*files))
        elif any(files):
            raise SettingsError("REVET_URL is http, and a CA bundle or a client's certificate is given: which counts?")
        self._connect = partial(kind, self._authority, timeout=self.timeout_s)
        self.connection = self._connect()
        self.used_at = 0.0
        self.story = "new"
        """What the last call went over: `new`, `reused`, or `retried`: a new one after one that was dead."""

    def validate(self, certificate: str) -> Answer:
        """Ask about a certificate, given as PEM.

        Raises:
            FailureError: there is no decision.
        """
        question = {"certificate": certificate} | ({"trust_store": self._trust_store} if self._trust_store else {})
        body, connection = json.dumps(question).encode(), self.connection
        if connection.sock is not None and not self.is_fresh(connection.sock):
            connection.close()
        self.story = "new" if connection.sock is None else "reused"
        if len(certificate) > MAX_CERTIFICATE_CHARACTERS:
            raise RefusalError("the certificate is too long")
        try:
            reply = _within(self.timeout_s, lambda: self._ask(connection, body))
        except TimeoutError:
            # The thread that waits for it keeps the connection, and its waiting ends with this.
            left, self.connection = connection.sock, self._connect()
            if left is not None:
                with suppress(OSError):
                    socket.socket.shutdown(left, socket.SHUT_RDWR)
            raise FailureError("no answer in time") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The kind alone: the text of some of them repeats what was sent.
            raise FailureError(f"no answer: {type(error).__name__}") from None
        self.used_at = time.time()
        return _answer(*reply)

    def is_fresh(self, sock: socket.socket) -> bool:
        """Whether a connection was used lately, and nothing has come over it since: not its end either."""
        has_more = select.select([sock], [], [], 0)[0] or (isinstance(sock, ssl.SSLSocket) and sock.pending())
        return 0 <= time.time() - self.used_at < MAX_IDLE_S and not has_more

    def _ask(self, connection: http.client.HTTPConnection, body: bytes) -> _Reply:
        try:
            token = self._read_token()
            reply = self._post(connection, body, token)
            if reply[0] == http.client.UNAUTHORIZED and connection is self.connection:
                self._token = None
                renewed = self._read_token()
                reply = reply if renewed == token else self._post(connection, body, renewed)
        except BaseException:
            connection.close()
            raise
        if connection is not self.connection:
            connection.close()
        return reply

    def _post(self, connection: http.client.HTTPConnection, body: bytes, token: str | None) -> _Reply:
        headers = {"Host": self._authority, "Content-Type": "application/json", "Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        was_kept = connection.sock is not None
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
        except (ConnectionError, ssl.SSLError):
            connection.close()
            if not was_kept or connection is not self.connection:
                raise
            self.story = "retried"
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
        return _finish(response)

    def _read_token(self) -> str | None:
        token = self._token
        try:
            if self._source == "REVET_TOKEN_FILE":
                token = Path(self._name).read_text(encoding="ascii").strip()
            elif token is None and self._source:
                token = self._name if self._source == "REVET_TOKEN" else self._ask_extension()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            raise RefusalError(f"no token: {type(error).__name__}") from None
        if token is not None and not re.fullmatch("[!-~]+", token):
            raise RefusalError("no token: it is not printable ASCII")
        self._token = token
        return token

    def _ask_extension(self) -> str:
        """What AWS's Parameters and Secrets extension says, over plain HTTP, on loopback."""
        is_secret = self._source == "REVET_TOKEN_SECRET"
        path = "/secretsmanager/get?" if is_secret else "/systemsmanager/parameters/get?withDecryption=true&"
        path += urlencode({"secretId" if is_secret else "name": self._name})
        port = int(os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773"))
        headers = {"X-Aws-Parameters-Secrets-Token": os.environ.get("AWS_SESSION_TOKEN", "")}
        with closing(http.client.HTTPConnection("localhost", port, timeout=self.timeout_s)) as extension:
            extension.request("GET", path, headers=headers)
            status, _, body = _finish(extension.getresponse())
        keys = ("SecretString",) if is_secret else ("Parameter", "Value")
        return _text(json.loads(body) if status == http.client.OK else None, *keys).strip()


def _answer(status: int, content_type: str, body: bytes) -> Answer:
    if status in range(300, 500) and status != http.client.TOO_MANY_REQUESTS:
        raise RefusalError(f"status {status}")
    if status != http.client.OK:
        raise FailureError(f"status {status}")
    said: Any = None
    with suppress(ValueError, RecursionError):
        said = json.loads(body.decode(), object_pairs_hook=_object) if content_type == "application/json" else None
    decision, code = _text(said, "decision"), _text(said, "code")
    if (decision, code) != ("allow", "ok") and (decision != "deny" or not code):
        raise FailureError("no answer of Revet's")
    about = {name: _encoded(said[name]) for name in ABOUT if isinstance(said.get(name), str)}
    about = {name: text for name, text in about.items() if len(text) <= MAX_VALUE_CHARACTERS}
    answer = Answer(decision == "allow", _encoded(code), about)
    if code == "revocation_unavailable":
        failure = FailureError(code)
        failure.answer = answer
        raise failure
    return answer


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name that is there twice")
    return found


def _text(found: object, *names: str) -> str:
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _encoded(text: str) -> str:
    """Printable ASCII but for `%` as it is, everything else as `%XX` of its UTF-8, as in the service's own headers."""
    encoded = quote(text or "-", safe=_PLAIN, errors="surrogatepass")
    return re.sub("^ +| +$", lambda blanks: "%20" * len(blanks[0]), encoded)


class Authorizer:
    """What is kept from event to event: settings, the connection, and perhaps answers."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the settings, or raise SettingsError where they cannot be right."""
        given = {name: text.strip() for name, text in environment.items() if name.startswith("REVET_") and text.strip()}
        self._fail_mode = _choice(given, "REVET_FAIL_MODE", "closed", "error", "open")
        self._scope = _choice(given, "REVET_POLICY_SCOPE", "stage", "method")
        self._response = _choice(given, "REVET_RESPONSE", "simple", "policy")
        self._memory_s = _number(given, "REVET_MEMORY_S", 0, range(MAX_MEMORY_S + 1))
        self.revet = Revet(given)
        self.remembered: dict[str, tuple[float, float, Answer]] = {}
        if given:
            print(json.dumps({"level": "warning", "message": "unknown settings", "names": sorted(given)}), flush=True)

    def authorize(self, event: object, request_id: str = "") -> dict[str, object]:
        """Answer an event, whichever format it has.

        Raises:
            NoDecisionError: there is no decision, and the fail mode is `error`.
        """
        began = time.monotonic()
        is_second = _text(event, "version") == "2.0"
        shown = ("requestContext", "authentication" if is_second else "identity", "clientCert")
        principal = _text(event, *shown, "serialNumber") or "unknown"
        line: dict[str, object] = {"level": "info", "request_id": request_id, "principal_id": principal[:100]}
        try:
            answer = self._decide(_text(event, *shown, "clientCertPem").strip(), line)
            whole: dict[str, object] = {"isAuthorized": answer.allowed}
            if not is_second or self._response == "policy":
                answer, policy = self._policy(answer, _text(event, "routeArn" if is_second else "methodArn"))
                whole = {"principalId": principal, "policyDocument": policy}
            said = {"decision": "allow" if answer.allowed else "deny", "code": answer.code, **answer.about}
            line |= {name: text for name, text in said.items() if name != "subject"}
            return whole | {"context": dict.fromkeys(ABOUT, "-") | said}
        finally:
            line["duration_ms"] = round((time.monotonic() - began) * 1000, 2)
            print(json.dumps(line), flush=True)

    def _decide(self, certificate: str, line: dict[str, object]) -> Answer:
        if not certificate:
            return Answer(allowed=False, code="no_certificate", about={})
        since, until, remembered = self.remembered.get(certificate, (0.0, 0.0, UNAVAILABLE))
        if since <= time.time() < until:
            line["connection"] = "remembered"
            return remembered
        try:
            answer = self.revet.validate(certificate)
        except FailureError as failure:
            line |= {"level": "error", "failure": str(failure), "fail_mode": self._fail_mode}
            if self._fail_mode == "error":
                raise NoDecisionError(f"Revet has not decided: {failure}") from None
            opens = self._fail_mode == "open" and not isinstance(failure, RefusalError)
            return Answer(opens, failure.answer.code, {**failure.answer.about, "fail_mode": self._fail_mode})
        finally:
            line["connection"] = self.revet.story
        if self._memory_s:
            self._remember(certificate, answer)
        return answer

    def _remember(self, certificate: str, answer: Answer) -> None:
        with suppress(LookupError, ValueError):
            valid_until, now = datetime.fromisoformat(answer.about["valid_until"]).timestamp(), time.time()
            if len(self.remembered) >= MAX_REMEMBERED:
                self.remembered.clear()
            self.remembered[certificate] = now, min(valid_until, now + self._memory_s), answer

    def _policy(self, answer: Answer, arn: str) -> tuple[Answer, dict[str, object]]:
        """A policy, and the answer that it gives: a denial of all where no resource says just what is allowed."""
        stage = _STAGE.match(arn)
        resource = f"{stage[1]}/*" if stage is not None and self._scope == "stage" else arn
        means_more = self._scope == "method" and _MEANS_MORE.search(arn) is not None
        if stage is None or means_more or len(resource) > MAX_RESOURCE_CHARACTERS:
            resource = "*"
            answer = answer._replace(allowed=False, code="unsupported_path") if answer.allowed else answer
        effect = "Allow" if answer.allowed else "Deny"
        statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
        return answer, {"Version": "2012-10-17", "Statement": [statement]}


@cache
def authorizer() -> Authorizer:
    """The one of this environment, made for the first event."""
    return Authorizer(os.environ)


def lambda_handler(event: object, context: object) -> dict[str, object]:
    """Answer an event: what Lambda calls. What an `Authorizer` raises, API Gateway answers with 500."""
    return authorizer().authorize(event, str(getattr(context, "aws_request_id", "")))
