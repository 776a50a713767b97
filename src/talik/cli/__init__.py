"""The command line: one lazy group; each command lives in a room of its own and is loaded when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

import talik

_COMMANDS = {
    # name: (module, attribute, help shown in the list)
    "new": ("talik.cli.studies", "new", "Scaffold a study of your own: a TOML file and an example table."),
    "studies": ("talik.cli.studies", "studies", "List the bundled studies."),
    "read": ("talik.cli.read", "read", "Read logger files and say what was understood."),
    "run": ("talik.cli.studies", "run", "Run a whole study: tables, figures, report, manifest."),
    "describe": ("talik.cli.statements", "describe", "Means, spread and intervals by region."),
    "scorecard": ("talik.cli.statements", "scorecard", "Recompute every published claim from its table."),
    "check": ("talik.cli.series", "check", "Check logger files: fill values, spikes, stuck sensors, depths, drift."),
    "offsets": ("talik.cli.series", "offsets", "Annual surface and thermal offsets from logger files."),
    "predictors": ("talik.cli.predictors", "predictors", "ERA5-Land at the sites, from files or a service."),
    "ingest": ("talik.cli.store", "ingest", "Take logger files into a store: incremental, parallel, resumable."),
    "export": ("talik.cli.store", "export", "Write a store as CF netCDF, GTN-P, csv, parquet or a data package."),
    "query": ("talik.cli.store", "query", "Ask a store a question in SQL, read-only."),
    "reduce": ("talik.cli.predictors", "reduce", "Every predictor of every cell of ERA5-Land files, in one pass."),
    "drivers": ("talik.cli.drivers", "drivers", "Rank the drivers of an offset, or say that the data cannot tell."),
    "figures": ("talik.cli.studies", "figures", "Draw the figures of a study again."),
    "report": ("talik.cli.report", "report", "The report of a finished study as HTML, or as Markdown for a paper."),
    "meta": ("talik.cli.meta", "meta", "Slopes within groups of sites, pooled, by both profiles."),
    "atlas": ("talik.cli.atlas", "atlas", "Write the atlas of a study: maps, sites and tables in one HTML file."),
    "serve": ("talik.cli.atlas", "serve", "Serve a study: the atlas, a JSON API, and a check of logger files."),
    "compare": ("talik.cli.compare", "compare", "Two studies or tables of sites side by side: what moved, how far."),
    "verify": ("talik.cli.studies", "verify", "Check that a results folder or store is what it says."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])

    def resolve_command(self, context: click.Context, args: list[str]):  # type: ignore[no-untyped-def]
        from talik.errors import unknown

        if args and args[0] not in _COMMANDS:
            raise click.UsageError(str(unknown("command", args[0], _COMMANDS)), context)
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; its errors name options where the library's name arguments."""
        from talik.errors import TalikError

        try:
            return super().invoke(context)
        except TalikError as error:
            from talik.cli.spelling import as_options

            command = self.get_command(context, context.invoked_subcommand or "")
            error.args = (as_options(str(error), command) if command else str(error),)
            raise
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())   # the reader of the pipe has left
            return 0


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(talik.__version__, message="talik %(version)s")
def group() -> None:
    """Permafrost's surface and thermal offsets, from logger files to drivers, pooled slopes, maps and an atlas."""


def main() -> None:
    """
    Run the command line; deliberate errors become one plain message and an exit code.

    0 done, 1 a finding (damage, faults, differences), 2 usage, 3 bad input, 130 interrupted.
    """
    from talik.errors import TalikError

    try:
        code = group.main(standalone_mode=False)
    except TalikError as error:
        click.echo(f"talik: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except OSError as error:
        click.echo(f"talik: {str(error.filename or 'the system')[:200]}: {error.strerror or error}", err=True)
        code = TalikError.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("talik: interrupted. What was finished is whole; run the same command again to go on.", err=True)
        code = 130
    raise SystemExit(code or 0)
