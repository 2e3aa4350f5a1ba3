"""What a sign-in needs, and what a code looks like."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shaodao.foundation import district
from shaodao.foundation.district import RequiredFor, Settings, parse_settings
from shaodao.organisations.account import qr, rules
from shaodao.organisations.account.rules import Need
from shaodao.organisations.account.sealing import Unreadable, seal, unseal

ADMINS = Settings(second_factor=RequiredFor(("admin",)))


@pytest.mark.parametrize(
    ("rule", "roles", "sample", "has", "strong", "then"),
    [
        (Settings(), {"admin"}, False, False, False, Need.NOTHING),
        (Settings(), {"admin"}, False, True, False, Need.CODE),
        (Settings(), {"admin"}, False, True, True, Need.NOTHING),  # the provider asked for it
        (ADMINS, {"admin", "street"}, False, False, False, Need.SET_UP),
        (ADMINS, {"street"}, False, False, False, Need.NOTHING),
        (ADMINS, set(), False, False, False, Need.NOTHING),
        (ADMINS, {"admin"}, True, False, False, Need.NOTHING),  # an invented person of the demonstration
        (ADMINS, {"admin"}, True, True, False, Need.CODE),
        (Settings(second_factor="off"), {"admin"}, False, True, False, Need.NOTHING),
    ],
)
def test_what_comes_after_the_password(rule, roles, sample, has, strong, then):
    assert rules.need(rule, roles, sample=sample, has_factor=has, strong=strong) is then


def test_the_setting_of_a_district():
    assert parse_settings({}).second_factor == "optional"
    assert parse_settings({"second_factor": False}).second_factor == "off"  # a bare `off` in YAML
    assert parse_settings({"second_factor": {"required_for": ["admin"]}}) == ADMINS
    for wrong in ("always", True, ["admin"], {"required_for": "admin"}, {"required": ["admin"]}, 1):
        with pytest.raises(msgspec.ValidationError, match="second_factor"):
            district.parse_settings({"second_factor": wrong})


def test_a_code_is_read_as_it_was_meant():
    assert rules.plain(" １２３ 456 ") == "123456"
    assert rules.plain("ABCDE-fghjk") == "abcdefghjk"
    assert rules.is_totp("123456") and not rules.is_totp("12345") and not rules.is_totp("١٢٣٤٥٦")
    assert rules.is_recovery("abcdefghjk") and not rules.is_recovery("abcdefghj1") and not rules.is_recovery("abc")


@given(st.text(max_size=30))
def test_no_text_is_too_strange_to_be_read(text):
    code = rules.plain(text)
    assert not set(code) & set(" -_\t\n")
    assert code.isascii() or not (rules.is_totp(code) or rules.is_recovery(code))


def test_a_secret_lies_sealed(settings):
    sealed = seal("JBSWY3DPEHPK3PXP")
    assert "JBSWY3DPEHPK3PXP" not in sealed and unseal(sealed) == "JBSWY3DPEHPK3PXP"
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another signing key altogether"
    with pytest.raises(Unreadable):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed) == "JBSWY3DPEHPK3PXP"


def test_the_qr_code_needs_no_style():
    drawn = qr.svg("otpauth://totp/%E5%93%A8%E5%88%B0:a?secret=JBSWY3DPEHPK3PXP")
    assert drawn.startswith("<svg") and "style" not in drawn and "script" not in drawn and 'stroke="#000"' in drawn
