"""What the README shows works: its Python runs, its commands parse."""

import re
import shlex

import click
import pytest

from shoal.cli import cli
from tests.project_files import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def shell_commands() -> list[list[str]]:
    """Every call of ``shoal`` in the shell blocks, as words without the name and without a trailing comment."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    calls = [line.rpartition("| ")[2] if "| shoal" in line else line for line in lines]
    return [shlex.split(call, comments=True)[1:] for call in calls if call.startswith("shoal")]


def test_the_python_runs(tpch_folder, tmp_path, monkeypatch):
    (block,) = blocks("python")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tpch-0.1").symlink_to(tpch_folder)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["table"].num_rows == 3


@pytest.mark.parametrize("words", shell_commands(), ids=" ".join)
def test_the_commands_parse(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.sql").touch()
    command, context = cli, click.Context(cli)
    while words and isinstance(command, click.Group) and words[0] in command.list_commands(context):
        command = command.get_command(context, words[0])
        words = words[1:]
    command.make_context("shoal", list(words), resilient_parsing=False)


def test_the_first_lines_show_the_two_commands():
    first = README.split("##")[0]
    assert "make demo" in first
    assert "make test" in first
