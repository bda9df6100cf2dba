"""What every picture of a trace is drawn from: one document of rows, fields and what follows from them.

Python derives everything that needs knowledge (which leg a message belongs to, why a field has to differ, what Alice
can read, where an input of the binder was taken from); a browser, a terminal and a still picture only draw it. The
browser's types are made from these classes (`schema`), and a test holds both equal.

A row's `id` is its place in the document and its step in time: rows are appended in the order in which they began,
and a row may still grow (a reader's half, a TPM's response) until the run ends. Everything else names rows by `id`,
so that a view at a cursor draws what has `row <= cursor`.

Texts that come again and again (field names, sentences, clauses) stand once, in `texts`; fields name them by number.
Number 0 is the empty text.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Mark = Literal["", "pass", "fail", "none"]
"""A judgement: passed, failed, not asked for; empty if the row judges nothing."""


class Struct(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What most parts of a document share: named values, those left out that say nothing."""


class TreeField(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A named range of a part's bytes, `start` to `end` (half open). `label`, `value`, `note`, `clause` index `texts`.

    Fields stand in reading order, parents before their children; `depth` 0 is the outermost. `value` 0 means that the
    picture shows the bytes themselves.
    """

    label: int
    depth: int
    start: int
    end: int
    value: int = 0
    note: int = 0
    clause: int = 0


class Compared(Struct):
    """What is to be said of field `field` (its number in `Piece.fields`) and its twin on the other leg.

    `word` is short ("has to differ", "follows", "happens to differ", "copied", "has to be the same"); `text` is a
    sentence that gives the reason.
    """

    field: int
    differs: bool = False
    word: str = ""
    text: str = ""


class Piece(Struct):
    """Bytes behind a row, in lower-case hex: a message, its plaintext, a command, a response.

    `role` says which. `secret` marks private plaintext, which exists only where secrets were asked for.
    """

    title: str
    hex: str
    role: Literal["wire", "plain", "command", "response", "data"] = "data"
    fields: list[TreeField] = []
    secret: bool = False


class PlainRow(Struct, tag_field="kind", tag="event"):
    """One step. `at` is the lifeline it stands on; for arrows `to` is the one it leads to.

    `anchor` is a name that is the same in every run (`act-2/alice-bank/ServerHello`, `act-2/bank/TPM2_Quote/2`), for
    links. `time` is in seconds since the trace began and serves display only. `say` is the plain sentence of the card;
    `more` explains it.
    """

    id: int
    at: str = ""
    to: str = ""
    name: str = ""
    text: str = ""
    say: str = ""
    more: str = ""
    clause: str = ""
    mark: Mark = ""
    connection: str = ""
    section: int = 0
    time: float = 0.0
    anchor: str = ""
    parts: list[Piece] = []
    details: dict[str, Any] = {}

    @property
    def kind(self) -> str:
        """What kind of step this is, in the words of the document: `message`, `tpm`, `verdict`, ..."""
        return str(self.__struct_config__.tag)


class SectionRow(PlainRow, tag="section"):
    """The lab's narration: an act begins, or a word between."""

    act: str = ""


class ConnectRow(PlainRow, tag="connect"):
    """A TCP connection opens, from `at` to `to`; the addresses as on the wire."""

    src: str = ""
    dst: str = ""
    twin: int | None = None


class MessageRow(PlainRow, tag="message"):
    """A TLS message (or a frame of a protocol inside it).

    `direction` says which end wrote it; `offset` and `size` are bytes of that direction's stream. `state` tells how far
    it has come: written by its sender, on the wire, read by its receiver; a held message is only written. `twin` is the
    same message on the other leg of a connection that Alice took apart; `differs` says whether its bytes do, and
    `compared` why. `first` is the number of the field to look at first.
    """

    direction: str = ""
    offset: int | None = None
    size: int = 0
    encrypted: bool = False
    state: Literal["written", "wire", "read"] = "read"
    altered: bool = False
    dropped: bool = False
    alert: str = ""
    fatal: bool = False
    twin: int | None = None
    differs: bool = False
    compared: list[Compared] = []
    first: int = 0


class TpmRow(PlainRow, tag="tpm"):
    """A TPM command with its response; `ms` is how long the TPM took."""

    ms: float = 0.0
    client: str = ""
    locality: int = 0
    rc: int = 0
    rc_name: str = ""
    first: int = 0


class MachineRow(PlainRow, tag="machine"):
    """A machine is switched on, launched, extended or switched off. `boot` marks what happens before the first act."""

    boot: bool = False


class AttackRow(PlainRow, tag="attack"):
    """Alice does something that the honest protocol does not."""


class AppRow(PlainRow, tag="app"):
    """An application's word: what the teller ordered, why it hung up."""


class TruthRow(PlainRow, tag="truth"):
    """Who is really at the other end: nobody inside the run can see this."""

    addressed: str = ""
    answers: str = ""


class BinderRow(PlainRow, tag="binder"):
    """A party hashes its view of the handshake; `side` is whose quote it is for."""

    side: Literal["attester", "verifier", ""] = ""
    binder: str = ""


class VerdictRow(PlainRow, tag="verdict"):
    """One check of an appraisal, with what it expected and found, in hex, if it compared octets."""

    appraisal: int | None = None
    expected: str = ""
    found: str = ""


class AppraisalRow(PlainRow, tag="appraisal"):
    """The Verifier's word. `verdicts` are its checks; `text` what the ladder's box says; `say` and `more` the
    card's.
    """

    about: str = ""
    refused_by: str = ""
    failed: list[str] = []
    verdicts: list[int] = []
    binding: int | None = None
    """Number of its `Binding` in the document."""


class ReadRow(PlainRow, tag="read"):
    """Alice reads something she was not meant to: `of` is the message, `secret` whether it is Bob's canary.

    `loot` is the range of characters in `text` that is the prize (the PIN), or empty.
    """

    of: int = 0
    secret: bool = False
    loot: tuple[int, int] | None = None


AnyRow = (
    PlainRow
    | SectionRow
    | ConnectRow
    | MessageRow
    | TpmRow
    | MachineRow
    | AttackRow
    | AppRow
    | TruthRow
    | BinderRow
    | VerdictRow
    | AppraisalRow
    | ReadRow
)


class Phase(Struct):
    """A stretch of the run with a name of its own: rows `first` to `last`, both included."""

    name: str
    first: int
    last: int


class Source(Struct):
    """Where octets stand: a range of part `part` of row `row`."""

    row: int
    part: int = 0
    start: int = 0
    end: int = 0


class Input(Struct):
    """One input of a binder: its name in the design, plain words, and its octets as each side hashed them (hex).

    `attester` or `verifier` is None if that side hashed no such field or has not hashed yet. `source` says from which
    octets of the handshake each side took it.
    """

    name: str
    plain: str = ""
    say: str = ""
    attester: str | None = None
    verifier: str | None = None
    differs: bool = False
    attester_source: Source | None = None
    verifier_source: Source | None = None


class Binding(Struct):
    """`H(inputs)` as the quote has it and as the Verifier recomputed it.

    `attester_row` and `verifier_row` are the steps at which each side hashed. `not_covered` says in a sentence what the
    hash leaves open; a binding never claims more than it binds.
    """

    design: str
    role: str
    attester: str = ""
    verifier: str = ""
    inputs: list[Input] = []
    binder: str = ""
    extra_data: str = ""
    holds: bool = False
    not_covered: str = ""
    attester_row: int | None = None
    verifier_row: int | None = None
    appraisal: int | None = None


class Holder(Struct):
    """A party that has a secret, from step `row` on; `how` it came by it, if that is worth a sentence."""

    party: str
    row: int
    how: str = ""


class HeldSecret(Struct):
    """A secret of the run and who holds it: a key, a pre-master secret, the PIN.

    `id` is stable (`teller-alice/master_secret`), `inputs` the ids of what it is made of. `row` is the first step at
    which anybody had it. `hex` and `snippet` (Python that recomputes it and asserts equality) only if secrets were
    asked for. `call` says in a line how it is made of its inputs. A `public` value has no holders: everybody knows it.
    `prize` marks what Alice is after.
    """

    id: str
    name: str
    connection: str = ""
    row: int = 0
    holders: list[Holder] = []
    inputs: list[str] = []
    level: int = 0
    say: str = ""
    clause: str = ""
    call: str = ""
    public: bool = False
    prize: bool = False
    hex: str = ""
    snippet: str = ""


class Extended(Struct):
    """A change of a machine's PCR at step `row`: value before, what was extended, value after (hex)."""

    machine: str
    pcr: int
    row: int
    before: str = ""
    digest: str = ""
    after: str = ""
    what: str = ""


class SteeringState(Struct):
    """How a run that can be steered stands: `state`, and while held the connection and message that wait."""

    state: Literal["running", "held", "ended"] = "running"
    connection: str = ""
    message: str = ""
    row: int | None = None
    breaks: list[str] = []


class Tampered(Struct):
    """A row of the tamper map: a field changed once in flight, and what caught it (the kinds of `trustlab tamper`)."""

    design: str
    connection: str
    message: str
    nth: int
    field: str
    kind: str
    party: str | None = None
    caught_by: str = ""
    sentence: str = ""
    keys: bool = False


class Tampering(Struct):
    """How far a tamper map is that is played beside the view: `done` of `total` rows; None if that is not known yet."""

    design: str
    keys: bool = False
    done: int = 0
    total: int | None = None
    state: Literal["playing", "over", "stopped", "failed"] = "playing"
    why: str = ""

    @property
    def said(self) -> str:
        """It in words."""
        rows = f"{self.done} of {self.total} fields" if self.total else f"{self.done} fields"
        return f"{rows}, {self.state}{f' ({self.why})' if self.why else ''}"


class Frame(Struct, omit_defaults=False):
    """All of a document that is not rows. What changes in it is sent with the next batch.

    `reads` says from which step on Alice can read what; before the first of it she reads nothing secret. `prize` is
    what she is after, in words ("Bob's PIN"). `mappable` is the design whose tamper map a page may ask for. `tampering`
    is the map that is played or was played last, `other_layer` how that of the other layer ended.
    """

    title: str = ""
    substrate: str = ""
    badge: str = ""
    outcome: str = ""
    secrets_shown: bool = False
    live: bool = False
    lifelines: list[str] = []
    phases: list[Phase] = []
    reads: list[int] = []
    prize: str = ""
    bindings: list[Binding] = []
    secrets: list[HeldSecret] = []
    pcrs: list[Extended] = []
    notes: list[str] = []
    steering: SteeringState | None = None
    mappable: str = ""
    tampering: Tampering | None = None
    other_layer: Tampering | None = None


class Document(Struct, omit_defaults=False):
    """A whole run: `frame`, `rows` by id, and the `texts` that fields name by number."""

    frame: Frame
    rows: list[AnyRow] = []
    texts: list[str] = msgspec.field(default_factory=lambda: [""])
    tamper: list[Tampered] = []


class FrameSplice(Struct, omit_defaults=False):
    """A change in the frame's list `name`: its first `head` and its last `tail` items stay, `items` stand between them.

    So it may come twice, and to a page that already has what it brings.
    """

    name: str
    head: int
    tail: int
    items: list[Any]


class Batch(Struct, omit_defaults=False):
    """What is new since the last batch: changed or new rows, texts from number `texts_from` on, the values of the frame
    that changed, by name, and the changes in its lists.
    """

    rows: list[AnyRow] = []
    texts_from: int = 0
    texts: list[str] = []
    frame: dict[str, Any] = {}
    lists: list[FrameSplice] = []
    tamper: list[Tampered] = []


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `Document` and `Batch`; the browser's types are checked against it."""
    _, components = msgspec.json.schema_components([Document, Batch], ref_template="#/$defs/{name}")
    return components
