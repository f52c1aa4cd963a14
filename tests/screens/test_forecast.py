"""Tests of the forecast: requests by kind, and inputs that one task has to read alone."""

import pytest

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Codec
from kubemr_shell.net.s3_read import PIECE_BYTES
from kubemr_shell.net.s3_requests import DELETE, GET, PUT
from kubemr_shell.screens.forecast import Forecast, Requests, RunShape, cost, forecast

MB = 1 << 20


def item(uri: str, size: int | None, codec: Codec = "none", *, splittable: bool | None = None) -> InputObject:
    can_be_cut = codec == "none" if splittable is None else splittable
    return InputObject(uri=uri, size=size, codec=codec, fingerprint="", splittable=can_be_cut)


def foretold(*objects: InputObject, partitions: int = 2, output: bool = False, tmp: bool = False) -> Forecast:
    splits = list(plan_splits(objects, split=SplitSpec(), parallelism=2))
    shape = RunShape(
        partitions=partitions, at_once=2, workers=1, read_memory=24 * MB, output_in_s3=output, temporaries_in_s3=tmp
    )
    return forecast(objects, splits, shape, Requests({PUT: 3}))


def test_local_jobs_make_no_requests_but_those_of_the_listing() -> None:
    assert foretold(item("/a", 5), item("/b", 7)).requests == Requests({PUT: 3})


def test_inputs_are_counted_and_summed_as_stored() -> None:
    found = foretold(item("/a", 5), item("http://host/b", None), item("/c.gz", 7, "gzip"))
    assert (found.inputs, found.bytes, found.unknown_sizes) == (3, 12, 1)


def test_the_look_where_the_last_line_of_a_piece_ends_is_no_request_of_its_own() -> None:
    found = foretold(item("s3://bucket/key", 64 * MB))
    assert found.maps == 8
    assert found.largest_split == PIECE_BYTES
    assert found.requests[GET] == 8


def test_an_input_that_cannot_be_cut_is_named_with_the_time_that_it_takes() -> None:
    slow, fast = item("/slow.bz2", 600_000_000, "bzip2"), item("/fast.gz", 600_000_000, "gzip")
    found = foretold(fast, slow, item("/small.gz", 1000, "gzip"), item("/plain", 2000 * MB))
    assert [(alone.item, alone.seconds) for alone in found.unsplittable] == [(slow, 100), (fast, 10)]


@pytest.mark.parametrize("partitions", [1, 5])
def test_every_part_costs_the_same_requests(partitions: int) -> None:
    few = foretold(item("/a", 200 * MB), partitions=partitions, output=True).requests
    more = foretold(item("/a", 200 * MB), partitions=partitions + 10, output=True).requests
    assert more - few == Requests({PUT: 40, GET: 20})


def test_each_map_task_of_a_map_only_job_writes_a_part() -> None:
    one = foretold(item("/a.gz", 90 * MB, "gzip"), partitions=0, output=True).requests
    two = foretold(item("/a.gz", 90 * MB, "gzip"), item("/b.gz", 90 * MB, "gzip"), partitions=0, output=True).requests
    assert two - one == Requests({PUT: 4, GET: 2})


def test_the_shuffle_through_s3_reads_every_cell() -> None:
    few = foretold(item("/a", 800 * MB), partitions=10, tmp=True)
    many = foretold(item("/a", 800 * MB), partitions=20, tmp=True)
    assert many.requests[GET] - few.requests[GET] >= 10 * few.maps


def test_requests_cost_what_their_kind_does() -> None:
    assert cost(Requests({PUT: 2000, GET: 10_000, DELETE: 999}), 0.005, 0.0004) == pytest.approx(0.014)
