"""A second checker of a chain of seals, made from src/seal/README.md alone: python3 check_seals.py FOLDER PUBLIC_KEY.pem"""
import base64, hashlib, json, os, re, subprocess, sys, tempfile

folder, pem = sys.argv[1:3]
KINDS = {"302a300506032b6570": "ed25519", "3059301306072a8648ce3d020106082a8648ce3d030107": "ecdsa-p256-sha256"}


def public_der():
    text = open(pem).read()
    return base64.b64decode("".join(line for line in text.splitlines() if not line.startswith("-----")))


def algorithm():
    return next((name for start, name in KINDS.items() if public_der().hex().startswith(start)), None)


def signed_by_key(message, signature):
    ecdsa = algorithm() == "ecdsa-p256-sha256"
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError:
        with tempfile.TemporaryDirectory() as work:
            for name, data in (("m", message), ("s", signature)):
                open(os.path.join(work, name), "wb").write(data)
            command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", os.path.abspath(pem), "-rawin"]
            command += ["-in", "m", "-sigfile", "s"] + (["-digest", "sha256"] if ecdsa else [])
            return subprocess.run(command, cwd=work, capture_output=True).returncode == 0
    try:
        load_der_public_key(public_der()).verify(signature, message, *([ECDSA(hashes.SHA256())] if ecdsa else []))
        return True
    except InvalidSignature:
        return False


def read(data):
    lines = data.split(b"\n")
    if len(data) > 65536 or len(lines) != 3 or lines[2] != b"":
        raise ValueError("not two lines")
    record, seal = (json.loads(line) for line in lines[:2])
    for value, line in ((record, lines[0]), (seal, lines[1])):
        if json.dumps(value, separators=(",", ":")).encode() != line:
            raise ValueError("not canonical")
    signature = base64.b64decode(seal["signature"], validate=True)
    if list(seal) != ["algorithm", "signature"] or seal["algorithm"] != algorithm() or record["seal"] != 1:
        raise ValueError("not a seal of layout 1")
    if base64.b64encode(signature).decode() != seal["signature"]:
        raise ValueError("signature not canonical")
    if record["key"] != hashlib.sha256(public_der()).hexdigest():
        raise ValueError("another key")
    if not signed_by_key(lines[0], signature):
        raise ValueError("bad signature")
    return record


names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"seal-\d{10}\.jsonl", name))
data = {int(name[5:15]): open(os.path.join(folder, name), "rb").read() for name in names}
bad = {number: "missing" for number in range(1, max(data, default=1) + 1) if number not in data}
for number in sorted(data):
    try:
        record = read(data[number])
        if record["number"] != number:
            bad[number] = f"holds {record['number']}"
        elif (record["previous"] is None) != (number == 1):
            bad[number] = "bad start"
        elif number - 1 in data and hashlib.sha256(data[number - 1]).hexdigest() != record["previous"]:
            bad.setdefault(number - 1, f"not the one that {number} follows")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        bad[number] = str(error)
for number in sorted(bad):
    print(number, bad[number])
sys.exit(1 if bad else 0)
