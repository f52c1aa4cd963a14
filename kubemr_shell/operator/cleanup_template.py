"""The selection of the parts of a job's pod template that its cleanup takes over. Pure.

A cleanup runs where the workers may run, and reaches the store as they do. The rest of the template is left out: with
it, a cleanup would wait for a free GPU, repeat the download of an init container, or not end because of a sidecar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubemr_shell.kube.marks import CONTAINER

Template = dict[str, Any]
"""A pod template: ``metadata`` and ``spec``."""

OF_METADATA = ("labels", "annotations")
"""The fields that are taken over from the metadata."""
OF_POD = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "hostAliases",
    "hostNetwork",
    "imagePullSecrets",
    "nodeSelector",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
)
"""The fields of the pod that are taken over: where it may run, as which account, and how it reaches the network."""
OF_CONTAINER = ("env", "envFrom", "image", "imagePullPolicy", "securityContext")
"""The fields of our container that are taken over: how it reaches the store."""
WAITED_FOR = ("persistentVolumeClaim", "ephemeral")
"""The kinds of volumes that another pod may hold, or that have to be created first."""


def cleanup_template(template: Mapping[str, Any], *, ca_bundle: str | None) -> Template:
    """Return the parts of ``template`` that a cleanup takes over, in the same form.

    A volume is taken over if our container mounts it. A volume that may have to be waited for (``WAITED_FOR``) is taken
    over only if it holds the file ``ca_bundle``.
    """
    spec = _mapping(template.get("spec"))
    own = next((one for one in _items(spec.get("containers")) if one.get("name") == CONTAINER), {})
    given = _items(spec.get("volumes"))
    waited_for = [one.get("name") for one in given if any(kind in one for kind in WAITED_FOR)]
    mounts = [
        one
        for one in _items(own.get("volumeMounts"))
        if one.get("name") not in waited_for or _holds(str(one.get("mountPath")), ca_bundle)
    ]
    mounted = [one.get("name") for one in mounts]
    volumes = [one for one in given if one.get("name") in mounted]
    container = {"name": CONTAINER, **_only(own, OF_CONTAINER), **({"volumeMounts": mounts} if mounts else {})}
    pod = {**_only(spec, OF_POD), "containers": [container], **({"volumes": volumes} if volumes else {})}
    return {"metadata": _only(_mapping(template.get("metadata")), OF_METADATA), "spec": pod}


def _only(mapping: Mapping[str, Any], names: Iterable[str]) -> Template:
    return {name: mapping[name] for name in names if name in mapping}


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return ``value`` if it is a mapping, else an empty one. The API server checks templates later."""
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _holds(folder: str, path: str | None) -> bool:
    return path is not None and path.startswith(folder.rstrip("/") + "/")
