"""As much of Kubernetes' API as Helm asks for, on loopback: discovery, and objects that are kept as they are sent.

It is no Kubernetes: nothing is defaulted, validated, admitted or run, and nobody has to prove who he is. It shows what
a rendering without a cluster cannot: what the chart looks up, and what becomes of that over an upgrade.
"""

import base64
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.helm.objects import Document

_KINDS: Final = {
    "v1": ("ConfigMap", "Secret", "Service", "ServiceAccount", "Pod"),
    "apps/v1": ("Deployment",),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "networking.k8s.io/v1": ("Ingress", "NetworkPolicy"),
    "policy/v1": ("PodDisruptionBudget",),
}
"""Those that a cluster has in which nobody has installed anything."""

_OBJECT: Final = re.compile(r"/(?:api|apis)/((?:[^/]+/)?v[^/]+)/namespaces/([^/]+)/([a-z]+)(?:/([^/]+))?")
_GROUP: Final = re.compile(r"/(?:api|apis)/((?:[^/]+/)?v[^/]+)")


def _plural(kind: str) -> str:
    return kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "es" if kind.endswith("s") else "s")


@dataclass(slots=True)
class Cluster:
    """One that runs.

    Attributes:
        url: Of its API.
        minor: Of its version, as in 1.31.
        objects: By namespace, plural of their kind, and name.
    """

    url: str
    minor: int
    objects: dict[tuple[str, str, str], Document] = field(default_factory=dict)

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """What is in a Secret."""
        data = self.objects[namespace, "secrets", name].get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def answer(self, method: str, path: str, body: Document | None) -> tuple[int, Document]:
        """What the API says."""
        split = urlsplit(path)
        found = _OBJECT.fullmatch(split.path)
        if found is None:
            return self._discovered(split.path)
        version, namespace, plural, name = found.groups()
        if name is None and method == "GET":
            return self._listed(version, namespace, plural, parse_qs(split.query).get("labelSelector", [""])[0])
        sent = body or {}
        key = (namespace, plural, name or (sent.get("metadata") or {}).get("name", ""))
        match method:
            case "POST" | "PUT" | "PATCH":
                if method == "POST" and key in self.objects:
                    return self._status(HTTPStatus.CONFLICT, "AlreadyExists")
                there = self.objects.get(key, {}) if method == "PATCH" else {}
                self.objects[key] = {**there, **sent}
                return HTTPStatus.OK, self.objects[key]
            case "DELETE" if key in self.objects:
                return HTTPStatus.OK, self.objects.pop(key)
            case "GET" if key in self.objects:
                return HTTPStatus.OK, self.objects[key]
            case _:
                return self._status(HTTPStatus.NOT_FOUND, "NotFound")

    def _listed(self, version: str, namespace: str, plural: str, selector: str) -> tuple[int, Document]:
        wanted = dict(one.split("=", 1) for one in selector.replace("==", "=").split(",") if one)
        items = [
            one
            for (place, kind, _), one in self.objects.items()
            if (place, kind) == (namespace, plural) and wanted.items() <= (one["metadata"].get("labels") or {}).items()
        ]
        return HTTPStatus.OK, {"apiVersion": version, "kind": "List", "metadata": {}, "items": items}

    def _discovered(self, path: str) -> tuple[int, Document]:
        group = _GROUP.fullmatch(path)
        match path:
            case "/version":
                return HTTPStatus.OK, {"major": "1", "minor": str(self.minor), "gitVersion": f"v1.{self.minor}.0"}
            case "/api":
                return HTTPStatus.OK, {"kind": "APIVersions", "versions": ["v1"]}
            case "/apis":
                groups = [one.split("/") for one in _KINDS if "/" in one]
                versions = [
                    (name, {"groupVersion": f"{name}/{version}", "version": version}) for name, version in groups
                ]
                named = [{"name": name, "versions": [one], "preferredVersion": one} for name, one in versions]
                return HTTPStatus.OK, {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}
            case _ if group is not None and group[1] in _KINDS:
                kinds = [
                    {
                        "name": _plural(kind),
                        "singularName": kind.lower(),
                        "namespaced": True,
                        "kind": kind,
                        "verbs": ["create", "delete", "get", "list", "patch", "update"],
                    }
                    for kind in _KINDS[group[1]]
                ]
                return HTTPStatus.OK, {"kind": "APIResourceList", "groupVersion": group[1], "resources": kinds}
            case _:
                return self._status(HTTPStatus.NOT_FOUND, "NotFound")

    def _status(self, code: HTTPStatus, reason: str) -> tuple[int, Document]:
        failed = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
        return code, {**failed, "message": f"{reason}: {code.phrase}", "metadata": {}}


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer is one packet: two would wait for each other

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent: Any = yaml.safe_load(self.rfile.read(length)) if length else None
            code, answer = cluster.answer(self.command, self.path, sent)
            text = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
            """Nothing is logged."""

    return Handler


@contextlib.contextmanager
def running_cluster(minor: int = 31) -> Iterator[Cluster]:
    """A cluster with nothing in it, until the block is left."""
    cluster = Cluster("", minor)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster)) as server:
        server.daemon_threads = True
        cluster.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()
