"""Files in a ZIP whose bytes depend on nothing but their names and contents, named by their hash."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from pathlib import Path


def pack(root: Path, at_s: int) -> bytes:
    """Every file below a directory, sorted by name, all of one time and mode.

    Args:
        root: the directory.
        at_s: the time that each file bears, in epoch seconds; ZIP knows none before 1980.
    """
    when = time.gmtime(at_s)[:6]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(root.rglob("*"), key=lambda each: each.relative_to(root).as_posix()):
            name = path.relative_to(root)
            if path.is_dir():
                continue
            about = zipfile.ZipInfo(name.as_posix(), when)
            about.create_system, about.compress_type = 3, zipfile.ZIP_DEFLATED
            about.external_attr = (0o100755 if path.suffix == ".so" else 0o100644) << 16
            archive.writestr(about, path.read_bytes(), compresslevel=9)
    return packed.getvalue()


def write_by_hash(folder: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Write `STEM-SHA256.SUFFIX`; what has that name has that content."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-{hashlib.sha256(data).hexdigest()}{suffix}"
    path.write_bytes(data)
    return path


def sums(root: Path, name: str = "SHA256SUMS") -> str:
    """The checksums of all files below a directory but that one, as `sha256sum --check` reads them."""
    found = sorted(path for path in root.rglob("*") if path.is_file() and path != root / name)
    return "".join(f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.relative_to(root)}\n" for each in found)
