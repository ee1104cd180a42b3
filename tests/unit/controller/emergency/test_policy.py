"""Which alerts need two people, and a policy file that says what is wrong with it."""

import os
from pathlib import Path

import pytest

from controller.emergency.policy import Policy, PolicyFile, TwoPeopleRule, parse, read
from controller.errors import Invalid
from controller.web.texts import Texts
from wire.ids import Severity

CHAINS = {
    "tinh": ("tinh",),
    "xa-1": ("tinh", "xa-1"),
    "thon": ("tinh", "xa-1", "thon"),
    "xa-2": ("tinh", "xa-2"),
}


def chain(area_id: str) -> tuple[str, ...]:
    return CHAINS.get(area_id, ())


@pytest.mark.parametrize(
    ("area", "severity", "two"),
    [
        ("xa-1", Severity.SEVERE, True),
        ("xa-1", Severity.EXTREME, True),
        ("xa-1", Severity.MODERATE, False),
        ("xa-1", Severity.UNKNOWN, False),
        ("thon", Severity.SEVERE, True),
        ("tinh", Severity.SEVERE, True),
        ("xa-2", Severity.EXTREME, False),
    ],
)
def test_a_rule_holds_for_its_area_what_is_below_and_what_contains_it(
    area: str,
    severity: Severity,
    two: bool,
) -> None:
    policy = Policy((TwoPeopleRule("xa-1", Severity.SEVERE),))
    assert (policy.two_for([area], severity, chain) is not None) is two


def test_one_of_several_areas_is_enough() -> None:
    policy = Policy((TwoPeopleRule("xa-1", Severity.UNKNOWN),))
    assert policy.two_for(["xa-2", "thon"], Severity.MINOR, chain)
    assert not policy.two_for(["xa-2"], Severity.EXTREME, chain)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[[two_people]\n", "emergency.policy_not_toml"),
        ("two_people = 3", "emergency.policy_not_tables"),
        ("[[two_persons]]\narea = 'a'", "emergency.policy_unknown_name"),
        ("[[two_people]]\narea = 'a'\nfrom_severity = 'severe'\nfrom = 1", "emergency.policy_unknown_name"),
        ("[[two_people]]\nfrom_severity = 'severe'", "emergency.policy_no_area"),
        ("[[two_people]]\narea = 'a'", "emergency.policy_bad_severity"),
        ("[[two_people]]\narea = 'a'\nfrom_severity = 'awful'", "emergency.policy_bad_severity"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said(text: str, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text, "emergency.toml")
    assert refused.value.key == key
    for language in ("vi", "en"):
        assert "emergency.toml" in Texts().say(language, key, **refused.value.params)


def test_without_a_file_one_person_is_enough(tmp_path: Path) -> None:
    assert read(tmp_path / "emergency.toml") == Policy()


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "emergency.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match="policy_unreadable"):
        read(path)


def test_a_changed_file_counts_at_once_and_a_spoilt_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "emergency.toml"
    watched = PolicyFile(path)
    assert watched.current() == Policy()
    write(path, "[[two_people]]\narea = 'xa-1'\nfrom_severity = 'extreme'\n", 1)
    rule = TwoPeopleRule("xa-1", Severity.EXTREME)
    assert watched.current().two_people == (rule,)
    write(path, "[[two_people]]\narea = 'xa-1'\n", 2)
    assert watched.current().two_people == (rule,)
    write(path, "", 3)
    assert watched.current().two_people == ()


def test_a_file_that_was_never_good_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "emergency.toml"
    write(path, "two_people", 1)
    with pytest.raises(Invalid):
        PolicyFile(path).current()


def write(path: Path, text: str, second: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))
