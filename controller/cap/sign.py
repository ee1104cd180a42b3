"""Signatures on CAP messages (XML-DSig, enveloped), ours and other people's.

Only what a signature covers counts: whoever trusts one reads the element that `verified` returns.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from controller.cap.model import NAMESPACE, SIGNATURE_NAMESPACE
from controller.keys import write_once

_VALID: Final = timedelta(days=20 * 365)
_KEY_FILE: Final = "cap-signing.pem"
_SIGNATURE: Final = f"{{{SIGNATURE_NAMESPACE}}}Signature"


class NotSigned(Exception):
    """No signature of those certificates holds."""


class CapSigner:
    """Our own key with its certificate, which others need in order to verify what we sign."""

    def __init__(self, key_pem: bytes, certificate: x509.Certificate) -> None:
        self._key_pem = key_pem
        self.certificate = certificate

    @classmethod
    def load_or_make(cls, folder: Path, name: str, now: datetime) -> "CapSigner":
        """From `cap-signing.pem` there, which holds both; made where there is none."""
        path = folder / _KEY_FILE
        if not path.exists():
            write_once(path, _made(name, now).decode())
        pem = path.read_bytes()
        return cls(pem, x509.load_pem_x509_certificate(pem))

    def signed(self, root: etree._Element) -> etree._Element:
        """With a signature as the last element."""
        signer = XMLSigner(
            signature_algorithm=SignatureMethod.ECDSA_SHA256, digest_algorithm=DigestAlgorithm.SHA256
        )
        return signer.sign(root, key=self._key_pem, cert=[self.certificate])


def has_signature(root: etree._Element) -> bool:
    return root.find(f".//{_SIGNATURE}") is not None


def verified(
    root: etree._Element, certificates: tuple[x509.Certificate, ...], now: datetime
) -> etree._Element:
    """The `alert` that one of the certificates has signed, and nothing else. Raises NotSigned.

    The first signature among the alert's children counts, and has to cover the whole of it; the certificate
    inside it proves nothing. SHA-1 is refused.
    """
    for certificate in certificates:
        signed = _signed_by(root, certificate, now)
        if signed is not None and signed.tag == f"{{{NAMESPACE}}}alert":
            return signed
    raise NotSigned


def _signed_by(root: etree._Element, certificate: x509.Certificate, now: datetime) -> etree._Element | None:
    """What the first signature covers, if it is that certificate's and holds."""
    configuration = SignatureConfiguration(
        location="./", ignore_ambiguous_key_info=True, verification_time=now
    )
    document = etree.tostring(root.getroottree())
    try:
        result = XMLVerifier().verify(document, x509_cert=certificate, expect_config=configuration)
    except (SignXMLException, UnsupportedAlgorithm, etree.LxmlError, ValueError, TypeError, LookupError):
        return None
    return None if isinstance(result, list) else result.signed_xml


def _made(name: str, now: datetime) -> bytes:
    """A new key on P-256 with a certificate that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
