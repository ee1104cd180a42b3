"""Signatures: what holds, what does not, and that only what is covered is read."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from controller.cap import safe
from controller.cap.model import SIGNATURE_NAMESPACE
from controller.cap.parse import parse, understand
from controller.cap.sign import CapSigner, NotSigned, has_signature, verified
from tests.support.cap import NAMESPACE, SHARED, info, message, need_samples, schema

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SIGNATURE = f"{{{SIGNATURE_NAMESPACE}}}Signature"


@pytest.fixture
def signer(tmp_path: Path) -> CapSigner:
    return CapSigner.load_or_make(tmp_path / "keys", "kttv", NOW)


@pytest.fixture
def signed(signer: CapSigner) -> bytes:
    return etree.tostring(signer.signed(etree.fromstring(message(NOW))))


def check(raw: bytes, signer: CapSigner, now: datetime = NOW) -> etree._Element:
    return verified(safe.read(raw, keep_marks=True), (signer.certificate,), now)


def test_what_is_signed_is_what_is_read(signer: CapSigner, signed: bytes) -> None:
    assert understand(check(signed, signer)) == parse(signed) == parse(message(NOW))


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = CapSigner.load_or_make(tmp_path / "keys", "kttv", NOW)
    again = CapSigner.load_or_make(tmp_path / "keys", "other", NOW)
    assert again.certificate == first.certificate
    assert (tmp_path / "keys" / "cap-signing.pem").stat().st_mode & 0o077 == 0


def test_it_survives_blanks_around_it_and_other_quotes(signer: CapSigner, signed: bytes) -> None:
    check(b"<?xml version='1.0'?>\n<!-- relayed -->\n" + signed + b"\n", signer)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda raw: raw.replace(b"Actual", b"Exercise"),
        lambda raw: raw.replace(b"02683", b"02728"),
        lambda raw: raw.replace(b"</description>", b" </description>"),
        lambda raw: raw.replace(b"<scope>", b"<note>x</note><scope>"),
        lambda raw: raw.replace(b"DigestValue>", b"DigestValue>A", 1),
        lambda raw: raw.replace(b"SignatureValue>", b"SignatureValue>AAAA", 1),
        lambda raw: raw.replace(b"ecdsa-sha256", b"ecdsa-sha1"),
    ],
)
def test_a_change_shows(signer: CapSigner, signed: bytes, tamper: Callable[[bytes], bytes]) -> None:
    changed = tamper(signed)
    assert changed != signed
    with pytest.raises(NotSigned):
        check(changed, signer)


def test_another_certificate_does_not_hold_even_inside_the_signature(signed: bytes, tmp_path: Path) -> None:
    other = CapSigner.load_or_make(tmp_path / "other", "kttv", NOW)
    with pytest.raises(NotSigned):
        check(signed, other)
    with pytest.raises(NotSigned):
        check(message(NOW), other)


def test_one_of_several_certificates_is_enough(signer: CapSigner, signed: bytes, tmp_path: Path) -> None:
    other = CapSigner.load_or_make(tmp_path / "other", "kttv", NOW)
    root = safe.read(signed, keep_marks=True)
    assert verified(root, (other.certificate, signer.certificate), NOW) is not None


def test_a_certificate_has_its_time(signer: CapSigner, signed: bytes) -> None:
    with pytest.raises(NotSigned):
        check(signed, signer, NOW + timedelta(days=21 * 365))


def forged() -> etree._Element:
    return etree.fromstring(message(NOW, "FORGED", infos=[info(NOW, headline="False alarm")]))


def wrapped_beside(signed: etree._Element) -> etree._Element:
    """A false alert whose child is the true one with its signature."""
    false = forged()
    false.append(signed)
    return false


def wrapped_signature(signed: etree._Element) -> etree._Element:
    """The true signature moved into a false alert, the true alert hidden in it."""
    false, signature = forged(), signed.find(SIGNATURE)
    assert signature is not None
    false.append(copy.deepcopy(signature))
    holder = etree.SubElement(false, f"{{{NAMESPACE}}}note")
    holder.append(signed)
    return false


def wrapped_object(signed: etree._Element) -> etree._Element:
    """The true alert inside the Object of a signature on a false one."""
    false, signature = forged(), signed.find(SIGNATURE)
    assert signature is not None
    moved = copy.deepcopy(signature)
    etree.SubElement(moved, f"{{{SIGNATURE_NAMESPACE}}}Object").append(signed)
    false.append(moved)
    return false


@pytest.mark.parametrize("wrap", [wrapped_beside, wrapped_signature, wrapped_object])
def test_wrapping_a_true_message_does_not_lend_its_signature(
    signer: CapSigner, signed: bytes, wrap: Callable[[etree._Element], etree._Element]
) -> None:
    raw = etree.tostring(wrap(etree.fromstring(signed)))
    assert has_signature(etree.fromstring(raw))
    try:
        found = check(raw, signer)
    except NotSigned:
        return
    assert understand(found).identifier == "M-1"


def test_a_reference_to_a_part_is_not_a_signature_on_the_whole(signer: CapSigner) -> None:
    """Signed is an element with an Id inside a false alert; what is returned is never that alert."""
    true = etree.fromstring(message(NOW))
    true.set("Id", "true")
    signed = signer.signed(true)
    false, signature = forged(), signed.find(SIGNATURE)
    assert signature is not None
    false.append(copy.deepcopy(signature))
    false.append(signed)
    try:
        found = check(etree.tostring(false), signer)
    except NotSigned:
        return
    assert understand(found).identifier == "M-1"


def test_signed_messages_pass_the_schema(signed: bytes) -> None:
    schema().assertValid(etree.fromstring(signed))


def test_signatures_of_the_samples_are_not_taken_on_trust(signer: CapSigner) -> None:
    need_samples()
    for path in (SHARED / "samples").glob("*.xml"):
        raw = path.read_bytes()
        if has_signature(safe.read(raw)):
            with pytest.raises(NotSigned):
                check(raw, signer)
