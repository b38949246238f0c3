"""Writing: a file is old or new in full, whatever happens, and keeps all but its bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.delivery import write
from ssot_fix.delivery.write import TEMPORARY_SUFFIX, WriteError, write_all, write_result
from ssot_fix.edits import Applicability, Edit, FileResult, Finding, Status, apply_edits

OLD = b"import os\nA = os.getenv('A')\n"
NEW = b"import os\nA = get_env().get('A')\n"
EDITS = (Edit(14, 23, b"get_env().get"),)
REPOSITORY = Path(__file__).resolve().parent.parent

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX modes, owners, devices")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="extended attributes, mount namespaces")


def result_for(path: str, data: bytes = OLD, edits: tuple[Edit, ...] = EDITS, **more: Any) -> FileResult:
    return FileResult(path, edits=edits, digest=hashlib.sha256(data).digest(), **more)


def finding(path: str = "m.py", status: Status = Status.REWRITTEN, reason: str | None = None) -> Finding:
    return Finding(
        codemod="isolated-environment",
        path=path,
        line=2,
        column=5,
        end_line=2,
        end_column=19,
        kind="getenv",
        status=status,
        applicability=Applicability.SAFE,
        reason=reason,
        message="reads the environment",
        replacement="get_env().get('A')" if status is Status.REWRITTEN else None,
        scope="production",
    )


@pytest.fixture(params=["by-descriptor", "by-path"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of naming a file: the second one is what Windows has, and works everywhere."""
    if request.param == "by-path":
        monkeypatch.setattr(write, "_BY_DESCRIPTOR", False)
    elif not write._BY_DESCRIPTOR:
        pytest.skip("no calls relative to an open folder here")


@pytest.fixture
def root() -> Iterator[Path]:
    """A project that other users can reach (pytest's own folders are closed to them)."""
    folder = Path(tempfile.mkdtemp(prefix="ssot-fix-write-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def unprivileged(*owned: Path) -> Iterator[None]:
    """Be nobody for a while, owner of these paths, where the tests run as root, to whom all is permitted."""
    if os.name != "posix" or os.geteuid() != 0:
        yield
        return
    for path in owned:
        os.chown(path, 65534, 65534)
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@contextlib.contextmanager
def right_after(function: Callable[..., Any], action: Callable[[], Any]) -> Iterator[None]:
    """Do something once, the first time that write.py comes back from a built-in function."""

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_return" and argument is function and frame.f_code.co_filename == write.__file__:
            sys.setprofile(None)
            done.append(action())

    done: list[object] = []
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)
    assert done, f"{function} was never called"


def temporaries(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.endswith(TEMPORARY_SUFFIX)]


def untouched(path: Path, root: Path, *, data: bytes = OLD) -> bool:
    return path.read_bytes() == data and not temporaries(root)


def refuse(root: Path, name: str, *words: str, data: bytes = OLD) -> None:
    """Writing is refused with a message that names the file and holds these words."""
    with pytest.raises(WriteError) as caught:
        write_result(root, result_for(name, data))
    message = str(caught.value)
    assert message.startswith(f"{name} ")
    assert "; " in message, "no way out named"
    for word in words:
        assert word in message


# What is written


@pytest.mark.usefixtures("ways")
def test_writes_the_edits_and_leaves_nothing_else(root: Path) -> None:
    (root / "pkg").mkdir()
    (root / "pkg/m.py").write_bytes(OLD)
    write_result(root, result_for("pkg/m.py"))
    assert (root / "pkg/m.py").read_bytes() == NEW
    assert sorted(path.name for path in root.rglob("*")) == ["m.py", "pkg"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbfX = 1\r\nY = 2\r\n", b"\xef\xbb\xbfZ = 1\r\nY = 2\r\n"),
        (b"X = 1\nY = 2\r\nW = 3\rV\x0c = \xe2\x80\xa8", b"Z = 1\nY = 2\r\nW = 3\rV\x0c = \xe2\x80\xa8"),
        (b"X = '\xe4'  # coding: latin-1", b"Z = '\xe4'  # coding: latin-1"),
        (b"X\x00\x1a", b"Z\x00\x1a"),
    ],
    ids=["bom-crlf", "mixed-newlines", "latin-1-no-final-newline", "nul-and-ctrl-z"],
)
@pytest.mark.usefixtures("ways")
def test_all_other_bytes_stay(root: Path, before: bytes, after: bytes) -> None:
    (root / "m.py").write_bytes(before)
    place = before.index(b"X")
    write_result(root, result_for("m.py", before, (Edit(place, place + 1, b"Z"),)))
    assert (root / "m.py").read_bytes() == after


@st.composite
def data_and_edits(draw: st.DrawFn) -> tuple[bytes, tuple[Edit, ...]]:
    data = draw(st.binary(max_size=200))
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=8)))
    spans = zip(cuts[::2], cuts[1::2], strict=False)
    return data, tuple(Edit(start, end, draw(st.binary(max_size=20))) for start, end in spans)


@given(data_and_edits())
def test_writes_what_apply_edits_says(case: tuple[bytes, tuple[Edit, ...]]) -> None:
    data, edits = case
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.py").write_bytes(data)
        write_result(Path(folder), result_for("m.py", data, edits))
        assert (Path(folder) / "m.py").read_bytes() == apply_edits(data, edits)
        assert os.listdir(folder) == ["m.py"]  # noqa: PTH208


def test_a_large_file_is_written_in_full(root: Path) -> None:
    data = b"x = 1\n" * 900_000
    (root / "m.py").write_bytes(data)
    write_result(root, result_for("m.py", data, (Edit(0, 1, b"y"),)))
    assert (root / "m.py").read_bytes() == b"y" + data[1:]


def test_edits_that_change_nothing_write_nothing(root: Path) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    before = path.stat()
    write_result(root, result_for("m.py", edits=(Edit(0, 6, b"import"),)))
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("name", ["\ue000.py", "mit Leerzeichen.py", "x" * 252 + ".py"])
def test_unusual_names(root: Path, name: str) -> None:
    (root / name).write_bytes(OLD)
    write_result(root, result_for(name))
    assert (root / name).read_bytes() == NEW


@linux_only
def test_a_name_that_is_no_utf_8(root: Path) -> None:
    path = os.fsencode(root) + b"/caf\xe9.py"
    with open(path, "wb") as stream:  # noqa: PTH123
        stream.write(OLD)
    write_result(root, result_for("caf\udce9.py"))
    assert Path(os.fsdecode(path)).read_bytes() == NEW


def test_a_relative_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "m.py").write_bytes(OLD)
    monkeypatch.chdir(root)
    write_result(Path(), result_for("m.py"))
    assert Path("m.py").read_bytes() == NEW


# What is kept


@posix_only
@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("mode", [0o755, 0o644, 0o600, 0o666, 0o777, 0o4755, 0o200])
def test_mode_is_kept_whatever_the_umask(root: Path, mode: int) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    path.chmod(mode)
    if not os.access(path, os.R_OK):
        pytest.skip("only root can read this one")
    umask = os.umask(0o077)
    try:
        write_result(root, result_for("m.py"))
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == NEW


@posix_only
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give files away")
def test_owner_is_kept_and_with_it_set_user_id(root: Path) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    os.chown(path, 65534, 65533)
    path.chmod(0o6755)
    write_result(root, result_for("m.py"))
    after = path.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (65534, 65533, 0o6755)


@posix_only
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="needs files of two users")
def test_no_grants_where_the_owner_cannot_be_kept(root: Path) -> None:
    """A colleague's file that all may write: it becomes ours, but hands our rights to nobody."""
    path = root / "m.py"
    path.write_bytes(OLD)
    path.chmod(0o6676)
    with unprivileged(root):
        write_result(root, result_for("m.py"))
    after = path.stat()
    assert path.read_bytes() == NEW
    assert (after.st_uid, after.st_gid) == (65534, 65534)
    assert stat.S_IMODE(after.st_mode) == 0o666


@linux_only
@pytest.mark.usefixtures("ways")
def test_extended_attributes_are_kept(root: Path) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    try:
        os.setxattr(path, "user.ssot", b"kept")
    except OSError:
        pytest.skip("no extended attributes on this file system")
    write_result(root, result_for("m.py"))
    assert path.read_bytes() == NEW
    assert os.getxattr(path, "user.ssot") == b"kept"


def acl(*entries: tuple[int, int, int]) -> bytes:
    """A POSIX ACL as the kernel stores it (linux/posix_acl_xattr.h): tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NO_ID = 0xFFFFFFFF
ACL_FOR_1234 = acl((1, 6, NO_ID), (2, 6, 1234), (4, 4, NO_ID), (16, 6, NO_ID), (32, 4, NO_ID))


@linux_only
def test_an_acl_is_kept(root: Path) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    try:
        os.setxattr(path, "system.posix_acl_access", ACL_FOR_1234)
    except OSError:
        pytest.skip("no ACLs on this file system")
    mode = path.stat().st_mode
    write_result(root, result_for("m.py"))
    assert os.getxattr(path, "system.posix_acl_access") == ACL_FOR_1234
    assert path.stat().st_mode == mode


@linux_only
def test_a_folders_default_acl_grants_nothing_new(root: Path) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    path.chmod(0o664)
    try:
        os.setxattr(root, "system.posix_acl_default", ACL_FOR_1234)
    except OSError:
        pytest.skip("no ACLs on this file system")
    write_result(root, result_for("m.py"))
    assert path.read_bytes() == NEW
    assert os.listxattr(path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


# What is refused


@pytest.mark.usefixtures("ways")
def test_a_file_that_changed_since_it_was_read(root: Path) -> None:
    (root / "m.py").write_bytes(OLD + b"# someone's work\n")
    refuse(root, "m.py", "changed since it was read", "run again")
    assert untouched(root / "m.py", root, data=OLD + b"# someone's work\n")


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("name", ["gone.py", "gone/m.py"])
def test_a_file_that_was_deleted(root: Path, name: str) -> None:
    refuse(root, name, "deleted or moved", "run again")
    assert list(root.iterdir()) == []


def test_a_project_that_was_deleted(root: Path) -> None:
    refuse(root / "gone", "m.py", "deleted or moved")


@pytest.mark.usefixtures("ways")
def test_a_read_only_file(root: Path) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    path.chmod(stat.S_IREAD)
    refuse(root, "m.py", "read-only", "chmod u+w")
    assert untouched(path, root)
    path.chmod(stat.S_IREAD | stat.S_IWRITE)


@posix_only
@pytest.mark.usefixtures("ways")
def test_a_read_only_folder(root: Path) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    with unprivileged(root, path):
        root.chmod(0o555)
        refuse(root, "m.py", "Permission denied", "write permission")
        root.chmod(0o755)
    assert untouched(path, root)


@posix_only
def test_someone_elses_file_in_our_folder(root: Path) -> None:
    """The rename alone would succeed: the right to replace a file is not the right to write it."""
    if os.geteuid() != 0:
        pytest.skip("needs files of two users")
    path = root / "m.py"
    path.write_bytes(OLD)
    path.chmod(0o644)
    with unprivileged(root):
        refuse(root, "m.py", "Permission denied")
    assert untouched(path, root)
    assert path.stat().st_uid == 0


@pytest.mark.usefixtures("ways")
def test_a_hard_link(root: Path) -> None:
    (root / "m.py").write_bytes(OLD)
    os.link(root / "m.py", root / "other.py")
    refuse(root, "m.py", "hard links", "copy")
    assert untouched(root / "m.py", root)
    assert (root / "m.py").samefile(root / "other.py")


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("may not make symbolic links here")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder beside the project, with a module that is none of our business."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.py").write_bytes(OLD)
        yield Path(folder)


@pytest.mark.usefixtures("ways")
def test_a_symbolic_link_out_of_the_project(root: Path, outside: Path) -> None:
    linked(root / "m.py", outside / "m.py")
    refuse(root, "m.py", "symbolic link")
    assert (root / "m.py").is_symlink()
    assert untouched(outside / "m.py", outside)


@pytest.mark.usefixtures("ways")
def test_a_symbolic_link_inside_the_project(root: Path) -> None:
    (root / "real.py").write_bytes(OLD)
    linked(root / "m.py", root / "real.py")
    refuse(root, "m.py", "symbolic link", "the file it points to")
    assert untouched(root / "real.py", root)


@pytest.mark.usefixtures("ways")
def test_a_linked_folder_out_of_the_project(root: Path, outside: Path) -> None:
    linked(root / "pkg", outside)
    refuse(root, "pkg/m.py", "outside the project", str(outside.resolve()))
    assert untouched(outside / "m.py", outside)


@pytest.mark.usefixtures("ways")
def test_a_linked_folder_inside_the_project_is_the_same_file(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real/m.py").write_bytes(OLD)
    linked(root / "pkg", root / "real")
    write_result(root, result_for("pkg/m.py"))
    assert (root / "real/m.py").read_bytes() == NEW
    assert (root / "pkg").is_symlink()


@pytest.mark.usefixtures("ways")
def test_a_project_reached_through_a_link(root: Path, outside: Path) -> None:
    linked(root / "project", outside)
    write_result(root / "project", result_for("m.py"))
    assert (outside / "m.py").read_bytes() == NEW


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("shape", ["{outside}/m.py", "../{name}/m.py", "pkg/../../{name}/m.py"])
def test_a_path_out_of_the_project(root: Path, outside: Path, shape: str) -> None:
    (root / "pkg").mkdir()
    (root / "m.py").write_bytes(OLD)
    name = os.path.relpath(outside, root.parent)
    refuse(root, shape.format(outside=outside, name=Path(name).as_posix()), "outside the project")
    assert untouched(outside / "m.py", outside)


@pytest.mark.parametrize("name", ["", ".", "..", "pkg/..", "pkg"])
def test_a_folder(root: Path, name: str) -> None:
    (root / "pkg").mkdir()
    with pytest.raises(WriteError):
        write_result(root, result_for(name))


@posix_only
def test_links_in_a_circle(root: Path) -> None:
    linked(root / "a", root / "b")
    linked(root / "b", root / "a")
    refuse(root, "a/m.py", "links to itself")


@posix_only
@pytest.mark.usefixtures("ways")
def test_a_pipe_is_refused_and_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "m.py")
    refuse(root, "m.py", "not a regular file")


@posix_only
@pytest.mark.usefixtures("ways")
def test_a_device_is_refused() -> None:
    refuse(Path("/dev"), "null", "not a regular file")


@pytest.mark.parametrize("edits", [(Edit(0, 6, b"x"), Edit(3, 8, b"y")), (Edit(3, 8, b""), Edit(3, 9, b""))])
def test_overlapping_edits(root: Path, edits: tuple[Edit, ...]) -> None:
    (root / "m.py").write_bytes(OLD)
    with pytest.raises(WriteError, match=r"^m\.py was not written: .* overlap; this is a bug in ssot-fix"):
        write_result(root, result_for("m.py", edits=edits))
    assert untouched(root / "m.py", root)


def test_a_name_that_no_file_can_have(root: Path) -> None:
    refuse(root, "m\0.py")


# What happens meanwhile


def change_in_place(path: Path) -> None:
    path.write_bytes(OLD + b"# saved by an editor\n")


def change_behind_the_clock(path: Path) -> None:
    """The same size and the same time of change as before: only the bytes tell."""
    before = path.stat()
    path.write_bytes(OLD.replace(b"A", b"B"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_a_twin(path: Path) -> None:
    """As editors save: another file, here with the same bytes."""
    twin = path.with_name("twin")
    twin.write_bytes(OLD)
    twin.replace(path)


def make_executable(path: Path) -> None:
    path.chmod(0o755)


def make_a_link(path: Path) -> None:
    os.link(path, path.with_name("second.py"))


def make_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@posix_only
@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize(
    "meddle",
    [
        change_in_place,
        change_behind_the_clock,
        replace_by_a_twin,
        make_executable,
        make_a_link,
        make_a_pipe,
        Path.unlink,
    ],
)
@pytest.mark.parametrize("moment", [os.fsync, os.write], ids=["after-fsync", "after-write"])
def test_what_someone_does_while_the_new_file_is_written_stays(
    root: Path, meddle: Callable[[Path], None], moment: Callable[..., Any]
) -> None:
    path = root / "m.py"
    path.write_bytes(OLD)
    seen: list[os.stat_result] = []

    def act() -> None:
        meddle(path)
        seen.extend(child.lstat() for child in root.iterdir() if child == path)

    with right_after(moment, act):
        refuse(root, "m.py")
    after = [child.lstat() for child in root.iterdir() if child == path]
    assert [(status.st_ino, status.st_mode, status.st_mtime_ns) for status in after] == [
        (status.st_ino, status.st_mode, status.st_mtime_ns) for status in seen
    ]
    assert temporaries(root) == []


@posix_only
@pytest.mark.usefixtures("ways")
def test_a_pipe_that_takes_the_files_place_just_before_it_is_opened(root: Path) -> None:
    (root / "m.py").write_bytes(OLD)
    with right_after(os.stat, lambda: make_a_pipe(root / "m.py")):
        refuse(root, "m.py", "not a regular file")


@posix_only
@pytest.mark.usefixtures("ways")
def test_a_link_that_takes_the_files_place_just_before_it_is_opened(root: Path, outside: Path) -> None:
    (root / "m.py").write_bytes(OLD)

    def swap() -> None:
        (root / "m.py").unlink()
        (root / "m.py").symlink_to(outside / "m.py")

    with right_after(os.stat, swap):
        refuse(root, "m.py")
    assert untouched(outside / "m.py", outside)


@posix_only
@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("moment", [os.open, os.stat, os.write, os.fsync])
def test_a_link_that_takes_a_folders_place_leads_nowhere(
    root: Path, outside: Path, moment: Callable[..., Any]
) -> None:
    """Whenever the swap comes: what lies behind the link is neither written nor littered."""
    (root / "pkg").mkdir()
    (root / "pkg/m.py").write_bytes(OLD)

    def swap() -> None:
        (root / "pkg").rename(root / "moved")
        (root / "pkg").symlink_to(outside)

    with right_after(moment, swap), contextlib.suppress(WriteError):
        write_result(root, result_for("pkg/m.py"))
    assert untouched(outside / "m.py", outside)
    assert (root / "moved/m.py").read_bytes() in (OLD, NEW)


@posix_only
def test_a_link_in_a_folders_place_is_refused_while_the_way_is_walked(root: Path, outside: Path) -> None:
    if not write._BY_DESCRIPTOR:
        pytest.skip("no calls relative to an open folder here")
    (root / "pkg").mkdir()
    (root / "pkg/m.py").write_bytes(OLD)

    def swap() -> None:
        (root / "pkg").rename(root / "moved")
        (root / "pkg").symlink_to(outside)

    with right_after(os.open, swap):
        refuse(root, "pkg/m.py", "a folder on the way to it was replaced")
    assert untouched(root / "moved/m.py", root)


# Interrupts, kills, full disks: what really happens, in real processes


@contextlib.contextmanager
def interrupted_at(step: int) -> Iterator[None]:
    """Ctrl-C at the nth call or return of a built-in function in write.py."""
    count = 0

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        if event in ("c_call", "c_return") and frame.f_code.co_filename == write.__file__:
            count += 1
            if count == step:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)

    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.usefixtures("ways")
def test_ctrl_c_at_every_step(root: Path) -> None:
    path, step, outcomes = root / "m.py", 0, []
    while True:
        path.write_bytes(OLD)
        step += 1
        try:
            with interrupted_at(step):
                write_result(root, result_for("m.py"))
        except KeyboardInterrupt:
            outcomes.append(path.read_bytes())
            assert temporaries(root) == []
        else:
            break
    assert len(outcomes) > 30
    assert set(outcomes) == {OLD, NEW}


def test_exit_removes_the_temporary(root: Path) -> None:
    (root / "m.py").write_bytes(OLD)
    with pytest.raises(SystemExit), right_after(os.write, sys.exit):
        write_result(root, result_for("m.py"))
    assert untouched(root / "m.py", root)


# Run in a child process: writes every file below argv[1]. With two more numbers, a seed and a count of steps,
# it kills itself, as SIGKILL does, at one of that many steps; without them it prints how many there were.
CHILD = """
import hashlib, os, random, signal, sys
from pathlib import Path
from ssot_fix.delivery import write
from ssot_fix.edits import Edit, FileResult

root = Path(sys.argv[1])
results = []
for path in sorted(root.rglob("*.py")):
    data = path.read_bytes()
    if b"os.getenv" in data:
        place = data.index(b"os.getenv")
        edits = (Edit(place, place + 9, b"get_env().get"),)
        name, digest = path.relative_to(root).as_posix(), hashlib.sha256(data).digest()
        results.append(FileResult(name, edits=edits, digest=digest))
last = random.Random(int(sys.argv[2])).randrange(1, int(sys.argv[3])) if sys.argv[2:] else None
count = 0

def watch(frame, event, argument):
    global count
    if event in ("c_call", "c_return") and frame.f_code.co_filename == write.__file__:
        count += 1
        if count == last:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

sys.setprofile(watch)
written = write.write_all(root, results, is_dirty=None)
sys.setprofile(None)
print(count)
sys.exit(any(result.error for result in written))
"""


def run_child(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)


def make_tree(root: Path) -> dict[Path, bytes]:
    """24 files of several sizes, each with what it holds before."""
    tree = {}
    for number in range(24):
        path = root / f"package_{number % 3}" / f"module_{number}.py"
        path.parent.mkdir(exist_ok=True)
        tree[path] = b"# \xc3\xa4\r\n" * (number**3) + OLD
        path.write_bytes(tree[path])
    return tree


def how_far(tree: dict[Path, bytes]) -> int:
    """How many files are new; the others must be old, in full."""
    states = [(path.read_bytes(), old) for path, old in tree.items()]
    assert all(now in (old, old[: -len(OLD)] + NEW) for now, old in states)
    return sum(now != old for now, old in states)


def test_a_killed_run_leaves_every_file_old_or_new_and_can_be_run_again(root: Path) -> None:
    steps = int(run_child_on_new_tree(root / "count").stdout)
    progress, leftovers = set(), 0
    for seed in random.Random(20250908).sample(range(10_000), 36):
        project = root / str(seed)
        project.mkdir()
        tree = make_tree(project)
        killed = run_child(project, seed, steps)
        assert killed.returncode == -signal.SIGKILL if os.name == "posix" else killed.returncode != 0
        progress.add(how_far(tree))
        leftovers += len(temporaries(project))
        others = {path for path in project.rglob("*") if path.is_file()} - tree.keys()
        assert others == set(temporaries(project)), "a leftover that can't be recognised"
        assert all(path.suffix != ".py" for path in others), "a leftover that Python tools would pick up"
        assert run_child(project).returncode == 0
        assert how_far(tree) == len(tree)
    assert len(progress) > 10, "the kills must be spread over the run"
    assert leftovers > 5, "some kills must come between creating a temporary and renaming it"


def run_child_on_new_tree(project: Path) -> subprocess.CompletedProcess[str]:
    project.mkdir()
    tree = make_tree(project)
    finished = run_child(project)
    assert finished.returncode == 0, finished.stderr
    assert how_far(tree) == len(tree)
    return finished


@posix_only
@pytest.mark.usefixtures("ways")
def test_a_limit_for_the_size_of_files(root: Path) -> None:
    """EFBIG after a part of the bytes was written: the kernel's own behaviour (setrlimit(2))."""
    import resource

    data = OLD * 400
    (root / "m.py").write_bytes(data)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        refuse(root, "m.py", "File too large", "ulimit -f", data=data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert untouched(root / "m.py", root, data=data)


def in_own_mounts(script: str) -> str:
    """Run a shell script where what it mounts is seen by nobody else and gone with it; its stdout."""
    private = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    try:
        subprocess.run([*private, "mount -t tmpfs none /mnt"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount here")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHON": sys.executable}
    done = subprocess.run([*private, script], env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


WRITE_IN_MNT = """
"$PYTHON" - <<'END'
import hashlib
from pathlib import Path
from ssot_fix.delivery.write import write_all
from ssot_fix.edits import Edit, FileResult

paths = sorted(path.name for path in Path("/mnt").glob("*.py"))
old = {path: Path("/mnt", path).read_bytes() for path in paths}
results = [FileResult(p, (), (Edit(0, 1, b"XY"),), hashlib.sha256(old[p]).digest()) for p in paths]
for result in write_all(Path("/mnt"), results, is_dirty=None):
    now = Path("/mnt", result.path).read_bytes()
    state = {old[result.path]: "old", b"XY" + old[result.path][1:]: "new"}.get(now, "torn")
    print(state, result.error)
print(sorted(path.name for path in Path("/mnt").iterdir()))
END
"""


@linux_only
def test_a_full_disk() -> None:
    """a.py doesn't fit a second time, b.py does: one failure doesn't stop the other."""
    fill = "head -c 200000 /dev/zero > /mnt/a.py; printf 'x = 1' > /mnt/b.py;"
    output = in_own_mounts(f"mount -t tmpfs -o size=300k none /mnt; {fill} {WRITE_IN_MNT}")
    assert output.splitlines() == [
        "old a.py was not written: No space left on device; free some space there and run again",
        "new None",
        "['a.py', 'b.py']",
    ]


@linux_only
def test_a_read_only_file_system() -> None:
    make = "mount -t tmpfs none /mnt; printf 'x = 1' > /mnt/a.py; mount -o remount,bind,ro /mnt;"
    assert in_own_mounts(f"{make} {WRITE_IN_MNT}").splitlines() == [
        "old a.py was not written: Read-only file system; make its file system writable and run again",
        "['a.py']",
    ]


@linux_only
def test_a_file_that_is_a_mount_of_its_own() -> None:
    """As `docker run -v ./m.py:/app/m.py` does: it can be written, but nothing can take its place."""
    make = "mount -t tmpfs none /mnt; printf 'x = 1' > /mnt/a.py; mount --bind /mnt/a.py /mnt/a.py;"
    output = in_own_mounts(f"{make} {WRITE_IN_MNT}").splitlines()
    assert output[0].startswith("old a.py was not written: Device or resource busy; it may be mounted")
    assert output[1] == "['a.py']"


# Many files


def make_files(root: Path, *names: str) -> list[FileResult]:
    for name in names:
        (root / name).write_bytes(OLD)
    return [result_for(name, findings=(finding(name),)) for name in names]


def test_all_are_written_and_come_back_as_they_were(root: Path) -> None:
    results = make_files(root, "c.py", "a.py", "b.py")
    assert write_all(root, results, is_dirty=None) == results
    assert {path.read_bytes() for path in root.iterdir()} == {NEW}


def test_one_failure_never_stops_the_others(root: Path) -> None:
    results = make_files(root, "c.py", "a.py", "b.py")
    (root / "a.py").unlink()
    written = write_all(root, results, is_dirty=None)
    assert [result.path for result in written] == ["c.py", "a.py", "b.py"]
    assert [result.status for result in written] == ["changed", "failed", "changed"]
    assert written[1].error == "a.py was deleted or moved since it was read; run again"
    assert {path.read_bytes() for path in root.iterdir()} == {NEW}


def test_a_failed_files_findings_are_refused(root: Path) -> None:
    others = (finding(status=Status.SUPPRESSED), finding(status=Status.REFUSED, reason="mixed-key"))
    result = result_for("m.py", findings=(finding(), *others), notes=("a note",))
    (failed,) = write_all(root, [result], is_dirty=None)
    assert failed.edits == ()
    assert failed.error is not None
    assert failed.findings[1:] == others
    assert failed.findings[0].status is Status.REFUSED
    assert failed.findings[0].reason == "not-written"
    assert failed.findings[0].message == failed.error
    assert failed.findings[0].replacement is None
    assert (failed.notes, failed.digest) == (result.notes, result.digest)


def test_uncommitted_work_is_never_touched(root: Path) -> None:
    results = make_files(root, "clean.py", "dirty.py")
    written = write_all(root, results, is_dirty=lambda paths: {"dirty.py", "elsewhere.py"})
    assert written[0] == results[0]
    assert written[1].edits == ()
    way_out = "commit or stash them, or use --allow-dirty"
    assert written[1].error == f"dirty.py has uncommitted changes; {way_out}"
    assert [found.reason for found in written[1].findings] == ["uncommitted-changes"]
    assert [found.status for found in written[1].findings] == [Status.REFUSED]
    assert (root / "clean.py").read_bytes() == NEW
    assert (root / "dirty.py").read_bytes() == OLD


def test_asks_once_about_the_files_it_would_write_and_about_no_others(root: Path) -> None:
    results = make_files(root, "a.py", "b.py")
    quiet = FileResult("quiet.py", findings=(finding("quiet.py", Status.SUPPRESSED),))
    unreadable = FileResult("unreadable.py", error="unreadable.py can't be read", edits=EDITS)
    asked: list[list[str]] = []

    def nothing_is_dirty(paths: Any) -> set[str]:
        asked.append(list(paths))
        return set()

    written = write_all(root, [quiet, *results, unreadable], is_dirty=nothing_is_dirty)
    assert asked == [["a.py", "b.py"]]
    assert written == [quiet, *results, unreadable]


def test_does_not_ask_when_there_is_nothing_to_write(root: Path) -> None:
    def must_not_be_asked(paths: Any) -> set[str]:
        raise AssertionError(paths)

    assert write_all(root, [], is_dirty=must_not_be_asked) == []
    assert write_all(root, [FileResult("m.py")], is_dirty=must_not_be_asked) == [FileResult("m.py")]


def test_if_nobody_knows_what_is_dirty_nothing_is_written(root: Path) -> None:
    results = make_files(root, "a.py")

    def git_failed(paths: Any) -> set[str]:
        raise RuntimeError(paths)

    with pytest.raises(RuntimeError):
        write_all(root, results, is_dirty=git_failed)
    assert untouched(root / "a.py", root)


def test_a_file_under_two_names_is_written_once(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real/m.py").write_bytes(OLD)
    linked(root / "pkg", root / "real")
    results = [result_for("pkg/m.py"), result_for("real/m.py")]
    written = write_all(root, results, is_dirty=None)
    assert [result.status for result in written] == ["changed", "failed"]
    assert (root / "real/m.py").read_bytes() == NEW


def test_a_second_run_of_the_same_results_changes_nothing(root: Path) -> None:
    results = make_files(root, "a.py", "b.py")
    write_all(root, results, is_dirty=None)
    again = write_all(root, results, is_dirty=None)
    assert [result.status for result in again] == ["failed", "failed"]
    assert {path.read_bytes() for path in root.iterdir()} == {NEW}
