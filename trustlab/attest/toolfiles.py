"""Files of other people's tools, in and out: what tpm2-tools write of a quote, and what they read.

| file | made by | forms that are read |
|---|---|---|
| quote | `tpm2_quote -m` | TPMS_ATTEST, or TPM2B_ATTEST |
| signature | `tpm2_quote -s` | TPMT_SIGNATURE, or (`-f plain`) the bare RSA signature or the ECDSA-Sig-Value |
| public key | `tpm2_createak -u`, `tpm2_readpublic -o` | TPM2B_PUBLIC, TPMT_PUBLIC, or a bare key in PEM or DER |
| PCR values | `tpm2_quote -o`, `tpm2_pcrread` | the serialised form, bare values, or the text that is printed |

Nothing here is believed: a file that is in one of these forms is judged like what came over the wire.
"""

from __future__ import annotations

import base64
import re
import struct
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from trustlab.attest.build import build_ecdsa_signature, build_public, build_rsa_signature
from trustlab.attest.constants import (
    ALG_NULL,
    ALG_RSAPSS,
    ALG_RSASSA,
    ALG_SHA256,
    ALG_SHA384,
    ALG_SHA512,
    HASH_NAMES,
    HASH_SIZES,
)
from trustlab.attest.errors import AttestError
from trustlab.attest.public import EccParameters, RsaParameters, parse_public
from trustlab.attest.signature import parse_signature
from trustlab.attest.structures import PcrSelection, QuoteInfo, parse_attest
from trustlab.octets import sized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.attest.evidence import Evidence
    from trustlab.attest.public import Public
    from trustlab.attest.structures import Attest

SELECTION_FORM = struct.Struct("<I" + "HB4sx" * 16)
"""TPML_PCR_SELECTION as a C program has it in memory, little-endian."""
DIGESTS = 8
DIGEST_FORM = struct.Struct("<I" + "H64s" * DIGESTS)
COUNT_FORM = struct.Struct("<I")
_BANK = re.compile(r"^\s*(sha\d+)\s*:\s*$", re.MULTILINE)
_VALUE = re.compile(r"^\s*(\d{1,2})\s*:\s*0x([0-9A-Fa-f]+)\s*$", re.MULTILINE)


class GivenKey(NamedTuple):
    """An AK from a file: its TPMT_PUBLIC, and whether that is its own or made up around a bare key."""

    public: bytes
    bare: bool


def read_quote(octets: bytes) -> bytes:
    """Return the TPMS_ATTEST in a file; AttestError if it holds none."""
    inner = _without_size(octets)
    parse_attest(inner)
    return inner


def read_public(octets: bytes) -> GivenKey:
    """Return the AK in a file; AttestError if it holds none."""
    key = _bare_key(octets)
    if key is not None:
        return GivenKey(build_public(key, 0, b""), bare=True)
    inner = _without_size(octets)
    _ = parse_public(inner).public_key
    return GivenKey(inner, bare=False)


def read_signature(octets: bytes, public: bytes, quote: bytes) -> bytes:
    """Return the TPMT_SIGNATURE in a file; AttestError if it holds no signature.

    A bare signature does not say how it was made: that of the AK's scheme is taken, else the one that verifies.
    """
    try:
        return parse_signature(octets).raw
    except AttestError as error:
        area = parse_public(public)
        made = list(_signatures(octets, area))
        if not made:
            raise AttestError(f"neither a TPMT_SIGNATURE nor a bare signature: {error}") from error
        good = (raw for raw in made if parse_signature(raw).verify(area.public_key, quote))
        return next(good, made[0])


def _signatures(octets: bytes, area: Public) -> Iterable[bytes]:
    """Give the TPMT_SIGNATUREs that a bare signature may stand for, likeliest first."""
    parameters = area.parameters
    if not isinstance(parameters, RsaParameters | EccParameters):
        return
    known = parameters.scheme.hash_alg
    hashes = [ALG_SHA256, ALG_SHA384, ALG_SHA512] if known is None else [known]
    if isinstance(parameters, EccParameters):
        if octets[:1] == b"\x30":
            yield from (build_ecdsa_signature(octets, h) for h in hashes)
    elif len(octets) == len(area.unique):
        schemes = [ALG_RSASSA, ALG_RSAPSS] if parameters.scheme.algorithm == ALG_NULL else [parameters.scheme.algorithm]
        yield from (build_rsa_signature(scheme, octets, h) for scheme in schemes for h in hashes)


def read_pcr_values(octets: bytes, quote: Attest) -> dict[int, bytes]:
    """Return the PCR values in a file, of the bank that was quoted; AttestError if it holds none.

    Bare values come in the order of the quote's own selection, which names their PCRs.
    """
    info = quote.attested
    if not isinstance(info, QuoteInfo) or len(info.selections) != 1:
        raise AttestError("PCR values can only be told apart by a quote over one bank, and this is none")
    selection = info.selections[0]
    size = HASH_SIZES.get(selection.bank)
    if size is None or selection.bank not in HASH_NAMES:
        raise AttestError("the quote is over a bank that is not known here")
    if len(octets) > SELECTION_FORM.size and (found := _serialised(octets)) is not None:
        return found.get(selection.bank, {})
    if len(octets) == size * len(selection.pcrs):
        return {pcr: octets[n * size : n * size + size] for n, pcr in enumerate(selection.pcrs)}
    values = _printed(octets, HASH_NAMES[selection.bank], size)
    if not values:
        what = (
            f"{len(selection.pcrs)} bare values of {size} octets, tpm2_quote's serialised form, or tpm2_pcrread's text"
        )
        raise AttestError(f"no PCR values: neither {what}")
    return values


def _serialised(octets: bytes) -> dict[int, dict[int, bytes]] | None:
    """Read what `tpm2_quote -o` writes; None if it is something else."""
    rest = octets[SELECTION_FORM.size :]
    count, *fields = SELECTION_FORM.unpack(octets[: SELECTION_FORM.size])
    if not 1 <= count <= 16 or len(rest) < COUNT_FORM.size:
        return None
    (lists,) = COUNT_FORM.unpack(rest[: COUNT_FORM.size])
    rest = rest[COUNT_FORM.size :]
    if len(rest) != lists * DIGEST_FORM.size:
        return None
    values: list[bytes] = []
    for at in range(0, len(rest), DIGEST_FORM.size):
        held, *digests = DIGEST_FORM.unpack(rest[at : at + DIGEST_FORM.size])
        pairs = list(zip(digests[::2], digests[1::2], strict=True))
        if held > DIGESTS or any(size > len(digest) for size, digest in pairs):
            return None
        values += [digest[:size] for size, digest in pairs[:held]]
    names = [
        (bank, 8 * k + n)
        for bank, size, bits in zip(fields[::3], fields[1::3], fields[2::3], strict=True)
        for k, octet in enumerate(bits[:size])
        for n in range(8)
        if octet >> n & 1
    ]
    if len(names) != len(values):
        return None
    found: dict[int, dict[int, bytes]] = {}
    for (bank, pcr), value in zip(names, values, strict=True):
        found.setdefault(bank, {})[pcr] = value
    return found


def _printed(octets: bytes, bank: str, size: int) -> dict[int, bytes]:
    """Read the text of tpm2_pcrread, tpm2_quote or tpm2_eventlog: the last block of the bank."""
    text = octets.decode("utf-8", "replace")
    blocks = list(_BANK.finditer(text))
    values: dict[int, bytes] = {}
    for n, block in enumerate(blocks):
        if block[1] == bank:
            end = blocks[n + 1].start() if n + 1 < len(blocks) else len(text)
            values |= {
                int(pcr): bytes.fromhex(v) for pcr, v in _VALUE.findall(text, block.end(), end) if len(v) == 2 * size
            }
    return values


def _without_size(octets: bytes) -> bytes:
    """Return what a TPM2B holds, if its size fits; else the octets as they are."""
    return octets[2:] if int.from_bytes(octets[:2], "big") == len(octets) - 2 else octets


def _bare_key(octets: bytes) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey | None:
    try:
        key = load_pem_public_key(octets) if octets.lstrip().startswith(b"-----") else load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        if octets.lstrip().startswith(b"-----"):
            raise AttestError("the PEM file holds no public key that can be read") from error
        return None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise AttestError("the key is neither RSA nor ECC")
    return key


def written_files(evidence: Evidence) -> dict[str, bytes]:
    """Return evidence as the files that tpm2-tools read: quote, signature, AK (TSS and PEM), event log, PCR values."""
    area = parse_public(evidence.ak_public)
    files = {
        "quote.msg": evidence.quote,
        "quote.sig": evidence.signature,
        "ak.pub": sized(evidence.ak_public),
        "ak.pem": area.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "event.log": evidence.event_log,
        "ak-certificates.pem": b"".join(map(_pem, evidence.ak_certificates)),
    }
    info = parse_attest(evidence.quote).attested
    if isinstance(info, QuoteInfo) and len(info.selections) == 1:
        files["quote.pcrs"] = serialised(info.selections[0], evidence.pcr_values)
    return files


def _pem(der: bytes) -> bytes:
    """Return a certificate in PEM (RFC 7468)."""
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]).encode()


def serialised(selection: PcrSelection, values: dict[int, bytes]) -> bytes:
    """Return PCR values as `tpm2_quote -o` writes them, for `tpm2_checkquote -f`; KeyError for a value that lacks."""
    bits = sum(1 << pcr for pcr in selection.pcrs).to_bytes(4, "little")
    first = SELECTION_FORM.pack(1, selection.bank, 3, bits, *(0, 0, bytes(4)) * 15)
    digests = [values[pcr] for pcr in selection.pcrs]
    lists = [digests[at : at + DIGESTS] for at in range(0, len(digests), DIGESTS)]
    packed = []
    for held in lists:
        fields: list[int | bytes] = []
        for digest in (*held, *([b""] * (DIGESTS - len(held)))):
            fields += [len(digest), digest]
        packed.append(DIGEST_FORM.pack(len(held), *fields))
    return first + COUNT_FORM.pack(len(lists)) + b"".join(packed)
