"""Passive decoding: frames and keys in, messages and knowledge out, by calling `tls` codecs.

`PassiveDecoder` writes for a connection of strangers the events our own engine would write; `knowledge` derives what a
party knows from the octets it saw and the keys it holds.
"""

from trustlab.capture.decoded import Decoded, Trouble
from trustlab.capture.decoder import ConnectionDecoder
from trustlab.capture.errors import CaptureError
from trustlab.capture.export import TPM_PORT, frame_comments, write_trace
from trustlab.capture.flight import FieldsInFlight
from trustlab.capture.keys import PRIVATE_KEY, KeyLogReader, KeySource, SeenHandshake, TraceKeys, keylog, parse_keylog
from trustlab.capture.knowledge import NETWORK_OWNER, Knowledge, Place, knowledge
from trustlab.capture.limits import EVERYTHING, CaptureLimits
from trustlab.capture.live import Sniffer, packets
from trustlab.capture.offline import CaptureProgress, decode_frames, decode_pcapng
from trustlab.capture.opening import open_trace
from trustlab.capture.passive import PassiveDecoder

__all__ = [
    "EVERYTHING",
    "NETWORK_OWNER",
    "PRIVATE_KEY",
    "TPM_PORT",
    "CaptureError",
    "CaptureLimits",
    "CaptureProgress",
    "ConnectionDecoder",
    "Decoded",
    "FieldsInFlight",
    "KeyLogReader",
    "KeySource",
    "Knowledge",
    "PassiveDecoder",
    "Place",
    "SeenHandshake",
    "Sniffer",
    "TraceKeys",
    "Trouble",
    "decode_frames",
    "decode_pcapng",
    "frame_comments",
    "keylog",
    "knowledge",
    "open_trace",
    "packets",
    "parse_keylog",
    "write_trace",
]
