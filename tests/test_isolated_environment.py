"""The codemod, case by case: fixtures/isolated_environment holds the texts."""

from __future__ import annotations

import codecs

import pytest
from cases import Case, all_cases, check_case

CASES = list(all_cases())


def ids(cases):
    return [case.id for case in cases]


VARIANTS = {
    "as written": lambda text: text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "CR": lambda text: text.replace(b"\n", b"\r"),
    "BOM": lambda text: codecs.BOM_UTF8 + text,
    "no final newline": lambda text: text.removesuffix(b"\n"),
}


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
@pytest.mark.parametrize("variant", VARIANTS)
def test_case(case: Case, variant: str, tmp_path):
    if not case.runs_here:
        pytest.skip(f"Python {case.python} only")
    if variant != "as written" and not case.variants:
        pytest.skip("only as written")
    check_case(case.changed(variant, VARIANTS[variant]), tmp_path)
