"""The images' files: they parse, name what exists, and call the command line as it is."""

import json
import re
import shlex

import click
import pytest
import yaml

from shoal.cli import cli
from tests.project_files import PACKAGES, ROOT

INSTRUCTIONS = {
    "FROM", "RUN", "CMD", "LABEL", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER", "WORKDIR", "ARG",
    "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL",
}  # fmt: skip


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile as (name, rest), continued lines joined and comments left out."""
    text = (ROOT / "docker" / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in joined.splitlines() if line.strip()]


def compose() -> dict:
    return yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())


def parse_command(words: list[str]) -> click.Context:
    """Let the subcommand's own parser read its words; raises ``click.UsageError`` when it does not know one."""
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None, words
    return command.make_context(words[0], list(words[1:]))


def test_the_dockerfile_has_only_known_instructions_and_two_stages():
    names = [name for name, _ in instructions()]
    assert set(names) <= INSTRUCTIONS
    assert names.count("FROM") == 2
    assert {"USER", "HEALTHCHECK", "ENTRYPOINT", "CMD"} <= set(names)


def test_the_image_does_not_run_as_root_and_user_exists():
    rest = dict(instructions())
    assert rest["USER"] == "shoal"
    assert any(name == "RUN" and "useradd" in text and text.endswith(" shoal") for name, text in instructions())


def test_what_the_dockerfile_copies_exists_and_is_all_that_is_shipped():
    copied = {word for name, text in instructions() if name == "COPY" for word in shlex.split(text)[:-1]}
    assert all((ROOT / word).exists() for word in copied)
    assert copied >= {*PACKAGES.values(), "pyproject.toml", "setup.py", "README.md", "LICENSE"}


def test_the_commands_of_the_dockerfile_are_ours():
    rest = dict(instructions())
    assert json.loads(rest["ENTRYPOINT"]) == ["shoal"]
    parse_command(json.loads(rest["CMD"]))
    probe = json.loads(rest["HEALTHCHECK"].partition("CMD ")[2])
    assert probe[0] == "shoal"
    cli.make_parser(click.Context(cli)).parse_args(probe[1:])


def test_one_coordinator_and_three_executors():
    services = compose()["services"]
    roles = [service["command"][0] for service in services.values()]
    assert sorted(roles) == ["executor", "executor", "executor", "serve"]


@pytest.mark.parametrize("name", ["coordinator", "executor-1", "executor-2", "executor-3"])
def test_each_service_calls_a_command_that_we_have(name):
    service = compose()["services"][name]
    context = parse_command(service["command"])
    assert (ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    if "join" in context.params:
        host, port = context.params["join"]
        coordinator = parse_command(compose()["services"][host]["command"])
        assert coordinator.params["port"] == port
        assert coordinator.params["host"] == "0.0.0.0"


def test_the_port_is_the_same_everywhere():
    default = parse_command(["serve"]).params["port"]
    assert dict(instructions())["EXPOSE"] == str(default)
    assert compose()["services"]["coordinator"]["ports"] == [f"127.0.0.1:{default}:{default}"]
