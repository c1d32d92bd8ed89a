"""All rules by name, and what they find in a rendering."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from tests.helm import name_rules, pod_rules, reference_rules, secret_rules
from tests.helm.objects import Document

Rule = Callable[[Sequence[Document]], Iterable[str]]

RULES: Final[Mapping[str, Rule]] = {
    "bounded": pod_rules.bounded,
    "data_directory": pod_rules.data_directory,
    "ended": pod_rules.ended,
    "looked_after": pod_rules.looked_after,
    "images": pod_rules.images,
    "mounted": pod_rules.mounted,
    "probed": pod_rules.probed,
    "spread": pod_rules.spread,
    "unprivileged": pod_rules.unprivileged,
    "written": pod_rules.written,
    "networks": reference_rules.networks,
    "published": reference_rules.published,
    "scaled": reference_rules.scaled,
    "selectors": reference_rules.selectors,
    "services": reference_rules.services,
    "watched": reference_rules.watched,
    "apart": secret_rules.apart,
    "given_as_files": secret_rules.given_as_files,
    "keyless": secret_rules.keyless,
    "modes": secret_rules.modes,
    "labelled": name_rules.labelled,
    "named": name_rules.named,
    "stable_selectors": name_rules.stable_selectors,
}
"""Those that need nothing but the objects."""


def rules_for(values: Mapping[str, Any], given: Mapping[str, Any], namespace: str) -> Mapping[str, Rule]:
    """All of them, those included that need to know what was asked for.

    Args:
        values: That were rendered, defaults included.
        given: Without them.
        namespace: Of the release.
    """
    settings = values.get("settings") or {}
    chooses = "runAsUser" not in values["podSecurityContext"]
    return {
        **RULES,
        "unprivileged": partial(pod_rules.unprivileged, platform_chooses=chooses),
        "data_directory": partial(pod_rules.data_directory, platform_chooses=chooses),
        "ended": partial(
            pod_rules.ended,
            drain_s=float(settings.get("drain_s", pod_rules.DRAIN_S)),
            grace_s=float(settings.get("shutdown_grace_s", pod_rules.GRACE_S)),
        ),
        "mentioned": partial(reference_rules.mentioned, values=given),
        "placed": partial(
            name_rules.placed,
            namespace=namespace,
            monitoring=[one["namespace"] for one in values["metrics"].values() if one.get("namespace")],
        ),
    }


def broken(
    documents: Sequence[Document], values: Mapping[str, Any], given: Mapping[str, Any], namespace: str
) -> list[str]:
    """What is wrong with a rendering, by the names of rules; asked as `rules_for` is."""
    return [f"{name}: {one}" for name, rule in rules_for(values, given, namespace).items() for one in rule(documents)]
