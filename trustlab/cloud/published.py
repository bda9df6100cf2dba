"""Reference Values on their way into a machine: they come by Alice's hands, so Bob signs them.

Whose signature counts stands in the image's configuration (`publisher`, a public key in PEM), which is measured: who
puts another key there has another image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from trustlab.attest import ReferenceValues, ReferenceValuesError, read_published

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.attest.signing import PublicKey

PUBLISHER = "publisher"


def publisher_setting(key: PublicKey) -> str:
    """Return what an image's configuration says of the one who publishes its Reference Values."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def accepted(references: ReferenceValues | str | None, configuration: Mapping[str, str]) -> ReferenceValues | None:
    """Return the Reference Values that a machine goes by, from what it was handed: values, or a file of them.

    ReferenceValuesError if its configuration names a publisher and the file is not signed by it, or is not valid.
    """
    if references is None:
        return None
    if PUBLISHER not in configuration:
        return ReferenceValues.from_toml(references) if isinstance(references, str) else references
    try:
        key = cast("PublicKey", load_pem_public_key(configuration[PUBLISHER].encode()))
    except ValueError as error:
        raise ReferenceValuesError(f"the configuration's {PUBLISHER!r} is not a public key in PEM") from error
    return read_published(references if isinstance(references, str) else references.to_toml(), [key])
