import rich_click as click

from ordersys.cli.frame import everywhere, loaded
from ordersys.config import as_yaml


@click.group()
@everywhere
def config() -> None:
    """Check or show the configuration: defaults < config.yaml < ORDERSYS__SECTION__KEY < ORDERSYS__SECTION__KEY__FILE.

    Every key is explained in config.example.yaml.
    """


@config.command()
@everywhere
def check() -> None:
    """Say whether the configuration is accepted. Exit code 2, with the path of each wrong key, if not."""
    loaded()
    click.echo("the configuration is valid")


@config.command()
@everywhere
def show() -> None:
    """Print what applies and where it was set, as YAML. Secrets are hidden."""
    click.echo(as_yaml(loaded()), nl=False)
