import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest

from kubemr_shell.errors import Forbidden, ObjectNotFound, OutOfSpace, StorageError
from kubemr_shell.storage.interface import Receipt
from kubemr_shell.storage.local import LocalStorage, path_of
from tests.support.runs import unprivileged
from tests.support.waiting import PATIENCE_SECONDS

storage = LocalStorage()

LONGEST = "n" * 255
BYTES = os.fsdecode(bytes(byte for byte in range(1, 256) if byte != ord("/"))[:250])


@pytest.mark.parametrize("name", [LONGEST, BYTES, " %41 #?*[a]\n", "café", ".hidden", "-"])
def test_an_object_may_have_any_name(tmp_path: Path, name: str) -> None:
    uri = f"{tmp_path}/{name}"
    storage.write(uri, b"x")
    assert os.listdir(tmp_path) == [name]
    assert [info.uri for info in storage.list(f"{tmp_path}/")] == [uri]
    assert storage.read(uri) == b"x"
    output = storage.stage(f"{tmp_path}/staged", target=uri + ("" if len(name) == 255 else "2"))
    receipt = output.seal()
    storage.delete(uri)
    storage.publish(receipt)
    assert os.path.exists(receipt.target)


@pytest.mark.parametrize("uri", ["file://host/path", "file://", "file://.", "", "a\0b"])
def test_a_uri_that_names_no_file_is_refused(uri: str) -> None:
    with pytest.raises(StorageError):
        path_of(uri)


def test_a_scheme_may_be_in_capitals() -> None:
    assert path_of("FILE:///a/b") == path_of("file:///a/b") == "/a/b"


def test_relative_paths_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage.write("b", b"")
    storage.make_folder("a/c")
    storage.write("a/c/d", b"")
    assert [info.uri for info in storage.list("a")] == ["a/c/d"]
    assert [info.uri for info in storage.list("b")] == ["b"]


def test_no_write_makes_a_missing_folder(tmp_path: Path) -> None:
    """The end of a job has removed its folder, and a late write must not make the folder again."""
    gone = tmp_path / "gone"
    with pytest.raises(ObjectNotFound, match=f"{gone}/object"):
        storage.write(f"{gone}/object", b"x")
    with pytest.raises(ObjectNotFound, match=f"{gone}/stage/0.0"):
        storage.stage(f"{gone}/stage/0.0", target=f"{gone}/part-00000")
    receipt = storage.stage(f"{tmp_path}/0.0", target=f"{gone}/part-00000").seal()
    with pytest.raises(StorageError, match=f"{gone}/part-00000: the folder for it is gone"):
        storage.publish(receipt)
    assert os.listdir(tmp_path) == ["0.0"]


def test_a_folder_below_a_file_is_missing_too(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ObjectNotFound):
        storage.write(f"{tmp_path}/file/object", b"x")
    assert list(storage.list(f"{tmp_path}/file/")) == []
    storage.delete(f"{tmp_path}/file/object")


def test_a_refused_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=f"{tmp_path}/folder: Is a directory"):
        storage.write(f"{tmp_path}/folder", b"x")
    assert os.listdir(tmp_path) == ["folder"]


def test_what_the_system_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    too_long = f"{tmp_path}/{'n' * 256}"
    with pytest.raises(StorageError, match=f"{tmp_path}/folder: Is a directory"):
        storage.delete(f"{tmp_path}/folder")
    with pytest.raises(StorageError, match=f"{tmp_path}/folder: Is a directory"):
        storage.read(f"{tmp_path}/folder")
    with pytest.raises(StorageError, match=f"{tmp_path}/n+/?: File name too long"):
        list(storage.list(f"{too_long}/"))
    with pytest.raises(StorageError, match=f"{tmp_path}/n+: File name too long"):
        storage.stage(too_long, target=f"{tmp_path}/part-00000")


def test_what_was_abandoned_cannot_be_sealed(tmp_path: Path) -> None:
    output = storage.stage(f"{tmp_path}/0.0", target=f"{tmp_path}/part-00000")
    output.abandon()
    with pytest.raises(StorageError, match=f"{tmp_path}/0.0: Bad file descriptor"):
        output.seal()


def test_a_write_that_was_killed_is_not_listed(tmp_path: Path) -> None:
    code = """
import os, sys
from kubemr_shell.storage.local import LocalStorage

os.rename = lambda *args: os.kill(os.getpid(), 9)
LocalStorage().write(sys.argv[1] + "/object", b"half")
"""
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    assert len(os.listdir(tmp_path)) == 1
    assert list(storage.list(f"{tmp_path}/")) == []


def test_only_regular_files_are_listed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("folder/file")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "nowhere").symlink_to("missing")
    assert [info.uri for info in storage.list(f"{tmp_path}/")] == [f"{tmp_path}/folder/file", f"{tmp_path}/link"]


def test_a_full_disk_is_named_with_the_bytes_that_found_no_room(tmp_path: Path) -> None:
    output = storage.stage(f"{tmp_path}/0.0", target=f"{tmp_path}/part-00000")
    descriptor = output.fileno()
    assert descriptor is not None
    with open("/dev/full", "r+b", buffering=0) as full:
        os.dup2(full.fileno(), descriptor, inheritable=False)
    with pytest.raises(OutOfSpace, match=f"{tmp_path}/0.0: No space left on device, 7000 bytes were still"):
        output.write(b"x" * 7000)
    output.abandon()
    assert os.listdir(tmp_path) == []


def test_a_folder_without_the_right_to_write_is_forbidden() -> None:
    with pytest.raises(Forbidden, match="/sys/kubemr-object: "):
        storage.write("/sys/kubemr-object", b"x")
    with pytest.raises(Forbidden, match="/sys/kubemr-object: "):
        storage.stage("/sys/kubemr-object", target="/sys/part")
    with pytest.raises(Forbidden, match="/sys/kubemr-folder: "):
        storage.make_folder("/sys/kubemr-folder")


def test_a_staged_output_has_a_descriptor_to_splice_to(tmp_path: Path) -> None:
    output = storage.stage(f"{tmp_path}/0.0", target=f"{tmp_path}/part-00000")
    descriptor = output.fileno()
    assert descriptor is not None
    assert not os.get_inheritable(descriptor)
    output.write(b"written\n")
    reader, writer = os.pipe()
    os.write(writer, b"spliced\n")
    assert os.splice(reader, descriptor, 8) == 8
    output.write(b"written again\n")
    receipt = output.seal()
    storage.publish(receipt)
    assert Path(receipt.target).read_bytes() == b"written\nspliced\nwritten again\n"
    assert (receipt.bytes, receipt.records) == (30, 3)
    os.close(reader)
    os.close(writer)


def test_sealing_and_abandoning_close_the_descriptor(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    storage.stage(f"{tmp_path}/0.0", target=f"{tmp_path}/part-00000").seal()
    output = storage.stage(f"{tmp_path}/1.0", target=f"{tmp_path}/part-00001")
    output.abandon()
    assert os.listdir("/proc/self/fd") == before


def test_a_part_is_never_published_over_anything(tmp_path: Path) -> None:
    target = tmp_path / "part-00000"
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo")
    for name in ("theirs", "link", "fifo"):
        receipt = storage.stage(f"{tmp_path}/0.0", target=str(target)).seal()
        os.rename(tmp_path / name, target)
        with pytest.raises(StorageError, match=f"{target}: something that this job did not write"):
            storage.publish(receipt)
        storage.abandon(receipt.staged)
        with pytest.raises(StorageError, match=f"{target}: something that this job did not write"):
            storage.publish(receipt)
        os.rename(target, tmp_path / name)


def test_a_staged_output_on_another_file_system_is_refused(tmp_path: Path) -> None:
    """A copy would not be atomic. The test uses /dev/shm as the second file system."""
    receipt = Receipt(staged=f"{tmp_path}/0.0", target=f"/dev/shm/kubemr-{os.getpid()}", bytes=0, crc32=0, records=0)
    storage.stage(receipt.staged, target=receipt.target).seal()
    with pytest.raises(StorageError, match=f"{receipt.target}: Invalid cross-device link"):
        storage.publish(receipt)
    assert os.path.exists(receipt.staged)
    assert not os.path.exists(receipt.target)


def test_a_tree_is_deleted_though_another_worker_writes_to_it(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for folder in ("journal", "map"):
        storage.make_folder(f"{tree}/{folder}")
    started, fenced = Event(), Event()

    def write() -> None:
        try:
            while True:
                storage.write(f"{tree}/journal/{os.urandom(8).hex()}", b"x")
                started.set()
        except ObjectNotFound:
            fenced.set()

    writer = Thread(target=write)
    writer.start()
    started.wait(PATIENCE_SECONDS)
    storage.delete_tree(str(tree))
    writer.join()
    assert fenced.is_set()
    assert not tree.exists()


def test_two_may_delete_a_tree_at_once(tmp_path: Path) -> None:
    for i in range(30):
        storage.make_folder(f"{tmp_path}/tree/{i}/x")
        storage.write(f"{tmp_path}/tree/{i}/x/object", b"")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(storage.delete_tree, [f"{tmp_path}/tree"] * 3))
    assert os.listdir(tmp_path) == []


def test_a_link_in_a_tree_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to("../kept")
    storage.delete_tree(f"{tmp_path}/tree")
    assert (tmp_path / "kept" / "file").exists()
    (tmp_path / "link").symlink_to("kept")
    for name in ("link", "kept/file"):
        with pytest.raises(StorageError, match=f"{tmp_path}/{name}: not removed, because it is not a folder"):
            storage.delete_tree(f"{tmp_path}/{name}")
    assert (tmp_path / "link" / "file").exists()


def test_what_cannot_be_deleted_is_named_with_its_path(tmp_path: Path) -> None:
    """The system reports only the name of a file deep in a tree; the error has the whole path."""
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "inner" / "file").touch()
    (tmp_path / "tree" / "inner").chmod(0o555)
    code = """
import sys
from kubemr_shell.errors import Forbidden
from kubemr_shell.storage.local import LocalStorage
try:
    LocalStorage().delete_tree(sys.argv[1])
except Forbidden as error:
    print(error)
"""
    done = subprocess.run(
        [*unprivileged(), sys.executable, "-c", code, str(tmp_path / "tree")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(f"{tmp_path}/.kubemr-deleted-tree/inner/file: Permission denied")


def test_a_deletion_that_was_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    code = """
import os, shutil, sys
from kubemr_shell.storage.local import LocalStorage

shutil.rmtree = lambda path, **_: os.kill(os.getpid(), 9)
LocalStorage().delete_tree(sys.argv[1])
"""
    tree = tmp_path / "tree"
    for again in (False, True):  # the second time something was made under the old name since
        storage.make_folder(f"{tree}/folder")
        storage.write(f"{tree}/folder/object", b"x")
        assert subprocess.run([sys.executable, "-c", code, str(tree)], check=False).returncode == -9
        assert os.listdir(tmp_path) == [".kubemr-deleted-tree"]
        assert list(storage.list(f"{tmp_path}/")) == []
        if again:
            storage.make_folder(f"{tree}/folder")
        storage.delete_tree(f"{tree}/")
        assert os.listdir(tmp_path) == []
