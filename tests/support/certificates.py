"""Certificates of a test's own authority, made by the `openssl` of the machine."""

import shutil
import subprocess
from pathlib import Path

OPENSSL = shutil.which("openssl")


class Authority:
    """Somebody who signs certificates; a directory holds its own and theirs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate = directory / "ca.pem"
        self._key = directory / "ca.key"
        self._run("req", "-x509", "-subj", "/CN=authority", "-keyout", self._key, "-out", self.certificate)

    def certify(self, name: str) -> tuple[Path, Path]:
        """Make a server's certificate for a host's name; returns it and its key."""
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        self._run(
            *("req", "-x509", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", self.certificate, "-CAkey", self._key),
            *("-keyout", key, "-out", certificate),
        )
        return certificate, key

    @staticmethod
    def _run(*words: str | Path) -> None:
        made = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
        subprocess.run([OPENSSL or "openssl", *words, *made], check=True, capture_output=True)


def speaks_tls(program: Path) -> bool:
    """Whether a server program was built with OpenSSL."""
    return b"SSL_CTX_new" in program.read_bytes()
