#!/usr/bin/env python3
"""Holds stamped photos against their originals with a decoder that is not ours: libjpeg-turbo, through Pillow.

    python3 check_stamps.py WAYMARK PHOTO... [--turned] [-- STAMP OPTIONS]

WAYMARK is the command line. Of each photo that it stamps in place: outside the band that it reports no pixel is another one; every segment is byte
for byte the original's, but EXIF, Huffman tables where the report says that they were extended, the table of further pictures, and our own; every further
picture is byte for byte where that table says; what is restored is the original.
With --turned each photo is also stamped in the eight orientations. Photos that are refused or encoded anew are named with the reason.
Says a line for each. Exit code: 0 all hold, 1 one does not, 2 wrong usage.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

Image.MAX_IMAGE_PIXELS = None
APP1, APP2, APP9, DHT, SOS = 0xE1, 0xE2, 0xE9, 0xC4, 0xDA


class Differs(Exception):
    """The stamped photo is not what it has to be; the message says how."""


def turned(photo: bytes, orientation: int) -> bytes:
    """The same photo with an EXIF block of its own in front, which readers take before any other."""
    entry = bytes([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0])
    tiff = b"MM\0\x2a\0\0\0\x08" + b"\0\x01" + entry + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return photo[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + photo[2:]


def segments(photo: bytes) -> list[tuple[int, bytes]]:
    """Every segment up to the picture's data."""
    found, at = [], 2
    while at + 4 <= len(photo):
        start = photo.index(b"\xff", at)
        while photo[start + 1] == 0xFF:
            start += 1
        marker = photo[start + 1]
        length = int.from_bytes(photo[start + 2 : start + 4], "big")
        found.append((marker, photo[start + 4 : start + 2 + length]))
        at = start + 2 + length
        if marker == SOS:
            break
    return found


def kept(photo: bytes, *, tables: bool) -> list[tuple[int, bytes]]:
    """The segments that must be the original's."""

    def is_kept(marker: int, body: bytes) -> bool:
        if marker == APP1 and body.startswith(b"Exif\0\0"):
            return False
        if marker == APP9 and body.startswith(b"WAYMARK\0"):
            return False
        if marker == APP2 and body.startswith(b"MPF\0"):
            return False
        return tables or marker != DHT

    return [(marker, body) for marker, body in segments(photo) if is_kept(marker, body)]


def further(photo: bytes) -> list[bytes]:
    """The pictures behind the first one, as the table of the Multi-Picture Format names them."""
    at = photo.find(b"MPF\0")
    if at < 0 or not any(marker == APP2 and body.startswith(b"MPF\0") for marker, body in segments(photo)):
        return []
    table = photo[at + 4 :]
    order = "little" if table.startswith(b"II") else "big"

    def number(at: int, length: int = 4) -> int:
        return int.from_bytes(table[at : at + length], order)

    found = []
    directory = number(4)
    for entry in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if number(entry, 2) == 0xB002:
            for row in range(number(entry + 8), number(entry + 8) + number(entry + 4), 16):
                size, offset = number(row + 4), number(row + 8)
                if offset:
                    found.append(table[offset : offset + size])
    return found


def shown(photo: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(photo))
    picture.load()
    return ImageOps.exif_transpose(picture)


def compare(before: bytes, after: bytes, report: dict) -> str:
    one, other = shown(before), shown(after)
    if one.size != other.size or one.mode != other.mode or list(one.size) != list(report["size"]):
        raise Differs(f"size or mode: {one.size} {one.mode}, {other.size} {other.mode}, report {report['size']}")
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    band = report["band"]
    box = (band["left"], band["top"], band["right"], band["bottom"])
    inside = difference.crop(box)
    difference.paste((0, 0, 0), box)
    if difference.getbbox() is not None:
        raise Differs(f"pixels outside the band {box} changed, within {difference.getbbox()}")
    if inside.getbbox() is None:
        raise Differs("nothing changed inside the band")
    tables = not report["method"]["tables_extended"]
    if kept(before, tables=tables) != kept(after, tables=tables):
        raise Differs("a segment changed that must not")
    if further(before) != further(after):
        raise Differs("a further picture is not where the table says")
    return f"{one.size[0]}x{one.size[1]}, band {box}, {len(kept(before, tables=tables))} segments kept"


def check(waymark: str, name: str, photo: bytes, folder: Path, key: Path, options: list[str]) -> tuple[bool, str]:
    source, stamped, back = folder / "in.jpg", folder / "out.jpg", folder / "back.jpg"
    source.write_bytes(photo)
    told = subprocess.run(
        [waymark, "--json", "stamp", str(source), str(stamped), "--force", "--key", str(key), *options],
        capture_output=True,
        text=True,
    )
    if told.returncode != 0:
        error = json.loads(told.stdout or told.stderr)["error"]
        return True, f"{name}: refused ({error['code']}): {error['message']}"
    report = json.loads(told.stdout)["stamp"]
    if report["method"]["how"] != "in_place":
        return True, f"{name}: encoded anew ({report['method'].get('why')})"
    try:
        said = compare(photo, stamped.read_bytes(), report)
        subprocess.run(
            [waymark, "--json", "photo", "restore", str(stamped), str(back), "--force", "--key", str(key)],
            check=True,
            capture_output=True,
        )
        if hashlib.sha256(back.read_bytes()).digest() != hashlib.sha256(photo).digest():
            raise Differs("what was restored is not the original")
    except (Differs, subprocess.CalledProcessError) as wrong:
        return False, f"{name}: DIFFERS: {wrong}"
    return True, f"{name}: holds ({said})"


def main() -> int:
    given = sys.argv[1:]
    options: list[str] = []
    if "--" in given:
        options = given[given.index("--") + 1 :]
        given = given[: given.index("--")]
    with_turns = "--turned" in given
    given = [word for word in given if word != "--turned"]
    if len(given) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    waymark, *photos = given
    held = in_place = 0
    lines = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        key = folder / "key"
        subprocess.run([waymark, "photo", "key", str(key)], check=True, capture_output=True)
        for path in photos:
            photo = Path(path).read_bytes()
            jobs = [(path, photo)]
            if with_turns and photo.startswith(b"\xff\xd8"):
                jobs += [(f"{path} turned {way}", turned(photo, way)) for way in range(1, 9)]
            for name, data in jobs:
                good, said = check(waymark, name, data, folder, key, options)
                print(said, flush=True)
                lines += 1
                held += good
                in_place += ": holds" in said
    print(f"{lines} photos: {in_place} stamped in place and as they must be, {lines - held} not")
    return 0 if held == lines and in_place > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
