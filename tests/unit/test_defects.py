"""Every deliberate defect still fits the code, and leaves it a program."""

import ast

import pytest

from tests.defects.__main__ import DEFECTS, ROOT, spoiled


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_it_fits(defect):
    text = (ROOT / defect.file).read_text()
    assert ast.dump(ast.parse(spoiled(text, defect))) != ast.dump(ast.parse(text))
    assert all((ROOT / test.split("::")[0]).exists() for test in defect.tests)


def test_one_that_does_not_fit_is_told():
    with pytest.raises(ValueError, match="must stand exactly once"):
        spoiled("something else", DEFECTS[0])
