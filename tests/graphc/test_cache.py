"""A cache of objects that any process may read, write, cut short or remove at any time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from graphc import cache as module
from graphc.cache import Cache

KEY, PAYLOAD = b"key", bytes(range(256)) * 10


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_put_is_found(tmp_path: Path) -> None:
    Cache(tmp_path / "a" / "b").put(KEY, PAYLOAD)
    assert Cache(tmp_path / "a" / "b").get(KEY) == PAYLOAD
    assert Cache(tmp_path / "a" / "b").get(b"other") is None


def test_what_is_put_again_replaces_the_old(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, b"old")
    cache.put(KEY, b"")
    assert cache.get(KEY) == b""


@pytest.mark.parametrize("length", [0, 7, 63, 64, 70, -1])
def test_a_file_cut_short_is_removed(tmp_path: Path, length: int) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, PAYLOAD)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    assert cache.get(KEY) is None
    assert not path.exists()


def test_a_flipped_bit_anywhere_is_noticed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, PAYLOAD)
    path = only_file(tmp_path)
    whole = path.read_bytes()
    for place in [*range(80), *range(80, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert cache.get(KEY) is None, place
        assert not path.exists()


def test_a_file_of_another_key_is_removed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, PAYLOAD)
    path = only_file(tmp_path)
    cache.put(b"other", PAYLOAD)
    (other,) = set(tmp_path.iterdir()) - {path}
    other.replace(path)
    assert cache.get(KEY) is None
    assert not path.exists()


def test_a_file_that_others_may_write_is_not_trusted(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, PAYLOAD)
    only_file(tmp_path).chmod(0o666)
    assert cache.get(KEY) is None


def test_the_oldest_used_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=10 * 2700)
    keys = [b"%d" % number for number in range(10)]
    for number, key in enumerate(keys):
        Cache(tmp_path).put(key, PAYLOAD)
        os.utime(cache._path(key), (number, number))
    assert cache.get(b"0") is not None  # used now
    cache.put(b"10", PAYLOAD)
    kept = [key for key in [*keys, b"10"] if cache.get(key) is not None]
    assert kept == [b"0", *keys[-5:], b"10"]


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=100)
    cache.put(KEY, PAYLOAD)
    assert cache.get(KEY) is None


def test_what_nobody_finished_is_removed_after_a_while(tmp_path: Path) -> None:
    old, new = tmp_path / "old.unfinished", tmp_path / "new.unfinished"
    for path in (old, new):
        path.write_bytes(b"part")
    os.utime(old, (0, 0))
    Cache(tmp_path).shrink()
    assert not old.exists()
    assert new.exists()


def test_a_file_in_place_of_the_folder_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        cache = Cache(folder)
        cache.put(KEY, PAYLOAD)
        assert cache.get(KEY) is None
        cache.shrink()


def test_a_folder_that_is_read_only_does_no_harm(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, PAYLOAD)
    tmp_path.chmod(0o500)
    try:
        assert cache.get(KEY) == PAYLOAD
        cache.put(b"other", PAYLOAD)
        cache.shrink()
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the full disk of Linux")
def test_a_full_disk_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open
    monkeypatch.setattr(os, "open", lambda name, *how: (opened(name, *how), opened("/dev/full", os.O_WRONLY))[1])
    Cache(tmp_path).put(KEY, PAYLOAD)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_no_folder_keeps_nothing() -> None:
    Cache(None).put(KEY, PAYLOAD)
    Cache(None).shrink()
    assert Cache(None).get(KEY) is None


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"GRAPHC_CACHE": "off"}, "linux", None),
        ({"GRAPHC_CACHE": "~/x"}, "linux", Path.home() / "x"),
        ({}, "linux", Path.home() / ".cache/graphc"),
        ({"XDG_CACHE_HOME": "/dev/c"}, "linux", Path("/dev/c/graphc")),
        ({"XDG_CACHE_HOME": "relative"}, "linux", Path.home() / ".cache/graphc"),
        ({}, "darwin", Path.home() / "Library/Caches/graphc"),
        ({"LOCALAPPDATA": "/dev/l"}, "win32", Path("/dev/l/graphc/cache")),
    ],
)
def test_the_folder_is_where_the_platform_keeps_such_files(
    environment: dict[str, str], platform: str, folder: Path | None
) -> None:
    assert module._folder(environment, platform) == folder


# One of many processes: reads and writes the same few keys, and damages files.
USER = """
import os, sys
from pathlib import Path
from random import Random
from graphc.cache import Cache

folder, seed, turns = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance, cache, found = Random(seed), Cache(folder, limit=200_000), 0
for _ in range(turns):
    number = chance.randrange(12)
    key, payload = b"key %d" % number, bytes([number]) * (number * 3000)
    match chance.randrange(8):
        case 0 | 1 | 2:
            cache.put(key, payload)
        case 3:
            try:
                with cache._path(key).open("r+b") as file:
                    file.seek(chance.randrange(1 + number * 3000))
                    file.write(b"!" * chance.randrange(3))
            except OSError:
                pass
        case 4:
            try:
                os.truncate(cache._path(key), chance.randrange(100))
            except OSError:
                pass
        case _:
            got = cache.get(key)
            assert got is None or got == payload
            found += got is not None
print(found)
"""


def stress(folder: Path, processes: int, turns: int, killed: int) -> int:
    """Run many users of one folder and kill some.  Returns how often the others found what they asked for."""
    command = [sys.executable, "-c", USER, str(folder)]
    users = [
        subprocess.Popen([*command, str(seed), str(turns)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed in range(processes)
    ]
    chance = np.random.default_rng(0)
    for user in users[:killed]:
        time.sleep(chance.uniform(0.05, 0.3))
        user.send_signal(signal.SIGKILL)
    found = 0
    for number, user in enumerate(users):
        printed, problem = user.communicate()
        if number >= killed:
            assert user.returncode == 0, problem
            found += int(printed)
    return found


def test_processes_share_a_folder_and_some_are_killed(tmp_path: Path) -> None:
    assert stress(tmp_path, processes=8, turns=400, killed=3) > 0


@pytest.mark.full
def test_many_processes_share_a_folder_for_long(tmp_path: Path) -> None:
    assert stress(tmp_path, processes=32, turns=2000, killed=12) > 0
