"""The manifests of the objects that a job's workers need: account, permissions, and a batch Job. Pure.

Names and content are deterministic. So several operators can create the objects at the same time, and none twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.kube.expansion import literal
from kubemr_shell.kube.marks import (
    CLEANUP,
    CONTAINER,
    FILES_ANNOTATION,
    FILES_FOLDER,
    MANAGED_BY_LABEL,
    MANAGER,
    REPLICAS_ANNOTATION,
    RETRY_LABEL,
    ROLE_LABEL,
    SPEC_ANNOTATION,
    UID_LABEL,
    WORKER,
)
from kubemr_shell.kube.owners import reference_to_job
from kubemr_shell.kube.resources import (
    BATCH_JOBS,
    CONFIG_MAPS,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
)
from kubemr_shell.operator import restricted
from kubemr_shell.operator.actions import Create
from kubemr_shell.operator.cleanup_template import cleanup_template
from kubemr_shell.operator.merge import merged
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.output_owner import owner_name
from kubemr_shell.operator.rights import job_rules
from kubemr_shell.operator.spec_changes import noted_spec

Manifest = dict[str, Any]
"""A Kubernetes object for ``create``, as it is in JSON."""

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
"""The label by which Kueue admits a batch Job to a queue."""
COMMAND = ["/opt/kubemr/tini", "-s", "--", "/opt/kubemr/kubemr-shell"]
"""The start of a worker. tini reaps the processes that commands leave behind."""
SCRATCH = "/scratch"
"""The folder of a pod for run files and other temporary data."""
S3_KEYS = "/var/run/secrets/kubemr/s3"
"""The folder with the files of the Secret: unlike the variables of a pod, they change when the Secret changes."""
TERMINATION_LOG = "/dev/termination-log"
"""The file whose text Kubernetes copies into the status of a container that has ended."""
RESTARTS_A_WORKER = 6
"""The number of failures after which a worker is not started again."""
HOPELESS = (2, 3, 7, 70)
"""The exit codes after which no new worker helps: wrong arguments, no such job, a missing permission, a bug."""
CLEANUP_SECONDS = 600
"""The active deadline of the pod of a cleanup."""
CLEANUP_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "96Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "384Mi"},
}
"""The resources of the container of a cleanup."""
GRACE_SECONDS = 30
"""The seconds between SIGTERM and SIGKILL for a pod."""
LONGEST_STEM = 40
"""The most characters of a job's name in derived names, which must stay under the 63 characters of a label."""


def account_name(job: str) -> str:
    """Return the name of the ServiceAccount, Role and RoleBinding of a job. The admission policy relies on it."""
    return f"kubemr-{job}"


def batch_name(job: str, uid: str, retry: int) -> str:
    """Return the name of the batch Job of the workers. Each retry has a batch Job of its own."""
    return _name_below(job, uid, f"r{retry}") if retry else job


def cleanup_name(job: str, uid: str, *, with_own_image: bool) -> str:
    """Return the name of the batch Job that removes the temporaries."""
    return _name_below(job, uid, CLEANUP if with_own_image else f"{CLEANUP}-2")


def image_of(batch: Mapping[str, Any]) -> str | None:
    """Return the image of our container in the pods of a batch Job."""
    containers = batch["spec"]["template"]["spec"]["containers"]
    return next((str(one["image"]) for one in containers if one["name"] == CONTAINER), None)


def _name_below(job: str, uid: str, purpose: str) -> str:
    """Return a name that contains a part of the uid: without it, ``words-r1`` could be the name of another job."""
    return f"{job[:LONGEST_STEM]}-{uid[:8]}-{purpose}"


def output_owner(seen: Observation, output: str) -> Create:
    """Return the ConfigMap that makes the job the owner of an output. Another job may have it already."""
    return Create(
        resource=CONFIG_MAPS,
        document={
            "metadata": _metadata(seen, owner_name(output)),
            "data": {"output": output, "job": seen.name, "uid": seen.uid},
        },
        contested=True,
    )


def account(seen: Observation) -> list[Create]:
    """Return the account of a job's workers, with the permissions that they need."""
    name = account_name(seen.name)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": seen.namespace}
    metadata = _metadata(seen, name)
    return [
        Create(resource=SERVICE_ACCOUNTS, document={"metadata": metadata}),
        Create(resource=ROLES, document={"metadata": metadata, "rules": job_rules(seen.name)}),
        Create(resource=ROLE_BINDINGS, document={"metadata": metadata, "roleRef": role, "subjects": [subject]}),
    ]


def workers(seen: Observation, options: OperatorOptions, output: str) -> Create:
    """Return the batch Job of the workers. It is Indexed, so that each lost pod is replaced and others may end."""
    spec = seen.pods_spec
    count = spec.replicas or 1
    arguments = [
        *("worker", "--job", seen.name, "--uid", seen.uid, "--namespace", seen.namespace),
        *("--name", "$(KUBEMR_POD)", "--workers", str(count), "--output", literal(output)),
        *("--scratch", SCRATCH, "--termination-log", TERMINATION_LOG),
        *("--lease", f"{options.lease_seconds:g}"),
        *(("--slots", str(spec.slots)) if spec.slots else ()),
    ]
    pod = _pod(seen, options, arguments, options.worker_template, spec.template, role=WORKER)
    labels = dict(seen.job["metadata"].get("labels") or {})
    queue = {QUEUE_LABEL: labels[QUEUE_LABEL]} if QUEUE_LABEL in labels else {}
    retry = seen.view.retry
    labels = {ROLE_LABEL: WORKER, UID_LABEL: seen.uid, RETRY_LABEL: str(retry), **queue}
    metadata = _metadata(seen, batch_name(seen.name, seen.uid, retry), labels=labels)
    metadata["annotations"] = {SPEC_ANNOTATION: noted_spec(seen.job["spec"]), REPLICAS_ANNOTATION: str(count)}
    hopeless = {"operator": "In", "values": list(HOPELESS)}
    return Create(
        resource=BATCH_JOBS,
        document={
            "metadata": metadata,
            "spec": {
                "completionMode": "Indexed",
                "completions": count,
                "parallelism": count,
                "backoffLimitPerIndex": RESTARTS_A_WORKER,
                "podFailurePolicy": {
                    "rules": [
                        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                        {"action": "FailIndex", "onExitCodes": {"containerName": CONTAINER, **hopeless}},
                    ]
                },
                "suspend": spec.suspend or bool(queue),
                "template": pod,
            },
        },
    )


def cleanup(seen: Observation, options: OperatorOptions, output: str, *, with_own_image: bool) -> Create:
    """Return a batch Job that removes the temporaries, with the account and the Secret of the job.

    The pod has the image of the job, which nodes have and which may hold the certificates of the store. Without
    ``with_own_image``, the pod has the image of the operator. ``cleanup_template`` selects the parts of the job's
    template. The deadline counts from the moment when a node starts the pod, so a wait for a quota or a node does not
    shorten it.
    """
    s3 = seen.pods_spec.s3
    arguments = [
        *("cleanup", "--uid", seen.uid, "--output", literal(output)),
        *(("--path-style", s3.path_style) if s3.path_style != "auto" else ()),
        *(("--ca-bundle", literal(s3.ca_bundle)) if s3.ca_bundle else ()),
        *(("--requester-pays",) if s3.requester_pays else ()),
    ]
    templates = (cleanup_template(one, ca_bundle=s3.ca_bundle) for one in (options.worker_template, seen.spec.template))
    pod = _pod(seen, options, arguments, *templates, role=CLEANUP)
    image = {} if with_own_image else {"image": options.image}
    container = {"name": CONTAINER, "resources": CLEANUP_RESOURCES, **image}
    changes = {"spec": {"activeDeadlineSeconds": CLEANUP_SECONDS, "containers": [container]}}
    name = cleanup_name(seen.name, seen.uid, with_own_image=with_own_image)
    return Create(
        resource=BATCH_JOBS,
        document={
            "metadata": _metadata(seen, name, labels={ROLE_LABEL: CLEANUP}),
            "spec": {
                "backoffLimit": 3,
                "template": merged(pod, changes),
            },
        },
    )


def _pod(
    seen: Observation, options: OperatorOptions, arguments: list[str], *templates: Mapping[str, Any], role: str
) -> Manifest:
    """Return our pod with the templates merged over it, one after the other.

    No template can change the labels by which the operator finds the job and the role of a pod.
    """
    labels = {JOB_LABEL: seen.name, UID_LABEL: seen.uid, ROLE_LABEL: role}
    asked: Manifest = _own_pod(seen, options, arguments)
    for template in templates:
        asked = merged(asked, template)
    pod: Manifest = merged(asked, {"metadata": {"labels": labels}})
    return pod


def _own_pod(seen: Observation, options: OperatorOptions, arguments: list[str]) -> Manifest:
    spec = seen.pods_spec
    secret = _secret_of(spec.s3, options)
    container = {
        "name": CONTAINER,
        "image": spec.image or options.image,
        "command": COMMAND,
        "args": arguments,
        "env": _environment(spec.s3, options),
        "envFrom": [{"secretRef": {"name": secret}}] if secret else [],
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "256Mi"},
            "limits": {"memory": "1Gi"},
        },
        "securityContext": restricted.CONTAINER,
        "terminationMessagePath": TERMINATION_LOG,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}, {"name": "tmp", "mountPath": "/tmp"}],
    }
    volumes: list[Manifest] = [{"name": "scratch", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    if secret:
        # Optional here: if the Secret is missing, ``envFrom`` prevents the start with a clearer message.
        volumes.append({"name": "s3-keys", "secret": {"secretName": secret, "optional": True, "defaultMode": 0o440}})
        container["volumeMounts"] = [
            *container["volumeMounts"],
            {"name": "s3-keys", "mountPath": S3_KEYS, "readOnly": True},
        ]
    files = (seen.job["metadata"].get("annotations") or {}).get(FILES_ANNOTATION)
    if files:
        volumes.append({"name": "files", "configMap": {"name": files, "defaultMode": 0o555}})
        container["volumeMounts"] = [
            *container["volumeMounts"],
            {"name": "files", "mountPath": FILES_FOLDER, "readOnly": True},
        ]
    return {
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": account_name(seen.name),
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "securityContext": {**restricted.POD, "fsGroup": restricted.USER},
            "containers": [container],
            "volumes": volumes,
        },
    }


def _secret_of(s3: S3Spec, options: OperatorOptions) -> str | None:
    return s3.secret_name or options.s3_secret


def _environment(s3: S3Spec, options: OperatorOptions) -> list[Manifest]:
    """Return the variables of our container. An older kubemr-shell in the image of a job ignores unknown variables."""
    fields = {"KUBEMR_POD": "metadata.name", "KUBEMR_NAMESPACE": "metadata.namespace"}
    variables: list[Manifest] = [
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
        {"name": "HOME", "value": "/tmp"},
    ]
    settings = {
        "KUBEMR_S3_SECRET": _secret_of(s3, options),
        "KUBEMR_S3_KEYS": S3_KEYS if _secret_of(s3, options) else None,
        "AWS_ENDPOINT_URL_S3": s3.endpoint or options.s3_endpoint,
        "AWS_REGION": s3.region or options.s3_region,
        "KUBEMR_LOG_FORMAT": options.log_format if options.log_format != "text" else None,
    }
    return variables + [{"name": name, "value": literal(value)} for name, value in settings.items() if value]


def _metadata(seen: Observation, name: str, labels: Mapping[str, str] | None = None) -> Manifest:
    owner = {**reference_to_job(seen.name, seen.uid), "controller": True, "blockOwnerDeletion": True}
    return {
        "name": name,
        "namespace": seen.namespace,
        "labels": {JOB_LABEL: seen.name, MANAGED_BY_LABEL: MANAGER, **(labels or {})},
        "ownerReferences": [owner],
    }
