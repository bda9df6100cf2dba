"""The commands by number: names, handles, parameters, and where TPM 2.0 Part 3 describes them.

A layout is a line of `name:type` fields. Types are the kinds of `walker`; a parameter marked `secret` is blanked in the
trace and appears there only as an event of kind `secret`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustlab.tpm.framing import command

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Command:
    """What a command code stands for; `handles` and `answer_handle` are names of handle fields."""

    code: int
    name: str
    clause: str
    handles: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    answer_handle: str = ""
    answer: tuple[tuple[str, str], ...] = ()
    sentence: str = ""

    @property
    def full_name(self) -> str:
        """The name as the standard writes it."""
        return f"TPM2_{self.name}"

    @property
    def reference(self) -> str:
        """The clause, for a span or a verdict."""
        return f"TPM 2.0 Part 3, {self.clause}"


def _fields(layout: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name, _, kind in (field.partition(":") for field in layout.split()))


def _rows() -> dict[int, Command]:
    table = {}
    for line in _TABLE.strip().splitlines():
        code, name, clause, handles, parameters, answer_handle, answer, sentence = (c.strip() for c in line.split("|"))
        number = int(code, 16)
        table[number] = Command(
            number, name, clause, tuple(handles.split()), _fields(parameters), answer_handle, _fields(answer), sentence
        )
    return table


_ATTEST = "certifyInfo:2b/attest signature:signature"
_CREATE = "inSensitive:2b/sensitive inPublic:2b/public outsideInfo:2b creationPCR:pcrs"
_CREATED = "creationData:2b/creation creationHash:2b creationTicket:ticket"
_TABLE = f"""
11f|NV_UndefineSpaceSpecial|31.4|nvIndex platform||||Removes a place in memory that only its own policy lets go.
120|EvictControl|28.5|auth objectHandle|persistentHandle:u32|||Makes an object persistent, or removes a persistent one.
121|HierarchyControl|24.2|authHandle|enable:u32 state:u8|||Switches a hierarchy on or off.
122|NV_UndefineSpace|31.5|authHandle nvIndex||||Gives back a place in non-volatile memory.
124|ChangeEPS|24.5|authHandle||||Replaces the endorsement seed. The machine loses its identity.
125|ChangePPS|24.4|authHandle||||Replaces the platform seed.
126|Clear|24.6|authHandle||||Removes everything that an owner put into the TPM. Every storage and endorsement object becomes useless.
127|ClearControl|24.7|auth|disable:u8|||Allows or forbids TPM2_Clear.
128|ClockSet|29.2|auth|newTime:u64|||Sets the TPM's clock forward.
129|HierarchyChangeAuth|24.8|authHandle|newAuth:2b/secret|||Sets a hierarchy's password.
12a|NV_DefineSpace|31.3|authHandle|auth:2b/secret publicInfo:2b|||Reserves non-volatile memory, with the rules for its use.
12b|PCR_Allocate|22.5|authHandle|pcrAllocation:pcrs||allocationSuccess:u8 maxPCR:u32 sizeNeeded:u32 sizeAvailable:u32|Says which banks of PCRs the TPM shall have from the next start on.
12c|PCR_SetAuthPolicy|22.6|authHandle|authPolicy:2b hashAlg:u16 pcrNum:u32|||Sets the policy that guards a group of PCRs.
12d|PP_Commands|26.2|auth|setList:codes clearList:codes|||Lists the commands for which somebody has to be at the machine.
12e|SetPrimaryPolicy|24.3|authHandle|authPolicy:2b hashAlg:u16|||Sets the policy of a hierarchy, beside its password.
12f|FieldUpgradeStart|27.2|authorization keyHandle|fuDigest:2b manifestSignature:signature|||Begins to replace the TPM's firmware.
130|ClockRateAdjust|29.3|auth|rateAdjust:u8|||Makes the TPM's clock a little faster or slower.
131|CreatePrimary|24.1|primaryHandle|{_CREATE}|objectHandle|outPublic:2b/public {_CREATED} name:2b|Derives a key from a hierarchy's seed: the same template gives the same key again.
132|NV_GlobalWriteLock|31.12|authHandle||||Locks every place in memory that asked to be locked with the others.
133|GetCommandAuditDigest|18.6|privacyHandle signHandle|qualifyingData:2b inScheme:scheme||auditInfo:2b/attest signature:signature|The TPM signs a digest of all audited commands.
134|NV_Increment|31.8|authHandle nvIndex||||Adds one to a counter in memory, which never goes back.
135|NV_SetBits|31.10|authHandle nvIndex|bits:u64|||Sets bits in memory, which are never cleared.
136|NV_Extend|31.9|authHandle nvIndex|data:2b|||Extends a place in memory, as PCRs are extended.
137|NV_Write|31.7|authHandle nvIndex|data:2b offset:u16|||Writes into non-volatile memory.
138|NV_WriteLock|31.11|authHandle nvIndex||||Forbids writing to a place in memory.
139|DictionaryAttackLockReset|25.2|lockHandle||||Unlocks a TPM that was locked by too many wrong passwords.
13a|DictionaryAttackParameters|25.3|lockHandle|newMaxTries:u32 newRecoveryTime:u32 lockoutRecovery:u32|||Says how many wrong passwords lock the TPM, and for how long.
13b|NV_ChangeAuth|31.15|nvIndex|newAuth:2b/secret|||Changes the password of a place in memory.
13c|PCR_Event|22.3|pcrHandle|eventData:2b||digests:hashes|Hashes data and extends a PCR with the digest.
13d|PCR_Reset|22.8|pcrHandle||||Sets a PCR back to zero, where the locality allows it.
13e|SequenceComplete|17.6|sequenceHandle|buffer:2b hierarchy:u32||result:2b validation:ticket|Ends a hash that was computed in several steps.
13f|SetAlgorithmSet|26.3|authHandle|algorithmSet:u32|||Chooses between sets of algorithms of the maker's.
140|SetCommandCodeAuditStatus|21.2|auth|auditAlg:u16 setList:codes clearList:codes|||Says which commands are audited.
141|FieldUpgradeData|27.3||fuData:2b||nextDigest:hash firstDigest:hash|Gives the TPM the next piece of its new firmware.
142|IncrementalSelfTest|10.3||toTest:algorithms||toDoList:algorithms|Tests some of the TPM's algorithms.
143|SelfTest|10.2||fullTest:u8|||Tests the TPM's own functions.
144|Startup|9.3||startupType:u16|||The first command after power on; CLEAR starts afresh, STATE resumes.
145|Shutdown|9.4||shutdownType:u16|||Announces that the power will go off; STATE asks the TPM to keep what a resume needs.
146|StirRandom|16.2||inData:2b|||Mixes data of the caller into the TPM's random numbers.
147|ActivateCredential|12.5|activateHandle keyHandle|credentialBlob:2b secret:2b||certInfo:2b/secret|Opens a credential only if the key with the Name in it lives in the same TPM as the EK. So a CA learns that both are in one TPM.
148|Certify|18.2|objectHandle signHandle|qualifyingData:2b inScheme:scheme||{_ATTEST}|The AK signs that an object with this Name is loaded here.
149|PolicyNV|23.9|authHandle nvIndex policySession|operandB:2b offset:u16 operation:u16|||Asserts something about the contents of non-volatile memory.
14a|CertifyCreation|18.3|signHandle objectHandle|qualifyingData:2b creationHash:2b inScheme:scheme creationTicket:ticket||{_ATTEST}|The AK signs that this TPM itself made the object, and how: imported keys have no such ticket.
14b|Duplicate|13.1|objectHandle newParentHandle|encryptionKeyIn:2b symmetricAlg:symmetric||encryptionKeyOut:2b duplicate:2b outSymSeed:2b|Lets a key out of its TPM, wrapped for another parent. Never allowed for a fixedTPM key.
14c|GetTime|18.7|privacyAdminHandle signHandle|qualifyingData:2b inScheme:scheme||timeInfo:2b/attest signature:signature|The TPM signs what its clock says.
14d|GetSessionAuditDigest|18.5|privacyAdminHandle signHandle sessionHandle|qualifyingData:2b inScheme:scheme||auditInfo:2b/attest signature:signature|The TPM signs a digest of what was done in an audit session.
14e|NV_Read|31.13|authHandle nvIndex|size:u16 offset:u16||data:2b|Reads non-volatile memory, for instance the EK certificate.
14f|NV_ReadLock|31.14|authHandle nvIndex||||Forbids reading a place in memory until the next start.
150|ObjectChangeAuth|12.8|objectHandle parentHandle|newAuth:2b/secret||outPrivate:2b|Changes the password of a key; what comes back has to be loaded anew.
151|PolicySecret|23.4|authHandle policySession|nonceTPM:2b cpHashA:2b policyRef:2b expiration:u32||timeout:2b policyTicket:ticket|Asserts that a hierarchy's password is known.
152|Rewrap|13.2|oldParent newParent|inDuplicate:2b name:2b inSymSeed:2b||outDuplicate:2b outSymSeed:2b|Wraps a duplicated key for another parent.
153|Create|12.1|parentHandle|{_CREATE}||outPrivate:2b outPublic:2b/public {_CREATED}|The TPM makes a key under a parent; its private part leaves only encrypted.
154|ECDH_ZGen|14.5|keyHandle|inPoint:2b||outPoint:2b/secret|Agrees on a shared point with a key that never leaves the TPM.
155|HMAC|15.5|handle|buffer:2b hashAlg:u16||outHMAC:2b|Computes an HMAC with a key of the TPM.
156|Import|13.3|parentHandle|encryptionKey:2b objectPublic:2b/public duplicate:2b inSymSeed:2b symmetricAlg:symmetric||outPrivate:2b|Takes a key from another TPM, or from software, under a parent.
157|Load|12.2|parentHandle|inPrivate:2b inPublic:2b/public|objectHandle|name:2b|Loads a key that its parent encrypted.
158|Quote|18.4|signHandle|qualifyingData:2b inScheme:scheme PCRselect:pcrs||quoted:2b/attest signature:signature|The AK signs a digest of the PCRs together with the verifier's data.
159|RSA_Decrypt|14.3|keyHandle|cipherText:2b inScheme:scheme label:2b||message:2b/secret|Decrypts with a key that never leaves the TPM.
15b|HMAC_Start|17.2|handle|auth:2b/secret hashAlg:u16|sequenceHandle||Begins an HMAC that is computed in several steps.
15c|SequenceUpdate|17.5|sequenceHandle|buffer:2b|||Adds data to a hash that is computed in several steps.
15d|Sign|20.2|keyHandle|digest:2b inScheme:scheme validation:ticket||signature:signature|Signs a digest with a key that never leaves the TPM.
15e|Unseal|12.7|itemHandle|||outData:2b/secret|Gives sealed data out, if their policy is met.
160|PolicySigned|23.3|authObject policySession|nonceTPM:2b cpHashA:2b policyRef:2b expiration:u32 auth:signature||timeout:2b policyTicket:ticket|Asserts that somebody signed.
161|ContextLoad|28.3||sequence:u64 savedHandle:u32 hierarchy:u32 contextBlob:2b|loadedHandle||Puts back an object that the platform had swapped out.
162|ContextSave|28.2|saveHandle|||sequence:u64 savedHandle:u32 hierarchy:u32 contextBlob:2b|Swaps an object out, encrypted by the TPM.
163|ECDH_KeyGen|14.4|keyHandle|||zPoint:2b/secret pubPoint:2b|Makes an ephemeral key and a shared point.
164|EncryptDecrypt|15.2|keyHandle|decrypt:u8 mode:u16 ivIn:2b inData:2b/secret||outData:2b/secret ivOut:2b|Encrypts or decrypts with a symmetric key of the TPM.
165|FlushContext|28.4||flushHandle:u32|||Removes a loaded object or session.
167|LoadExternal|12.3|  |inPrivate:2b/secret inPublic:2b/public hierarchy:u32|objectHandle|name:2b|Loads a key that is not protected by this TPM.
168|MakeCredential|12.6|handle|credential:2b/secret objectName:2b||credentialBlob:2b secret:2b|Encrypts a secret so that only a TPM with a certain AK and EK opens it.
169|NV_ReadPublic|31.6|nvIndex|||nvPublic:2b nvName:2b|Reads size and rules of a place in memory.
16a|PolicyAuthorize|23.16|policySession|approvedPolicy:2b policyRef:2b keySign:2b checkTicket:ticket|||Asserts that somebody approved this policy.
16b|PolicyAuthValue|23.17|policySession||||Asserts that the object's password will be proved.
16c|PolicyCommandCode|23.11|policySession|code:u32|||Allows one command only.
16d|PolicyCounterTimer|23.10|policySession|operandB:2b offset:u16 operation:u16|||Asserts something about the TPM's clock and counters.
16e|PolicyCpHash|23.13|policySession|cpHashA:2b|||Allows one command with certain parameters only.
16f|PolicyLocality|23.8|policySession|locality:locality|||Asserts the locality; it is checked when the key is used.
170|PolicyNameHash|23.14|policySession|nameHash:2b|||Allows certain objects only.
171|PolicyOR|23.6|policySession|pHashList:digests|||Asserts that one of several policies is met.
172|PolicyTicket|23.5|policySession|timeout:2b cpHashA:2b policyRef:2b authName:2b ticket:ticket|||Repeats an authorization by the ticket it gave.
173|ReadPublic|12.4|objectHandle|||outPublic:2b/public name:2b qualifiedName:2b|Reads a loaded object's public area.
174|RSA_Encrypt|14.2|keyHandle|message:2b/secret inScheme:scheme label:2b||outData:2b|Encrypts with a public key.
176|StartAuthSession|11.1|tpmKey bind|nonceCaller:2b encryptedSalt:2b sessionType:u8 symmetric:symmetric authHash:u16|sessionHandle|nonceTPM:2b|Opens a session; policy assertions are gathered in it.
177|VerifySignature|20.1|keyHandle|digest:2b signature:signature||validation:ticket|Checks a signature, and gives a ticket for it.
178|ECC_Parameters|14.6||curveID:u16||parms:rest|Reads the numbers of an elliptic curve.
179|FirmwareRead|27.4||sequenceNumber:u32||fuData:2b|Reads a copy of the TPM's firmware.
17a|GetCapability|30.2||capability:u32 property:u32 propertyCount:u32||moreData:u8 capabilityData:rest|Asks what this TPM can do.
17b|GetRandom|16.1||bytesRequested:u16||randomBytes:2b|Gives random bytes.
17c|GetTestResult|10.4||||outData:2b testResult:u32|Tells what the self-test found.
17d|Hash|15.4||data:2b hashAlg:u16 hierarchy:u32||outHash:2b validation:ticket|Hashes in the TPM. The ticket says that the data do not look like an attestation.
17e|PCR_Read|22.4||pcrSelectionIn:pcrs||pcrUpdateCounter:u32 pcrSelectionOut:pcrs pcrValues:digests|Reads PCRs.
17f|PolicyPCR|23.7|policySession|pcrDigest:2b pcrs:pcrs|||Asserts the present values of PCRs.
180|PolicyRestart|11.2|sessionHandle||||Takes a policy session back to its beginning.
181|ReadClock|29.1||||time:u64 clock:u64 resetCount:u32 restartCount:u32 safe:u8|Reads clock, resetCount and restartCount.
182|PCR_Extend|22.2|pcrHandle|digests:hashes|||Extends a PCR: new value = H(old value, digest).
183|PCR_SetAuthValue|22.7|pcrHandle|auth:2b/secret|||Sets the password of a PCR.
184|NV_Certify|31.16|signHandle authHandle nvIndex|qualifyingData:2b inScheme:scheme size:u16 offset:u16||certifyInfo:2b/attest signature:signature|The TPM signs what a place in memory holds.
185|EventSequenceComplete|17.7|pcrHandle sequenceHandle|buffer:2b||results:hashes|Ends a hash of several steps and extends a PCR with it.
186|HashSequenceStart|17.4||auth:2b/secret hashAlg:u16|sequenceHandle||Begins a hash that is computed in several steps.
187|PolicyPhysicalPresence|23.12|policySession||||Asserts that somebody is at the machine.
188|PolicyDuplicationSelect|23.15|policySession|objectName:2b newParentName:2b includeObject:u8|||Allows duplication to one new parent only.
189|PolicyGetDigest|23.19|policySession|||policyDigest:2b|Reads what a policy session has gathered.
18a|TestParms|30.3||parms:rest|||Asks whether this TPM can do an algorithm with these parameters.
18b|Commit|19.2|signHandle|P1:2b s2:2b y2:2b||K:2b L:2b E:2b counter:u16|First half of an anonymous signature (ECDAA).
18c|PolicyPassword|23.18|policySession||||Asserts that the object's password will be given in clear.
18d|ZGen_2Phase|14.7|keyA|inQsB:2b inQeB:2b inScheme:u16 counter:u16||outZ1:2b/secret outZ2:2b/secret|Agrees on two shared points, with a static and an ephemeral key.
18e|EC_Ephemeral|19.3||curveID:u16||Q:2b counter:u16|Makes an ephemeral key for a two-phase agreement.
18f|PolicyNvWritten|23.20|policySession|writtenSet:u8|||Asserts that a place in memory was, or was not, written.
190|PolicyTemplate|23.21|policySession|templateHash:2b|||Allows keys of one template only.
191|CreateLoaded|12.9|parentHandle|inSensitive:2b/sensitive inPublic:2b|objectHandle|outPrivate:2b outPublic:2b/public name:2b|Makes a key and loads it at once.
192|PolicyAuthorizeNV|23.22|authHandle nvIndex policySession||||Asserts the policy that a place in memory holds.
193|EncryptDecrypt2|15.3|keyHandle|inData:2b/secret decrypt:u8 mode:u16 ivIn:2b||outData:2b/secret ivOut:2b|Encrypts or decrypts with a symmetric key of the TPM.
197|CertifyX509|18.8|objectHandle signHandle|reserved:2b inScheme:scheme partialCertificate:2b||addedToCertificate:2b tbsDigest:2b signature:signature|The TPM signs a certificate for a key that it holds.
194|AC_GetCapability|32.2|ac|capability:u32 count:u32||moreData:u8 capabilitiesData:rest|Asks what an attached component can do.
195|AC_Send|32.3|sendObject authHandle ac|acDataIn:2b||acDataOut:rest|Sends an object to an attached component.
196|Policy_AC_SendSelect|32.4|policySession|objectName:2b authHandleName:2b acName:2b includeObject:u8|||Allows sending to one attached component only.
198|ACT_SetTimeout|33.2|actHandle|startTimeout:u32|||Starts a countdown that resets the machine.
199|ECC_Encrypt|14.8|keyHandle|plainText:2b/secret inScheme:scheme||C1:2b C2:2b C3:2b|Encrypts with a public key on an elliptic curve.
19a|ECC_Decrypt|14.9|keyHandle|C1:2b C2:2b C3:2b inScheme:scheme||plainText:2b/secret|Decrypts with a key on an elliptic curve that never leaves the TPM.
19b|PolicyCapability|23.23|policySession|operandB:2b offset:u16 operation:u16 capability:u32 property:u32|||Asserts something about the TPM's properties.
19c|PolicyParameters|23.24|policySession|pHash:2b|||Allows certain parameters only.
"""  # noqa: E501, S608 - a table of sentences

COMMANDS = _rows()
"""Command code -> what it is."""

CODES = {row.name: row.code for row in COMMANDS.values()}
"""`Quote` -> 0x158."""


def command_of(name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b"") -> bytes:
    """Put a command together by its name (`Quote`); see `framing.command`."""
    return command(CODES[name], handles, auths, parameters)


def command_name(code: int) -> str:
    """Name a command code as the standard does, e.g. `TPM2_Quote`."""
    row = COMMANDS.get(code)
    return row.full_name if row else f"TPM2_CC_{code:#010x}"
