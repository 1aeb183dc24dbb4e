#!/usr/bin/env python3
"""Verifies Waymark evidence bundles. Written from core/docs/evidence.md alone, by somebody who had seen no other code of Waymark.

    python3 verify_bundle.py BUNDLE... --key COMPANYKEY [--json]

Needs Python >= 3.11 and `joserfc`. COMPANYKEY is the company's P-256 key as SEC 1 compressed point in base64url without padding; the key in
a bundle's header is only a claim and is never trusted. Says a line for each bundle. Exit code: 0 all are proven, 1 one is not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ZEROS = "0" * 64
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
CLOCK_ALLOWANCE_MS = 60_000
HEADER_FIELDS = ["v", "tenant", "device", "device_key", "company_key", "prev", "sealed_by"]
HEAD, RECEIPT, CHECKIN, SEAL = (f"waymark-{word}+json" for word in ("head", "receipt", "checkin", "bundle"))

REGISTRY = jws.JWSRegistry(algorithms=["ES256"])
REGISTRY.max_payload_length = sys.maxsize  # joserfc's 128 kB is no limit of the format


class Bad(Exception):
    """A line is not what it has to be; the message says why."""


def canonical_b64url(text: str) -> bytes:
    """Decodes base64url, and refuses padding, foreign characters and loose last bits."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Bad("not base64url") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise Bad("base64url is not canonical")
    return data


def parse_key(text: object) -> ECKey:
    """A key of the format (SEC 1 compressed point, base64url) as the JWK that joserfc takes."""
    if not isinstance(text, str):
        raise Bad("key is not a text")
    point = canonical_b64url(text)
    if len(point) != 33 or point[0] not in (2, 3):
        raise Bad("key is not a compressed P-256 point")
    try:
        numbers = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point).public_numbers()
    except ValueError:
        raise Bad("key is not a point of P-256") from None
    x, y = (base64.urlsafe_b64encode(v.to_bytes(32, "big")).rstrip(b"=").decode() for v in (numbers.x, numbers.y))
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object whose keys are each there once, with nothing around it."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) != len(pairs):
            raise Bad("a JSON key stands twice")
        return found

    def no_constant(name: str) -> NoReturn:
        raise Bad(f"{name} is not JSON")

    if not (text.startswith("{") and text.endswith("}")):
        raise Bad("not a JSON object")
    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise Bad("not JSON") from None
    assert isinstance(value, dict)
    return value


def integer(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    if type(value) is not int or not 0 <= value < 2**63:
        raise Bad(f"{name} is not a count")
    return value


def string(record: dict[str, Any], name: str) -> str:
    if not isinstance(value := record.get(name), str):
        raise Bad(f"{name} is not a text")
    return value


def sha256_hex(record: dict[str, Any], name: str) -> str:
    if not HEX_SHA256.fullmatch(value := string(record, name)):
        raise Bad(f"{name} is not a SHA-256 in hex")
    return value


def statement(text: str, typ: str, key: ECKey, whose: str) -> dict[str, Any]:
    """The payload of a compact JWS of exactly this type, signed by this key, in its one possible text."""
    parts = text.split(".")
    if len(parts) != 3:
        raise Bad("not a JWS in compact form")
    header, payload, signature = (canonical_b64url(part) for part in parts)
    if header != b'{"alg":"ES256","typ":"%s"}' % typ.encode():
        raise Bad(f"JWS header is not the one of a {typ}")
    if len(signature) != 64 or int.from_bytes(signature[32:], "big") > P256_ORDER // 2:
        raise Bad("signature is not 64 bytes with the lower s")
    try:
        jws.deserialize_compact(text, key, registry=REGISTRY)
    except (JoseError, ValueError):
        raise Bad(f"signature is not the {whose}'s") from None
    try:
        return parse_object(payload.decode("utf-8"))
    except UnicodeDecodeError:
        raise Bad("statement is not UTF-8") from None


@dataclass
class Op:
    line: int
    n: int
    hash: str
    earliest: int | None


@dataclass
class Head:
    line: int
    n: int
    head: str


@dataclass
class Receipt:
    line: int
    n: int
    head: str
    at_ms: int


@dataclass
class Verifier:
    company: ECKey
    header: dict[str, Any] = field(default_factory=dict)
    device: ECKey | None = None
    prev: str = ZEROS
    ops: dict[int, Op] = field(default_factory=dict)
    last: Op | None = None
    receipts: list[Receipt] = field(default_factory=list)
    statements: int = 0
    good_receipts: int = 0
    heads: list[Head] = field(default_factory=list)
    last_head_signed: bool = False
    sealed: bool = False
    line: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)

    def run(self, file: BinaryIO) -> None:
        digest = hashlib.sha256()
        try:
            for self.line, raw in enumerate(file, 1):  # a binary file splits at line feeds only
                self.read_line(raw, digest.hexdigest())
                digest.update(raw)
            if not self.sealed:
                self.line += 1
                raise Bad("the bundle ends without a seal")
        except Bad as bad:
            self.faults.append((self.line, str(bad)))
        self.check_heads()
        self.check_receipts()
        self.faults.sort(key=lambda fault: fault[0])

    def read_line(self, raw: bytes, digest: str) -> None:
        if self.sealed:
            raise Bad("something follows the seal")
        if not raw.endswith(b"\n"):
            raise Bad("no line feed at the end of the line")
        try:
            word, space, content = raw[:-1].decode("utf-8").partition(" ")
        except UnicodeDecodeError:
            raise Bad("not UTF-8") from None
        if (self.line == 1) != (word == "waymark-evidence") or not space:
            raise Bad("not a line of a bundle at this place")
        match word:
            case "waymark-evidence":
                self.read_header(content)
            case "context":
                if self.last:
                    raise Bad("context after an operation")
                if set(parse_object(content)) != {"kind", "id", "body"}:
                    raise Bad("context has other fields than kind, id and body")
            case "op":
                self.read_op(content)
            case "head":
                self.read_head(content)
            case "receipt":
                self.read_receipt(content)
            case "seal":
                self.read_seal(content, digest)
            case _:
                raise Bad("unknown word")

    def read_header(self, content: str) -> None:
        self.header = parse_object(content)
        if list(self.header) != HEADER_FIELDS or integer(self.header, "v") != 1:
            raise Bad("header does not have the fields of version 1 in their order")
        if json.dumps(self.header, separators=(",", ":"), ensure_ascii=False) != content:
            raise Bad("header is not in compact form")
        for name in ("tenant", "device"):
            string(self.header, name)
        self.device = parse_key(self.header["device_key"])
        parse_key(self.header["company_key"])  # a claim: has to be a key, which one does not matter
        self.prev = sha256_hex(self.header, "prev")
        if self.header["sealed_by"] not in ("device", "company"):
            raise Bad("sealed_by is neither device nor company")

    def by_device(self, text: str, typ: str) -> dict[str, Any]:
        assert self.device is not None  # line 1 is the header
        return statement(text, typ, self.device, "device")

    def names_this_chain(self, payload: dict[str, Any], names: list[str]) -> None:
        for name in names:
            if string(payload, name) != self.header[name]:
                raise Bad(f"{name} is not this bundle's")

    def read_op(self, content: str) -> None:
        op = parse_object(content)
        n = integer(op, "n")
        if sha256_hex(op, "prev") != (self.last.hash if self.last else self.prev):
            raise Bad("prev is not the hash of the operation before")
        if self.last and n <= self.last.n:
            raise Bad("n is not higher than that of the operation before")
        if not isinstance(time := op.get("t", {}), dict) or not isinstance(changes := op.get("set", {}), dict):
            raise Bad("t or set is not an object")
        earliest = None if time.get("lo") is None else integer(time, "lo")
        match changes.get("statement"):
            case [_, str(now)]:
                self.by_device(now, CHECKIN)
                self.statements += 1
        self.last = Op(self.line, n, hashlib.sha256(content.encode("utf-8")).hexdigest(), earliest)
        self.ops[n] = self.last

    def read_head(self, content: str) -> None:
        head = self.by_device(content, HEAD)
        self.names_this_chain(head, ["tenant", "device"])
        self.heads.append(Head(self.line, integer(head, "n"), sha256_hex(head, "head")))

    def read_receipt(self, content: str) -> None:
        receipt = statement(content, RECEIPT, self.company, "company")
        self.names_this_chain(receipt, ["tenant", "device", "device_key"])
        n, head, at_ms = integer(receipt, "n"), sha256_hex(receipt, "head"), integer(receipt, "at_ms")
        self.receipts.append(Receipt(self.line, n, head, at_ms))

    def read_seal(self, content: str, digest: str) -> None:
        by_device = self.header["sealed_by"] == "device"
        seal = self.by_device(content, SEAL) if by_device else statement(content, SEAL, self.company, "company")
        if self.last is None:
            raise Bad("a bundle without an operation")
        if sha256_hex(seal, "sha256") != digest:
            raise Bad("sha256 is not that of the lines before the seal")
        read = {"ops": len(self.ops), "from": next(iter(self.ops)), "to": self.last.n}
        if {name: integer(seal, name) for name in read} != read or sha256_hex(seal, "head") != self.last.hash:
            raise Bad("seal counts other operations than those that were read")
        integer(seal, "at_ms")
        self.sealed = True

    def check_heads(self) -> None:
        for head in self.heads:
            op = self.ops.get(head.n)
            if op is None or op.hash != head.head:
                self.faults.append((head.line, "head names no operation of the bundle"))
            self.last_head_signed |= op is not None and op is self.last

    def check_receipts(self) -> None:
        """Steps 4 and 7, when it is known which operations there are."""
        if self.last is None:  # nothing to compare with; there is a fault already
            return
        first, last = next(iter(self.ops)), self.last.n
        for receipt in self.receipts:
            try:
                self.check_receipt(receipt, first, last)
                self.good_receipts += 1
            except Bad as bad:
                self.faults.append((receipt.line, str(bad)))
        ends = sorted(self.receipts, key=lambda receipt: receipt.n)
        latest: int | None = None  # the earliest at_ms of all receipts that cover an operation
        for op in reversed(self.ops.values()):
            while ends and ends[-1].n >= op.n:
                at_ms = ends.pop().at_ms
                latest = at_ms if latest is None else min(latest, at_ms)
            if latest is not None and op.earliest is not None and op.earliest > latest + CLOCK_ALLOWANCE_MS:
                self.faults.append((op.line, "claims an earliest time after the company's receipt for it"))

    def check_receipt(self, receipt: Receipt, first: int, last: int) -> None:
        if op := self.ops.get(receipt.n):
            if receipt.head != op.hash:
                raise Bad("receipt has another hash for this operation")
        elif receipt.n > last:
            raise Bad("receipt for an operation beyond the last: the end was cut off")
        elif receipt.n > first:
            raise Bad("receipt for an operation that was taken out")
        elif receipt.n == first - 1 and receipt.head != self.prev:
            raise Bad("receipt right before the first operation has another hash than prev")
        elif self.prev == ZEROS != receipt.head:
            raise Bad("receipt for an operation before the device's first")

    def result(self) -> dict[str, Any]:
        intact, vouched = not self.faults, self.good_receipts > 0
        signed = self.sealed and (self.header["sealed_by"] == "device" or self.last_head_signed)
        return {
            "intact": intact,
            "vouched": vouched,
            "device_signed": signed,
            "proven": intact and vouched and signed,
            "first_bad_line": self.faults[0][0] if self.faults else None,
            "ops": len(self.ops),
            "from": next(iter(self.ops), None),
            "to": self.last.n if self.last else None,
            "statements": self.statements,
            "receipts": self.good_receipts,
        }

    def verdict(self, result: dict[str, Any]) -> str:
        if result["proven"]:
            return "PROVEN"
        missing = "no head of the device for the last operation" if result["vouched"] else "no receipt of the company"
        line, reason = self.faults[0] if self.faults else (self.line, missing)
        return f"NOT PROVEN: line {line}: {reason}"


def look(path: str, company: ECKey, as_json: bool) -> bool:
    verifier = Verifier(company)
    with open(path, "rb") as file:
        verifier.run(file)
    result = verifier.result()
    print(json.dumps(result) if as_json else f"{path}: {verifier.verdict(result)}")
    return bool(result["proven"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies Waymark evidence bundles.")
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE")
    parser.add_argument("--key", required=True, help="the company's public key")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        company = parse_key(arguments.key)
        proven = [look(path, company, arguments.json) for path in arguments.bundles]
    except (Bad, OSError) as error:
        parser.error(str(error))
    return 0 if all(proven) else 1


if __name__ == "__main__":
    sys.exit(main())
