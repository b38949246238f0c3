"""Gitignore patterns, and production against test code."""

from __future__ import annotations

import pickle
import warnings

import pytest
from cases import lines_run
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.project.classify import DEFAULT_TEST_PATTERNS, Classifier, Globs

TEST_PATHS = [
    "tests/a.py",
    "tests/__init__.py",
    "tests/unit/deep/helper.py",
    "service/tests/helper.py",
    "service/test/helper.py",
    "test_framework/ssot/base.py",
    "service/test_support/fakes.py",
    "test_x.py",
    "service/test_x.py",
    "service/x_test.py",
    "conftest.py",
    "service/conftest.py",
    "test_dir.py/inside.py",
]
PRODUCTION_PATHS = [
    "a.py",
    "service/app/main.py",
    "service/testing.py",
    "testing/helpers.py",
    "contest.py",
    "latest/a.py",
    "service/attest_x.py",
    "x_tests.py",
    "test.py",
    "tests.py",
    "test_x.pyw",
    "Tests/a.py",
    "my_conftest.py",
    "conftest.py.bak/a.pyw",
    "scripts/run_tests_now.py",
]


class TestScope:
    @pytest.mark.parametrize("path", TEST_PATHS)
    def test_test_code(self, path):
        assert Classifier().scope(path) == "test"

    @pytest.mark.parametrize("path", PRODUCTION_PATHS)
    def test_production_code(self, path):
        assert Classifier().scope(path) == "production"

    def test_own_patterns_take_the_place_of_the_defaults(self):
        classifier = Classifier(["/checks/", "*_spec.py"])
        assert classifier.scope("checks/a.py") == "test"
        assert classifier.scope("a/b_spec.py") == "test"
        assert classifier.scope("a/checks/b.py") == "production"
        assert classifier.scope("tests/a.py") == "production"

    def test_a_later_pattern_takes_back(self):
        classifier = Classifier([*DEFAULT_TEST_PATTERNS, "!test_plan.py"])
        assert classifier.scope("src/test_plan.py") == "production"
        assert classifier.scope("src/test_other.py") == "test"

    def test_without_patterns_all_is_production(self):
        assert Classifier(()).scope("tests/test_a.py") == "production"

    def test_line_feeds_and_undecodable_bytes_in_names(self):
        assert Classifier().scope("a\nb/tests/x.py") == "test"
        assert Classifier().scope("a\nb/x.py") == "production"
        assert Classifier().scope("caf\udce9/test_\udce9.py") == "test"

    @given(
        st.lists(st.sampled_from(["a", "b c", "latest", "é", "x\ny"]), max_size=4),
        st.sampled_from(TEST_PATHS),
    )
    def test_folders_above_never_turn_test_code_into_production(self, folders, path):
        assert Classifier().scope("/".join([*folders, path])) == "test"

    def test_it_travels_to_a_worker(self):
        assert pickle.loads(pickle.dumps(Classifier())).scope("tests/a.py") == "test"

    def test_many_paths_share_what_their_folders_cost(self):
        def cost(count):
            paths = [f"service_{i % 40}/app/core/part_{i % 300}/module_{i}.py" for i in range(count)]
            classifier = Classifier()
            return lines_run(lambda: {classifier.scope(path) for path in paths})

        assert cost(3000) < 3 * cost(1500)


class TestGlobs:
    @pytest.mark.parametrize(
        ("pattern", "matched", "passed"),
        [
            ("a.py", ["a.py", "x/a.py", "a.py/b"], ["aXpy", "a.pyw"]),
            ("/a.py", ["a.py"], ["x/a.py"]),
            ("x/a.py", ["x/a.py"], ["y/x/a.py"]),
            ("**/x/a.py", ["x/a.py", "y/x/a.py"], ["z/a.py"]),
            ("x/**", ["x/a", "x/y/z"], ["y/x/a", "x"]),
            ("x/**/a.py", ["x/a.py", "x/y/z/a.py"], ["a.py"]),
            ("*.py", ["a.py", "x/.py"], ["a.pyc"]),
            ("x/*", ["x/a", "x/a/b"], ["y/x/a"]),
            ("x?.py", ["x1.py"], ["x.py", "x/.py"]),
            ("x[0-9].py", ["x1.py"], ["xa.py"]),
            ("x[!0-9].py", ["xa.py"], ["x1.py"]),
            (r"x\*.py", ["x*.py"], ["xa.py"]),
            (r"\!a", ["!a"], ["a"]),
            (r"\#a", ["#a"], ["a"]),
            ("build/", ["build/a", "x/build/a", "build/"], ["build"]),
            ("*/", ["x/a", "x/"], ["a"]),
            ("**", ["a", "x/a"], []),
            ("a**c", ["abc", "ac"], ["a/c"]),
            ("x/**/", ["x/y/a"], ["x/a"]),
            ("a ", ["a"], ["a "]),
            ("a\\ ", ["a "], ["a"]),
            ("[]a]", ["]", "a"], ["b"]),
            ("[!]a]", ["b"], ["]", "a"]),
            ("[^a]", ["b"], ["a"]),
            ("[a-]", ["a", "-"], ["b"]),
            (r"[\]a]", ["]", "a"], ["\\"]),
            ("[[:digit:]_]x", ["1x", "_x"], ["ax", ":x"]),
            ("x[!a]y", ["xby"], ["x/y", "xay"]),
            ("x.[py]", ["x.p"], ["xzp"]),
            ("(a|b)+", ["(a|b)+"], ["a", "b"]),
        ],
    )
    def test_patterns_mean_what_git_says(self, pattern, matched, passed):
        globs = Globs([pattern])
        assert [path for path in matched if not globs.matches(path)] == []
        assert [path for path in passed if globs.matches(path)] == []

    @pytest.mark.parametrize(
        "pattern",
        [
            "",
            " ",
            "#",
            "# a",
            "!",
            "/",
            "///",
            "!/",
            "a\\",
            "[a",
            "[",
            "[]",
            "[!]",
            "[z-a]",
            "[[:nope:]]",
            "./a",
            "../a",
        ],
    )
    def test_a_pattern_that_says_nothing_is_an_error(self, pattern):
        with pytest.raises(ValueError, match="is not a gitignore pattern"):
            Globs(["fine", pattern])

    def test_verdicts(self):
        globs = Globs(["*.log", "!keep.log"])
        assert [globs.verdict(path) for path in ("a.log", "x/keep.log", "a.py")] == [True, False, None]
        assert Globs().verdict("a") is None

    def test_a_folder_may_be_taken_back_but_not_what_an_ignored_folder_holds(self):
        assert not Globs(["/*", "!/src/"]).matches("src/a.py")
        assert Globs(["/src/", "!/src/a.py"]).matches("src/a.py")
        assert Globs(["build/", "/*", "!/src/"]).matches("src/build/a.py")
        assert Globs(["*.log", "!keep/"]).matches("keep/a.log")

    def test_verdicts_are_on_the_path_itself(self):
        assert Globs(["src/"]).verdict("src/a.py") is None
        assert Globs(["/src/*"]).verdict("src/") is None

    def test_character_classes_warn_nobody(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Globs(["[[:alpha:]]x"])


class TestGitignoreFiles:
    def test_lines_end_as_in_git(self):
        globs = Globs.from_gitignore("a.py\r\nb.py\nc\u2028d.py\nlast.py".encode())
        names = ["a.py", "b.py", "c\u2028d.py", "d.py", "last.py"]
        assert [name for name in names if globs.matches(name)] == ["a.py", "b.py", "c\u2028d.py", "last.py"]

    def test_byte_order_mark_blank_lines_and_comments(self):
        globs = Globs.from_gitignore(b"\xef\xbb\xbfa.py\n\n# b.py\n   \n")
        assert [name for name in ("a.py", "b.py", "# b.py") if globs.matches(name)] == ["a.py"]

    def test_bad_lines_and_undecodable_bytes(self):
        globs = Globs.from_gitignore(b"[z-a]\n!\n\xe9.py\nx\\\n")
        assert globs.matches("\udce9.py")
        assert not globs.matches("x")

    def test_an_empty_file(self):
        assert Globs.from_gitignore(b"").verdict("a") is None
