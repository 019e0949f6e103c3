"""celadon docs: the manual on the terminal."""

import click

from celadon.cli import output
from celadon.errors import UsageError
from celadon.locale import _


@click.command("docs", help=_("Read the manual: TOPIC (a page, or a key of x-celadon); without one, list the topics."))
@click.argument("topic", required=False)
@click.argument("key", required=False)
@click.option("--schema", is_flag=True, help=_("The JSON Schema of the file, for editors."))
@click.option("--man", is_flag=True, help=_("A manual page: celadon docs --man | man -l -"))
def command(topic: str | None, key: str | None, schema: bool, man: bool) -> None:
    from celadon.app import manual  # the reader of the reference needs YAML

    if sum((bool(topic), schema, man)) > 1:
        raise UsageError(_("TOPIC, --schema and --man are three things to read: choose one."))
    if schema:
        click.echo(manual.schema(), nl=False)
    elif man:
        from celadon.cli.man import page

        click.echo(page(), nl=False)
    elif topic is None:
        every = manual.topics()
        output.table([_("TOPIC"), ""], every.items())
        output.lines(["", _("Read one: celadon docs TOPIC; a key: celadon docs x-celadon.build.memory")])
    else:
        output.paged(manual.read(topic, key))
