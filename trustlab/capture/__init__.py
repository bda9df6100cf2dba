"""Passive decoding: frames and keys in, messages and knowledge out, by calling `tls` codecs.

`PassiveDecoder` writes for a connection of strangers the events our own engine would write; `knowledge` derives what a
party knows from the octets it saw and the keys it holds.
"""

from trustlab.capture.decoded import Decoded, Trouble
from trustlab.capture.decoder import ConnectionDecoder
from trustlab.capture.errors import CaptureError
from trustlab.capture.export import TPM_PORT, frame_comments, write_trace
from trustlab.capture.flight import FieldsInFlight
from trustlab.capture.keys import PRIVATE_KEY, Handshake, KeyLog, KeySource, TraceKeys, keylog, parse_keylog
from trustlab.capture.knowledge import NETWORK_OWNER, Knowledge, Place, knowledge
from trustlab.capture.live import Sniffer, packets
from trustlab.capture.offline import decode_frames, decode_pcapng
from trustlab.capture.passive import PassiveDecoder

__all__ = [
    "NETWORK_OWNER",
    "PRIVATE_KEY",
    "TPM_PORT",
    "CaptureError",
    "ConnectionDecoder",
    "Decoded",
    "FieldsInFlight",
    "Handshake",
    "KeyLog",
    "KeySource",
    "Knowledge",
    "PassiveDecoder",
    "Place",
    "Sniffer",
    "TraceKeys",
    "Trouble",
    "decode_frames",
    "decode_pcapng",
    "frame_comments",
    "keylog",
    "knowledge",
    "packets",
    "parse_keylog",
    "write_trace",
]
