"""Objects that were made before, in files that any process may read, write, cut short or remove at any time.

Whatever is wrong with a file or the folder, the object is made again: nothing here raises for the state of a disk.
"""

import os
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from typing import final

from graphc.dataclass import dataclass

__all__ = ["Cache", "standard"]

MAGIC = b"graphc object 1\n"
HEAD = struct.Struct("<16s32sQQ")  # magic, sha256 of the rest, bytes of the key, bytes of the payload
SUFFIX, UNFINISHED = ".object", ".unfinished"
ABANDONED = 3600.0  # seconds after which nobody finishes a file any more
LIMIT = 256 << 20  # bytes
LOOKS = 32  # how often the size is looked at while as much as the limit is written
KEPT = 0.75  # of the limit remains when old files are removed


@final
@dataclass(frozen=True)
class Cache:
    """A folder of objects; None keeps nothing.

    limit   bytes: when there are more, the files go that were used longest ago
    """

    folder: Path | None
    limit: int = LIMIT

    def get(self, key: bytes) -> bytes | None:
        """What was put under `key`; None if it was not, or is not whole, or is not ours.  Such a file is removed."""
        if self.folder is None:
            return None
        path = self._path(key)
        try:
            with path.open("rb") as file:
                payload = _payload(file.read(), key) if _is_ours(os.fstat(file.fileno())) else None
        except OSError:  # not there, or not to be read
            return None
        with suppress(OSError):  # another process removed it, or nobody may write here
            if payload is None:
                path.unlink()
            else:
                os.utime(path)  # it was used now
        return payload

    def put(self, key: bytes, payload: bytes) -> None:
        """Keep `payload` under `key`, if there is room for it and a folder to write to."""
        if self.folder is None or len(payload) > self.limit:
            return
        path = self._path(key)
        unfinished = path.with_name(f"{path.stem}.{os.getpid()}.{get_ident()}{UNFINISHED}")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_content(key, payload))
            unfinished.replace(path)  # readers see the old file or the new one, whole
        except OSError:  # a full disk, a folder that is read only, a file in its place
            _remove(unfinished)
            return
        if _falls_due(path.stem, len(payload), self.limit):
            self.shrink()

    def shrink(self) -> None:
        """Remove what was used longest ago if there is more than the limit, and what was never finished."""
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total <= self.limit:
            return
        for _, size, path in files:
            if total <= self.limit * KEPT:
                break
            _remove(path)
            total -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Last use, bytes and path of every object; what nobody finished is removed on the way."""
        if self.folder is None:
            return
        now = time.time()
        try:
            names = os.listdir(self.folder)
        except OSError:  # it is not there, or not to be read
            return
        for path in map(self.folder.joinpath, names):
            with suppress(OSError):  # another process removed it
                state = path.stat()
                if path.suffix == SUFFIX:
                    yield state.st_mtime, state.st_size, path
                elif path.suffix == UNFINISHED and now - state.st_mtime > ABANDONED:
                    path.unlink()

    def _path(self, key: bytes) -> Path:
        assert self.folder is not None
        return self.folder / f"{_digest(key).hex()}{SUFFIX}"


def standard() -> Cache:
    """That of the user: $GRAPHC_CACHE, which may say `off`, or the folder where the platform keeps such files."""
    return Cache(_folder(os.environ, sys.platform))


def _folder(environment: Mapping[str, str], platform: str) -> Path | None:
    named = environment.get("GRAPHC_CACHE", "")
    if named == "off":
        return None
    try:
        if named:
            return Path(named).expanduser()
        match platform:
            case "win32":
                local = environment.get("LOCALAPPDATA")
                return (Path(local) if local else Path.home() / "AppData" / "Local") / "graphc" / "cache"
            case "darwin":
                return Path.home() / "Library" / "Caches" / "graphc"
            case _:
                base = environment.get("XDG_CACHE_HOME", "")
                return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "graphc"
    except RuntimeError:  # this user has no home
        return None


def _content(key: bytes, payload: bytes) -> bytes:
    rest = struct.pack("<QQ", len(key), len(payload)) + key + payload
    return HEAD.pack(MAGIC, _digest(rest), len(key), len(payload)) + key + payload


def _payload(content: bytes, key: bytes) -> bytes | None:
    """What a file holds, if it is whole and holds it under this key."""
    if len(content) < HEAD.size:
        return None
    magic, digest, keyed, length = HEAD.unpack_from(content)
    start = HEAD.size + keyed
    if magic != MAGIC or len(content) != start + length or content[HEAD.size : start] != key:
        return None
    return content[start:] if _digest(content[HEAD.size - 16 :]) == digest else None


def _digest(text: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(text).digest()


def _is_ours(state: os.stat_result) -> bool:
    """Whether nobody else could have written it: what a file holds will be run."""
    return not hasattr(os, "geteuid") or (state.st_uid == os.geteuid() and not state.st_mode & 0o022)


def _falls_due(digest: str, written: int, limit: int) -> bool:
    """True for such a part of all digests that the size is looked at LOOKS times for each `limit` bytes."""
    return int(digest[:8], 16) * limit < written * LOOKS << 32


def _remove(path: Path) -> None:
    with suppress(OSError):  # it is gone, or stays
        path.unlink()
