"""An alert in words, and the alerts about Evidence that the hellos did not agree on."""

from __future__ import annotations

import pytest

from trustlab import tls
from trustlab.tls.attestation import check_answer, check_demand, evidence_in, supplemental_data
from trustlab.tls.extensions import ROLE_C, ROLE_S, AttestationExtension
from trustlab.tls.messages.tls12 import SupplementalData
from trustlab.tls.registry import ExtensionType

ASKED = AttestationExtension(bytes(32), ROLE_C, ROLE_S, (1, 2))


@pytest.mark.parametrize(
    ("alert", "shown"),
    [
        (tls.DecodeError(), "decode_error"),
        (tls.DecodeError("an odd length"), "decode_error: an odd length"),
        (tls.DecodeError("an odd length", "RFC 5246 7.4"), "decode_error: an odd length (RFC 5246 7.4)"),
        (tls.DecodeError("", "RFC 5246 7.4"), "decode_error (RFC 5246 7.4)"),
    ],
)
def test_an_alert_says_its_name_its_sentence_and_its_clause(alert: tls.Alert, shown: str) -> None:
    assert str(alert) == shown


def test_an_answer_that_gives_what_is_demanded_in_an_offered_format_is_accepted() -> None:
    answer = AttestationExtension(bytes(32), ROLE_S, ROLE_C, (2,))
    check_answer(ASKED, answer)
    check_demand(ASKED, answer, tls13=True)
    check_demand(AttestationExtension(bytes(32), ROLE_C, 0, (1,)), None, tls13=True)


@pytest.mark.parametrize(
    ("asked", "answer", "complaint"),
    [
        (AttestationExtension(bytes(32), ROLE_C, 0, (1,)), (ROLE_S, 0, (1,)), "offers evidence that nobody demanded"),
        (AttestationExtension(bytes(32), 0, ROLE_S, (1,)), (ROLE_S, ROLE_C, (1,)), "that the client did not offer"),
        (ASKED, (ROLE_S, 0, (3,)), "did not choose one of the offered formats"),
        (ASKED, (ROLE_S, 0, (1, 2)), "did not choose one of the offered formats"),
        (ASKED, (ROLE_S, 0, ()), "did not choose one of the offered formats"),
    ],
)
def test_an_answer_that_fits_no_question_is_an_illegal_parameter(
    asked: AttestationExtension, answer: tuple[int, int, tuple[int, ...]], complaint: str
) -> None:
    with pytest.raises(tls.IllegalParameter, match=complaint):
        check_answer(asked, AttestationExtension(bytes(32), *answer))


@pytest.mark.parametrize("answer", [None, AttestationExtension(bytes(32), 0, ROLE_C, (1,))])
@pytest.mark.parametrize(("tls13", "alert"), [(True, tls.MissingExtension), (False, tls.HandshakeFailure)])
def test_evidence_that_is_demanded_and_not_offered_has_the_alert_of_its_version(
    answer: AttestationExtension | None, *, tls13: bool, alert: type[tls.Alert]
) -> None:
    with pytest.raises(alert, match="does not offer it"):
        check_demand(ASKED, answer, tls13=tls13)


@pytest.mark.parametrize("size", [1, 0xFFFF])
def test_supplemental_data_carries_evidence_of_any_lawful_length(size: int) -> None:
    assert evidence_in(supplemental_data(bytes(size))) == bytes(size)


@pytest.mark.parametrize("size", [0, 0x10000])
def test_evidence_of_an_impossible_length_is_this_sides_fault(size: int) -> None:
    with pytest.raises(tls.LocalProtocolError, match=f"evidence has 1 to 65535 octets, not {size}"):
        supplemental_data(bytes(size))


@pytest.mark.parametrize(
    ("entries", "alert"),
    [
        (((ExtensionType.ATTESTATION, b"e"), (0x4002, b"x")), tls.IllegalParameter),
        (((ExtensionType.ATTESTATION, b"e"), (ExtensionType.ATTESTATION, b"e")), tls.IllegalParameter),
        (((ExtensionType.ATTESTATION, b""),), tls.DecodeError),
    ],
)
def test_supplemental_data_with_anything_but_one_evidence_is_refused(
    entries: tuple[tuple[int, bytes], ...], alert: type[tls.Alert]
) -> None:
    with pytest.raises(alert):
        evidence_in(SupplementalData(entries))
