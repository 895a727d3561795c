"""The mistakes that benchmarks/mutants.py plants."""

import ast
from pathlib import Path

import pytest

from benchmarks import mutants
from config.system.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("source,expected", [
    ("a + b", ["(a - b)", "(a)"]),
    ("π = x - y * z", ["π = (x + y * z)", "π = (x)", "π = x - (y / z)"]),
    ("f(-x)", ["f((x))"]),
    ("a < 3", ["(a <= 3)", "a < 4"]),
    ("a == b", ["(a != b)"]),
    ("x = 0.5", ["x = 0.75"]),
    ("x = 0.0", ["x = 1.0"]),
    ("f(True, None, 'a' 'b', f'{x + 1}')", []),
    ("a = (x +\n  y)", []),
])  # fmt: skip
def test_mistakes_of_a_line(source, expected):
    found = mutants.mutants("file", source.encode())
    assert sorted(one.after for one in found) == sorted(expected)
    assert {one.before for one in found} <= {source}


@pytest.mark.slow
def test_every_mistake_is_one_line_of_python():
    for file, tests in mutants.TESTS.items():
        source = (ROOT / file).read_bytes()
        meaning, lines = ast.dump(ast.parse(source)), source.splitlines()
        for one in mutants.mutants(file, source):
            assert ast.dump(ast.parse(one.source)) != meaning
            pairs = zip(one.source.splitlines(), lines, strict=True)
            assert [i for i, (a, b) in enumerate(pairs, 1) if a != b] == [one.line]
        assert all((ROOT / f"tests/{name.split('::')[0]}.py").exists() for name in tests)


def test_a_choice_is_spread_over_the_files():
    found = mutants.chosen(64, seed=0)
    assert found == mutants.chosen(64, seed=0) != mutants.chosen(64, seed=1)
    assert {one.file for one in found} == {*mutants.TESTS}
    assert len({one.source for one in found}) == 64


class TestSurvivors:
    @pytest.fixture
    def planned(self, tmp_path):
        """Two mistakes, in a copy of their files."""
        found = mutants.chosen(2, seed=0)
        for one in found:
            (tmp_path / one.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / one.file).write_bytes((ROOT / one.file).read_bytes())
        return found

    def test_one_that_the_tests_see(self, planned, tmp_path, monkeypatch):
        """The tests of the second file see it; afterwards the files are as they were."""

        def passes(folder, file, kind="not slow"):
            return (folder / file).read_bytes() != planned[1].source

        monkeypatch.setattr(mutants, "passes", passes)
        assert mutants.survivors(tmp_path, planned) == planned[:1]
        assert all((tmp_path / one.file).read_bytes() == (ROOT / one.file).read_bytes() for one in planned)

    def test_tests_that_fail_anyway(self, planned, tmp_path, monkeypatch):
        monkeypatch.setattr(mutants, "passes", lambda folder, file: False)
        with pytest.raises(UserError, match="expected its tests to pass without a mistake"):
            mutants.survivors(tmp_path, planned)
