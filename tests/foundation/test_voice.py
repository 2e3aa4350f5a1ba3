"""One voice: what Django and Pydantic say of wrong input is said in the words of the house, in both languages."""

import re

import pytest
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import translation
from pydantic import BaseModel, Field
from pydantic import ValidationError as JsonError

from shaodao.foundation import voice

pytestmark = pytest.mark.nodb
DJANGO = re.compile(r"这个字段|选择一个有效|确保该|输入一个|This field|Enter a|Select a valid|Ensure this")


class Everything(forms.Form):
    text = forms.CharField(max_length=3)
    least = forms.CharField(min_length=3)
    number = forms.IntegerField(min_value=1)
    most = forms.FloatField(max_value=2)
    amount = forms.DecimalField()
    day = forms.DateField()
    moment = forms.DateTimeField()
    time = forms.TimeField()
    mail = forms.EmailField()
    one = forms.ChoiceField(choices=[("a", "A")])
    typed = forms.TypedChoiceField(choices=[("a", "A")])
    some = forms.MultipleChoiceField(choices=[("a", "A")])
    nul = forms.CharField()


WRONG = {
    "text": "四个字啊", "least": "x", "number": "0", "most": "3", "amount": "x", "day": "x", "moment": "x", "time": "x", "mail": "x",
    "one": "zzz", "typed": "zzz", "some": ["zzz"], "nul": "a\x00",
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_forms_speak_with_our_voice(language):
    with translation.override(language):
        empty, wrong = Everything({}).errors, Everything(WRONG).errors
        said = [message for errors in (empty, wrong) for messages in errors.values() for message in messages]
    assert set(wrong) == set(WRONG) and set(empty) == set(Everything.base_fields)
    assert not [text for text in said if DJANGO.search(text)]
    if language == "en":
        assert not [text for text in said if re.search(r"[\u3400-\u9fff]", text)]
    else:
        assert {m for messages in empty.values() for m in messages} == {"必填"}
        assert wrong["one"] == ["没有“zzz”这个选项，请从列出的里面选"]
        assert wrong["text"] == ["最多 3 字，现有 4 字"] and wrong["number"] == ["不能小于 1"]


@pytest.mark.parametrize("password", ["x", "1234567890123", "password123"])
def test_passwords_are_refused_in_chinese(password):
    with pytest.raises(ValidationError) as fault:
        validate_password(password)
    assert all(re.search(r"^密码", message) for message in fault.value.messages), fault.value.messages


class Body(BaseModel, extra="forbid"):
    text: str = Field(max_length=3)
    number: int = Field(ge=1)
    share: float
    yes: bool
    rows: list[int] = Field(max_length=1)
    word: str = Field(pattern="^[a-z]+$")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_schemas_speak_with_our_voice(language):
    given = [
        {"more": 1},
        {"text": 1, "number": "x", "share": "x", "yes": "maybe", "rows": "x", "word": "9"},
        {"text": "四个字啊", "number": 0, "share": float("nan"), "yes": 1, "rows": [1, 2], "word": "a"},
    ]
    said = {}
    with translation.override(language):
        for body in given:
            with pytest.raises(JsonError) as fault:
                Body.model_validate(body)
            said |= {(e["type"], e["loc"][0]): voice.of_json(e) for e in fault.value.errors()}
    assert len(said) >= 14
    if language == "en":
        assert not [text for text in said.values() if re.search(r"[\u3400-\u9fff]", text)]
    else:
        assert not [text for text in said.values() if re.search(r"Input|should|valid", text)], said
        assert said["missing", "text"] == "必填" and said["greater_than_equal", "number"] == "不能小于 1"


def test_a_fault_that_nobody_foresaw_still_says_what_it_is():
    assert "odd thing" in voice.of_json({"type": "unheard_of", "msg": "an odd thing"})
