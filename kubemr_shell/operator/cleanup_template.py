"""Which parts of a job's pod template its cleanup takes over. Pure.

A cleanup reaches the store as the workers did, from where they may run, and asks for nothing else. It would wait for a
free GPU, run the download of an init container again, or be kept from ending by a sidecar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubemr_shell.kube.marks import CONTAINER

Template = dict[str, Any]

OF_METADATA = ("labels", "annotations")
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
"""Where its pods may run, who they are there, and how they reach the network."""
OF_CONTAINER = ("env", "envFrom", "image", "imagePullPolicy", "securityContext")
"""How our container reaches the store."""
WAITED_FOR = ("persistentVolumeClaim", "ephemeral")
"""Volumes that another pod may hold, or that have to be made first."""


def cleanup_template(template: Mapping[str, Any], *, ca_bundle: str | None) -> Template:
    """Return what a cleanup takes over of ``template``, in the same form.

    A volume comes with its mount in our container. A claim comes only if ``ca_bundle`` lies in it.
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
    """Return ``value`` if it is a mapping: nobody has checked a template before the API server does."""
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _holds(folder: str, path: str | None) -> bool:
    return path is not None and path.startswith(folder.rstrip("/") + "/")
