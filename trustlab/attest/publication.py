"""Reference Values and revocation lists as Bob publishes them: TOML, his signature as the last line.

The last line is `# signature: KEY BASE64URL`, a comment to TOML: the file stays one that people and other tools
read. It covers every octet before it, after a prefix that no other signature of the lab begins with. The prefix is
another for each kind of file, so that a signature over one says nothing about the other.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.attest import signing
from trustlab.attest.errors import ReferenceValuesError
from trustlab.attest.references import ReferenceValues
from trustlab.attest.revocation import RevocationList
from trustlab.octets import read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CONTEXT = b"trustlab reference values/v1\n"
REVOCATIONS = b"trustlab revocation list/v1\n"
LAST_LINE = re.compile(rb"# signature: ([0-9a-f]{32}) ([A-Za-z0-9_-]{86})\n\Z")
MAX_FILE = 1 << 18


def publish(references: ReferenceValues, key: signing.PrivateKey) -> str:
    return sign_file(references.to_toml(), key)


def sign_file(text: str, key: signing.PrivateKey) -> str:
    """Sign a file that somebody wrote by hand, comments and all; ReferenceValuesError if it is not valid."""
    return _signed(text, key, CONTEXT, ReferenceValues.from_toml)


def sign_revocations(text: str, key: signing.PrivateKey) -> str:
    """Sign a revocation list that somebody wrote by hand; ReferenceValuesError if it is not valid."""
    return _signed(text, key, REVOCATIONS, RevocationList.from_toml)


def read_published(source: str | bytes | Path, publishers: Collection[signing.PublicKey]) -> ReferenceValues:
    """Read a signed file of one of these publishers.

    ReferenceValuesError if it is unsigned, by somebody else, changed since, or no Reference Values.
    """
    return ReferenceValues.from_toml(_opened(source, publishers, CONTEXT, "Reference Values"))


def read_revocations(source: str | bytes | Path, publishers: Collection[signing.PublicKey]) -> RevocationList:
    """Read a signed revocation list of one of these publishers; ReferenceValuesError as `read_published`."""
    return RevocationList.from_toml(_opened(source, publishers, REVOCATIONS, "a revocation list"))


def _signed(text: str, key: signing.PrivateKey, context: bytes, check: Callable[[bytes], object]) -> str:
    body = text.encode() if text.endswith("\n") else text.encode() + b"\n"
    if LAST_LINE.search(body):
        raise ReferenceValuesError("the file already has a signature")
    check(body)
    signature = signing.to_base64url(signing.sign(key, context + body))
    return body.decode() + f"# signature: {signing.key_id(key.public_key())} {signature}\n"


def _opened(source: str | bytes | Path, publishers: Collection[signing.PublicKey], context: bytes, what: str) -> bytes:
    """Return what was signed."""
    octets = _octets(source)
    found = LAST_LINE.search(octets)
    if not found:
        raise ReferenceValuesError(f"the file's last line is not a signature: {what} must be signed")
    publisher = next((key for key in publishers if signing.key_id(key).encode() == found[1]), None)
    if publisher is None:
        raise ReferenceValuesError(
            f"signed by key {found[1].decode()}, which does not belong to a publisher that we trust"
        )
    body = octets[: found.start()]
    try:
        signature = signing.from_base64url(found[2].decode())
    except ValueError as error:
        raise ReferenceValuesError(f"the signature is {error}") from error
    if not signing.verifies(publisher, signature, context + body):
        raise ReferenceValuesError("the signature is not by this publisher, or the file was changed after signing")
    return body


def _octets(source: str | bytes | Path) -> bytes:
    if isinstance(source, Path):
        try:
            octets = read_file(source)
        except OSError as error:
            reason = (error.strerror or "no reason is known").lower()
            raise ReferenceValuesError(f"{source}: the file cannot be read ({reason})") from error
    else:
        octets = source.encode() if isinstance(source, str) else source
    if len(octets) > MAX_FILE:
        raise ReferenceValuesError(f"more than {MAX_FILE} octets")
    return octets
