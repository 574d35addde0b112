"""The scripts use nothing that is younger than the oldest browsers which the README names."""

import re
from pathlib import Path

import pytest

from config import ROOT

SCRIPTS = sorted((ROOT / "web" / "static" / "js").rglob("*.js"))
TOO_YOUNG = re.compile(  # than Safari 15.0
    r"\.(?:at|findLast|findLastIndex|toReversed|toSorted|toSpliced|isWellFormed|hasOwn|groupBy|randomUUID)\("
    r"|AbortSignal\.(?:timeout|any)|structuredClone|Promise\.(?:withResolvers|try)|requestIdleCallback"
    r"|timeZoneName: \"(?:short|long)(?:Offset|Generic)"
    r"|\(\?<[=!]|static \{|\.(?:showPopover|checkVisibility)\("
)
OF_A_PAGE = re.compile(r"Intl\.\w+\((?:document|navigator)")  # which may say what is no language


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_uses_what_its_oldest_browser_has(script: Path) -> None:
    text = re.sub(r"//.*", "", script.read_text())
    assert TOO_YOUNG.findall(text) == []
    assert OF_A_PAGE.findall(text) == []
