"""Pods of a rendered chart, in the images themselves: what the kubelet does, as far as one machine goes.

    with pod(image, "Deployment/revet", objects, tmp_path, Place(names=…)) as container:
        …

Volumes are made as the kubelet makes them for a pod with an fsGroup: files of ConfigMaps and Secrets belong to root and
the group, with their default mode; an emptyDir is writable for the group and hands the group on. Environment, command
and mounts are those of the pod's first container; names are in /etc/hosts.

What it does not do: Services (what is asked listens on the port that the Service has), probes, limits of resources,
network policies, and containers besides the first.
"""

import base64
import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.images.building import Image
from tests.images.running import Container, Wanted, running

Object = Mapping[str, Any]
"""One object of Kubernetes."""

PROJECTED_MODE: Final = 0o644
"""Of files where no mode is given."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod runs.

    Attributes:
        directory: For its volumes and its log.
        names: Of Services, all of which lead to this machine.
        beside: A container whose network it shares.
    """

    directory: Path
    names: Sequence[str] = ()
    beside: Container | None = None


@contextlib.contextmanager
def pod(image: Image, which: str, objects: Sequence[Object], place: Place) -> Iterator[Container]:
    """Run the first container of a pod until the block is left.

    Args:
        image: In place of the one that the pod names.
        which: `Kind/name` of a pod or of what makes some.
        objects: Where it, its ConfigMaps and its Secrets are.
        place: Where.
    """
    place.directory.mkdir()
    with running(image, place.directory, _wanted(_spec_of(find(objects, which)), objects, place)) as container:
        yield container


def renew(which: str, objects: Sequence[Object], place: Place) -> None:
    """Give a pod that runs what its ConfigMaps and Secrets have become."""
    spec = _spec_of(find(objects, which))
    for volume in spec["volumes"]:
        if "emptyDir" not in volume:
            _publish(volume, objects, place.directory / volume["name"], spec["securityContext"]["fsGroup"])


def find(objects: Sequence[Object], which: str) -> Object:
    """The object that is `Kind/name`."""
    kind, _, name = which.partition("/")
    (found,) = (one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name)
    return found


def keys_of(holder: Object) -> dict[str, bytes]:
    """What a ConfigMap or Secret holds."""
    plain = {**holder.get("stringData", {}), **(holder["data"] if holder["kind"] == "ConfigMap" else {})}
    encoded = {**holder.get("binaryData", {}), **(holder.get("data", {}) if holder["kind"] == "Secret" else {})}
    return {key: text.encode() for key, text in plain.items()} | {
        key: base64.b64decode(text) for key, text in encoded.items()
    }


def _spec_of(found: Object) -> Object:
    spec: Object = found["spec"] if found["kind"] == "Pod" else found["spec"]["template"]["spec"]
    return spec


def _wanted(spec: Object, objects: Sequence[Object], place: Place) -> Wanted:
    container = spec["containers"][0]
    security = {**spec["securityContext"], **container["securityContext"]}
    volumes, files = {}, {"/etc/hosts": _hosts(place)}
    for mount in container["volumeMounts"]:
        (volume,) = (one for one in spec["volumes"] if one["name"] == mount["name"])
        if "emptyDir" in volume:
            volumes[mount["mountPath"]] = f"uid=0,gid={security['fsGroup']},mode=2777"
        else:
            assert mount["readOnly"], "the kubelet would let it be written"
            files[str(mount["mountPath"])] = _made(volume, objects, place.directory, security["fsGroup"])
    return Wanted(
        command=container.get("args", ()),
        entrypoint=container.get("command"),
        environment={one["name"]: one["value"] for one in container.get("env", ())},
        files=files,
        volumes=volumes,
        read_only=security["readOnlyRootFilesystem"],
        beside=place.beside,
    )


def _hosts(place: Place) -> Path:
    file = place.directory / "hosts"
    file.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *place.names)))
    return file


def _made(volume: Object, objects: Sequence[Object], directory: Path, group: int) -> Path:
    """A volume of files."""
    made = directory / str(volume["name"])
    made.mkdir()
    _publish(volume, objects, made, group)
    return made


def _publish(volume: Object, objects: Sequence[Object], made: Path, group: int) -> None:
    """Put all files of a volume there at once: a directory of this moment, and `..data` that leads to it."""
    ((kind, given),) = ((kind, given) for kind, given in volume.items() if kind != "name")
    sources = given["sources"] if kind == "projected" else [{kind: given}]
    moment = made / f"..{time.monotonic_ns()}"
    for path, octets in _files(sources, objects):
        (moment / path).parent.mkdir(parents=True, exist_ok=True)
        (moment / path).write_bytes(octets)
    for one in (made, moment, *moment.rglob("*")):
        os.chown(one, 0, group)
        one.chmod(0o2755 if one.is_dir() else given.get("defaultMode", PROJECTED_MODE))
    (made / "..data_tmp").symlink_to(moment.name)
    (made / "..data_tmp").rename(made / "..data")
    for top in moment.iterdir():
        if not (made / top.name).is_symlink():
            (made / top.name).symlink_to(f"..data/{top.name}")


def _files(sources: Sequence[Object], objects: Sequence[Object]) -> Iterator[tuple[str, bytes]]:
    for source in sources:
        ((kind, given),) = source.items()
        name = given.get("name") or given["secretName"]
        held = keys_of(find(objects, f"{'Secret' if kind == 'secret' else 'ConfigMap'}/{name}"))
        for item in given.get("items") or [{"key": key, "path": key} for key in held]:
            if item["key"] in held or not given.get("optional"):
                yield item["path"], held[item["key"]]
