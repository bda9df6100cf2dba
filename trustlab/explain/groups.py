"""Sentences for groups and for entries of lists: fields that a tree needs, and that no codec names."""

from __future__ import annotations

from trustlab.octets.tree import ENTRY, TOGETHER

GROUPS = {
    "server_name": "One name that the client wants to reach.",
    "key_share_entry": "A public value for one group.",
    "certificate_entry": "A certificate of the chain, with its extensions.",
    "supp_data_entry": "One piece of data beside the handshake: its type and its content.",
    "attested": "What the TPM attests, in a form that depends on the type above.",
    "parameters": "How the key works, and what it may be used for.",
    "unique": "The public number that makes this key unlike any other.",
    "digests": "The digests that were extended, one for each bank.",
    "digests.entry": "The digest for one bank.",
    "digestSizes": "A bank: its hash, and how long its digests are.",
    "pcrs.entry": "One bank of PCRs, and which of them.",
    "PCRselect.entry": "One bank of PCRs, and which of them.",
    "creationPCR.entry": "One bank of PCRs, and which of them.",
    "pcrSelectionIn.entry": "One bank of PCRs, and which of them.",
    "pcrSelectionOut.entry": "One bank of PCRs, and which of them.",
    "pcrAllocation.entry": "One bank of PCRs, and which of them.",
    "psk_identity": "A session that the client could go on with.",
    "offered_psks": "The keys that both sides may have already.",
}
"""By the last word of a name, and for `entry` by the last two."""


def group_words(name: str, note: str) -> str:
    """Return the sentence for a field whose `note` is only that it is a group or an entry; else that note."""
    if note not in (ENTRY, TOGETHER):
        return note
    words = [word.partition("[")[0] for word in name.split(".")]
    key = ".".join(words[-2:]) if words[-1] == "entry" else words[-1]
    return GROUPS.get(key, note)
