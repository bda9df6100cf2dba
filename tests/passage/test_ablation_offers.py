"""What is taken out from outside: the engine has no switch for it, and nothing else about it changes."""

from __future__ import annotations

import pytest
from tls_identities import NAME, root, server_identity

from trustlab import tls
from trustlab.passage.ablation.offers import credulous
from trustlab.tls.resumption12 import ResumingClient

CREDULOUS = [credulous(tls.Client), credulous(ResumingClient)]
DEMANDS = tls.AttestationOffer(demanded=tls.ROLE_S)


def error_of(client: type[tls.Client], version: tls.Version, **theirs: object) -> Exception | None:
    """Shake hands with a server; return what ended the client, or None if it came through."""
    identity = server_identity("ECDSA")
    ends = (
        client(
            tls.ClientConfig(server_name=NAME, trust=[root().certificate], versions=(version,), attestation=DEMANDS)
        ),
        tls.Server(
            tls.ServerConfig(
                certificates=(identity.der,), key=identity.key, versions=(version,), groups=(23,), **theirs
            )
        ),
    )
    for _ in range(10):
        for end, other in (ends, ends[::-1]):
            for event in tls.pump(end):
                if isinstance(event, tls.Request):
                    end.answer(event, b"evidence" if isinstance(event, tls.EvidenceWanted) else tls.AccessDenied("no"))
            other.receive(end.data_to_send())
    assert ends[0].handshake_complete or ends[0].error
    return ends[0].error


@pytest.mark.parametrize("client", CREDULOUS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("version", [tls.Version.TLS12, tls.Version.TLS13], ids=lambda v: v.title)
def test_a_credulous_client_is_content_with_no_evidence_and_only_with_that(version, client):
    assert isinstance(error_of(tls.Client, version), tls.HandshakeFailure | tls.MissingExtension)
    assert error_of(client, version) is None
    gives = {"attestation": tls.AttestationOffer(offered=tls.ROLE_S)}
    assert isinstance(error_of(client, version, **gives), tls.AccessDenied), "evidence that is there is judged"
