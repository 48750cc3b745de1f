"""What the verbs share: an id is an id, whatever its first character."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from gateway.cli import options

DASHED = "-RU-yKWCcpAIQXgG7dhDig"
DOUBLE = "--U-yKWCcpAIQXgG7dhDiA"


@click.command(cls=options.Verb)
@click.argument("id")
@click.option("--who", required=True)
@click.option("--conversation")
@click.option("--in", "direction", flag_value="in")
def act(id: str, who: str, conversation: str | None, direction: str | None) -> None:
    """Print what was understood."""
    click.echo(f"{id} {who} {conversation} {direction}")


@pytest.mark.parametrize(
    ("args", "printed"),
    [
        ([DASHED, "--who", "Ana"], f"{DASHED} Ana None None"),
        (["--who", "Ana", DASHED], f"{DASHED} Ana None None"),
        ([DOUBLE, "--who", "Ana"], f"{DOUBLE} Ana None None"),
        (["--who", "Ana", "--", DASHED], f"{DASHED} Ana None None"),
        (["plain", "--who", "Ana", "--conversation", DASHED], f"plain Ana {DASHED} None"),
        (["--in", DASHED, "--who", "Ana"], f"{DASHED} Ana None in"),
    ],
)
def test_an_id_that_begins_with_a_dash_is_no_option(args, printed):
    """One of 64 ids does; it is taken as an argument or as an option's value, by where it stands."""
    ran = CliRunner().invoke(act, args)
    assert (ran.exit_code, ran.output) == (0, printed + "\n")


@click.command(cls=options.Verb)
@click.argument("id")
@click.argument("part", type=click.IntRange(0, 9))
@click.argument("file")
@click.option("--who")
def save(id: str, part: int, file: str, who: str | None) -> None:
    """Print what was understood."""
    click.echo(f"{id} {part} {file} {who}")


@pytest.mark.parametrize("id", ["plain", DASHED, DOUBLE])
@pytest.mark.parametrize("options", [[], ["--who", "Ana"]])
@pytest.mark.parametrize("before", [True, False])
def test_what_follows_such_an_id_keeps_its_place(id, options, before):
    """An id is the first of three, whatever it begins with and wherever the options stand."""
    places = [id, "1", "a.pdf"]
    ran = CliRunner().invoke(save, [*options, *places] if before else [*places, *options])
    assert (ran.exit_code, ran.output) == (0, f"{id} 1 a.pdf {'Ana' if options else None}\n")


@click.command(cls=options.Verb)
@click.option("--field", is_flag=False, flag_value="all", multiple=True, type=str.strip)
@click.option("-o", "--output")
def show(field: tuple[str, ...], output: str | None) -> None:
    """Print what was understood."""
    click.echo(f"{' '.join(field)} {output}")


@pytest.mark.parametrize("id", ["plain", DASHED, DOUBLE])
@pytest.mark.parametrize(
    ("args", "printed"),
    [
        (["--field", "{}"], "{} None"),
        (["--field", "{}/content/person name", "--field"], "{}/content/person name all None"),
        (["--field", "/content/need", "--field", "{}/content/need", "-o", "{}"], "/content/need {}/content/need {}"),
    ],
)
def test_an_option_that_also_stands_alone_takes_such_an_id(id, args, printed):
    """So does one of an id and the pointer to a field, as in `trm evidence export --disclose`."""
    ran = CliRunner().invoke(show, [arg.format(id) for arg in args])
    assert (ran.exit_code, ran.output) == (0, printed.replace("{}", id) + "\n")


@pytest.mark.parametrize("arg", ["-R", "--reason", DASHED[:-1], DASHED + "A", DASHED[:-1] + "h"])
def test_what_is_no_id_stays_an_option(arg):
    """A word that is not exactly an id is still refused as an unknown option."""
    ran = CliRunner().invoke(act, [arg, "--who", "Ana"])
    assert ran.exit_code == 2 and "No such option" in ran.output
