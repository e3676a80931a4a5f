import rich_click as click

from ordersys.cli.frame import everywhere, loaded
from ordersys.config import as_yaml


@click.group()
@everywhere
def config() -> None:
    """Check or show the configuration.

    Precedence: defaults < config.yaml < ORDERSYS__SECTION__KEY < ORDERSYS__SECTION__KEY__FILE. config.example.yaml
    explains every key.
    """


@config.command()
@everywhere
def check() -> None:
    """Validate the configuration. Exit code 2, with the path of each invalid key, if it is invalid."""
    loaded()
    click.echo("The configuration is valid.")


@config.command()
@everywhere
def show() -> None:
    """Print the effective configuration as YAML, with the source of each value. Secrets are hidden."""
    click.echo(as_yaml(loaded()), nl=False)
