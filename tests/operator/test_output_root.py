"""Tests of the outputs of jobs that name none: no two jobs have the same output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import UsageError
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.output_owner import output_of
from kubemr_shell.operator.output_root import check_root, output_below
from tests.operator.observed import job, seen

NAMES = st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,4}", fullmatch=True)
ROOTS = [
    "s3://results",
    "s3://results/",
    "s3://b/{name}/{namespace}/x",
    "s3://team-{namespace}/jobs-{name}",
    "s3://{namespace}",
]


@pytest.mark.parametrize(
    ("root", "output"),
    [
        ("s3://results", "s3://results/here/words"),
        ("s3://results/a/", "s3://results/a/here/words"),
        ("s3://results/{name}", "s3://results/words"),
        ("s3://team-{namespace}", "s3://team-here/words"),
        ("s3://b/{name}/of/{namespace}", "s3://b/words/of/here"),
    ],
)
def test_a_job_without_an_output_writes_where_the_template_says(root: str, output: str) -> None:
    check_root(root)
    assert output_below(root, "here", "words") == output
    without = job(None)
    del without["spec"]["output"]
    assert output_of(seen(without), OperatorOptions(output_root=root)) == output


@pytest.mark.lengthy
@given(st.sampled_from(ROOTS), st.lists(st.tuples(NAMES, NAMES), min_size=2, max_size=2, unique=True))
def test_no_two_jobs_of_a_cluster_get_the_same_output(root: str, jobs: list[tuple[str, str]]) -> None:
    check_root(root)
    outputs = {output_below(root, namespace, name) for namespace, name in jobs}
    assert len(outputs) == len(jobs)
    assert not any(one != other and one.startswith(f"{other}/") for one in outputs for other in outputs)


@pytest.mark.parametrize(
    ("root", "why"),
    [
        ("/data", "must begin with s3://"),
        ("s3://results/{team}/{name}", r"\{team\} is not a known field"),
        ("s3://results/{name", r"\{name is not a known field"),
        ("s3://results/{namespace}-{name}", "two jobs could get the same output"),
        ("s3://results/{name}{namespace}", "two jobs could get the same output"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(root: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check_root(root)
