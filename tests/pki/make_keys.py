"""Write the stored RSA and DSA keys of `tests/pki/data` (`python -m tests.pki.make_keys`).

Run once; its results are checked in. It leaves files that are there already alone,
so that certificates built from them stay the same byte for byte. `openssl` makes the
512-bit keys, which `cryptography` loads but does not generate.
"""

import subprocess

from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.pki.keys import DATA, STORED, StoredKind


def generate(kind: StoredKind) -> bytes:
    """A new key of the kind, as unencrypted PKCS #8 PEM."""
    bits = int(kind[3:])
    if kind == "rsa512":
        command = ("openssl", "genrsa", str(bits))
        return subprocess.run(command, check=True, capture_output=True).stdout
    fresh = dsa.generate_private_key(bits) if kind == "dsa2048" else rsa.generate_private_key(65537, bits)
    return fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def main() -> None:
    """Write every stored key that is missing."""
    DATA.mkdir(exist_ok=True)
    for kind, count in STORED.items():
        for index in range(count):
            path = DATA / f"{kind}-{index}.pem"
            if not path.exists():
                path.write_bytes(generate(kind))


if __name__ == "__main__":
    main()
