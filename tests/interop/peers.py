"""Who is installed here and what they can do, asked of themselves."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from functools import lru_cache

from combinations import GROUPS, TLS13, VERSIONS, Offer

from trustlab import tls

X25519, P256, HYBRID = tls.Group.X25519, tls.Group.SECP256R1, tls.Group.X25519MLKEM768
P384, P521 = tls.Group.SECP384R1, tls.Group.SECP521R1
OPENSSL_GROUPS = {X25519: "X25519", P256: "P-256", P384: "P-384", P521: "P-521", HYBRID: "X25519MLKEM768"}
GNUTLS_GROUPS = {
    X25519: "GROUP-X25519",
    P256: "GROUP-SECP256R1",
    P384: "GROUP-SECP384R1",
    P521: "GROUP-SECP521R1",
    HYBRID: "GROUP-X25519-MLKEM768",
}


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def absent(name: str, program: str) -> Offer | None:
    if shutil.which(program):
        return None
    return Offer(name, versions=(), lacks=[f"{program} is not installed (scripts/system-packages test installs it)"])


@lru_cache(maxsize=1)
def python_ssl() -> Offer:
    """Its cipher list names the suites; it has no list of groups, so its OpenSSL's version tells."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL")
    names = {c["id"] & 0xFFFF: c["name"] for c in context.get_ciphers()}
    groups = {X25519, P256, P384, P521} | ({HYBRID} if ssl.OPENSSL_VERSION_INFO >= (3, 5) else set())
    versions = tuple(v for v in VERSIONS if v != TLS13 or ssl.HAS_TLSv1_3)
    return Offer(f"Python ssl ({ssl.OPENSSL_VERSION})", versions, frozenset(names), frozenset(groups), names)


@lru_cache(maxsize=1)
def openssl() -> Offer:
    """`openssl ciphers` lists the suites; a group it does not know is an error of the command line."""
    missing = absent("OpenSSL", "openssl")
    if missing:
        return missing
    listed = re.findall(r"^\s*0x(..),0x(..) - (\S+)", output("openssl", "ciphers", "-V", "ALL"), re.MULTILINE)
    names = {int(a + b, 16): name for a, b, name in listed}
    groups = {g for g in GROUPS if _openssl_group(OPENSSL_GROUPS[g])}
    return Offer(output("openssl", "version").strip(), VERSIONS, frozenset(names), frozenset(groups), names)


def _openssl_group(name: str) -> bool:
    return "SSL_CONF_cmd" not in output("openssl", "s_client", "-connect", "127.0.0.1:1", "-groups", name)


@lru_cache(maxsize=1)
def gnutls() -> Offer:
    """`gnutls-cli --list` names suites with their code points, and the groups."""
    missing = absent("GnuTLS", "gnutls-cli")
    if missing:
        return missing
    text = output("gnutls-cli", "--list")
    listed = re.findall(r"^(TLS_\S+)\s+0x(..), 0x(..)", text, re.MULTILINE)
    names = {int(a + b, 16): name for name, a, b in listed}
    groups = {g for g in GROUPS if re.search(rf"{GNUTLS_GROUPS[g]}\b", text)}
    version = output("gnutls-cli", "--version").splitlines()[0]
    return Offer(f"GnuTLS ({version})", VERSIONS, frozenset(names), frozenset(groups), names)


@lru_cache(maxsize=1)
def curl() -> Offer:
    """Return what the TLS library behind it offers; it is a client only."""
    missing = absent("curl", "curl")
    if missing:
        return missing
    first = output("curl", "--version").splitlines()[0]
    if "OpenSSL/" not in first:
        return Offer("curl", versions=(), lacks=[f"is not built with OpenSSL: {first}"])
    behind = openssl()
    return Offer(" ".join(first.split()[:2]), VERSIONS, behind.suites, behind.groups, behind.names)


def everyone() -> list[Offer]:
    return [python_ssl(), openssl(), gnutls(), curl()]


def lacking() -> list[str]:
    """Say what is left out, and why."""
    return [f"{offer.name}: {reason}" for offer in everyone() for reason in offer.lacks]
