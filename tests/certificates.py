"""Certificates of localhost that nobody but themselves has signed."""

import subprocess


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def self_signed(folder):
    """The paths of a certificate and of its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
    return certificate, key


def expired(folder):
    """The same, and its last day was yesterday."""
    certificate, key = self_signed(folder)
    old = folder / "old.pem"
    openssl("x509", "-in", certificate, "-signkey", key, "-days", -1, "-out", old)
    return old, key
