"""Configurations that believe whatever certificate they are shown.

The engine never imports this module, and `Config` has no such switch: whoever wants an end without this check says so
by the name of a class: `trustlab s_client --insecure`, an `s_server` that takes any client's certificate, Alice's own
ends and the ablation of the rule "CA identity". Such an end still checks that the peer has the certificate's key.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from trustlab.tls.config import ClientConfig, Config, ServerConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.tls.x509 import PeerCertificate


class _Unchecked(Config):
    def check_chain(self, leaf: PeerCertificate, chain: Sequence[bytes], server_name: str | None) -> None:
        """Accept it."""

    def check_usage(self, leaf: PeerCertificate, usage: str) -> None:
        """Accept it."""

    def require_trust(self, who: str) -> None:
        """Need no roots and no name."""


class UncheckedClientConfig(_Unchecked, ClientConfig):
    """A client that takes any server for the one it wants."""


class UncheckedServerConfig(_Unchecked, ServerConfig):
    """A server that takes any client's certificate."""


def unchecked(config: ClientConfig) -> UncheckedClientConfig:
    """Return the configuration without the check of the server's certificate."""
    return UncheckedClientConfig(**{field.name: getattr(config, field.name) for field in fields(config)})
