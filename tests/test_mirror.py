"""Tests that the tests mirror the source: the path of a module tells the path of its tests, and the other way round."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "kubemr_shell"
PARTS = {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists()}
SUBJECTS = {
    str(path.relative_to(SOURCE).with_suffix("")): path
    for path in SOURCE.rglob("*.py")
    if not path.stem.startswith("_")
}
"""The modules by their names below the package: ``board/writer``."""
FILES = sorted(path for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] in PARTS)
LARGE_LINES = 100
"""A module with at least this number of lines has tests of its own, or is in ``TESTED_BY``."""

WHOLE_PARTS = {
    "board": {"protocol", "refused_workers", "set_back"},
    "cli": {"documented_commands", "loaded_modules", "streams"},
    "client": {"one_spec", "pods", "submit", "unreachable"},
    "command": {"time_outs"},
    "engine": {"engine", "full_disk", "memory", "resources", "stub"},
    "inputs": {"s3_records"},
    "job": {"imports"},
    "local_run": {"spec_of_the_plan"},
    "net": {"s3_credentials"},
    "operator": {
        *{"deadline", "deleted_jobs", "deleted_namespaces", "events", "hostile_status", "ignored_changes", "in_pods"},
        *{"operations_page", "other_protocol", "queues", "removal", "removed_shards", "taken_names"},
    },
}
"""The files that test how the modules of a part work together. Each file says which behaviour it tests."""

TESTED_BY = {
    "board/job_board": "board/test_board.py",
    "board/job_roles": "board/test_board.py",
    "board/shard_board": "board/test_board.py",
    "cli/job_options": "cli/test_run.py",
    "cli/worker": "operator/test_log.py",
    "cli/yaml_file": "cli/test_validate.py",
    "client/following": "client/test_submit.py",
    "client/jobs": "client/test_unreachable.py",
    "client/submission": "client/test_submit.py",
    "engine/reference/scratch": "engine/test_full_disk.py",
    "inputs/blocks/piece_feed": "properties/test_blocks.py",
    "inputs/csv_cutter": "properties/test_records.py",
    "inputs/record_splits": "properties/test_record_limit.py",
    "inputs/records/cuts": "properties/test_record_limit.py",
    "inputs/records/boundaries": "properties/test_records.py",
    "inputs/records/scanners": "properties/test_records.py",
    "inputs/codecs": "inputs/test_compression.py",
    "inputs/file_feed": "inputs/test_feed.py",
    "inputs/members": "inputs/test_unpacking.py",
    "job/containers": "job/test_schema.py",
    "job/report": "job/test_validate.py",
    "job/shape": "job/test_schema.py",
    "job/texts": "job/test_schema.py",
    "local_run/debug": "scenarios/test_usage.py",
    "local_run/run": "cli/test_run.py",
    "local_run/supervisor": "scenarios/test_killed_workers.py",
    "net/s3_look_up": "inputs/test_s3_listing.py",
    "operator/uninstalling": "operator/test_uninstall.py",
    "outputs/output": "scenarios/test_outputs.py",
    "outputs/prefix_output": "scenarios/test_s3_outputs.py",
    "pod/pod_worker": "scenarios/test_cluster_jobs.py",
    "screens/plan": "cli/test_plan.py",
    "streams": "cli/test_streams.py",
    "worker/commands": "scenarios/test_failures.py",
    "worker/map_task": "protocol/test_vectors.py",
    "worker/reduce_task": "protocol/test_vectors.py",
    "worker/worker": "scenarios/test_killed_workers.py",
}
"""Large modules that no test imports, each with the tests that reach it through a command or another module."""


def _name(path: Path) -> str:
    return str(path.relative_to(TESTS))


def _subjects(path: Path) -> set[str]:
    """Return the modules that a test file may test: ``inputs/test_http_answers.py`` tests ``inputs/http``.

    The engine is tested twice with the same tests: as C++ and as ``engine/reference``.
    """
    folder = str(path.parent.relative_to(TESTS))
    words = path.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    folders = [folder, f"{folder}/reference"] if folder == "engine" else [folder]
    return SUBJECTS.keys() & {f"{one}/{name}" for one in folders for name in names}


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_the_name_of_a_file_of_tests_begins_with_its_subject(path: Path) -> None:
    is_of_whole_part = path.stem.removeprefix("test_") in WHOLE_PARTS.get(path.relative_to(TESTS).parts[0], ())
    assert bool(_subjects(path)) != is_of_whole_part, "name it for its module, or add it to WHOLE_PARTS"


def test_every_large_module_has_tests_that_name_it_or_is_reached_by_tests_that_are_listed() -> None:
    imported: set[str] = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    named = {subject for path in FILES for subject in _subjects(path)}
    named |= {name for name in SUBJECTS if f"kubemr_shell.{name.replace('/', '.')}" in imported}
    large = {name for name, path in SUBJECTS.items() if len(path.read_text().splitlines()) >= LARGE_LINES}
    assert large - named - TESTED_BY.keys() == set(), "write tests, or name in TESTED_BY the tests that reach it"
    assert TESTED_BY.keys() - SUBJECTS.keys() == set()
    assert [path for path in TESTED_BY.values() if not (TESTS / path).exists()] == []
