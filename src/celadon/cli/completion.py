"""celadon completion: the script that a shell sources."""

import click
from click.shell_completion import get_completion_class

from celadon.locale import _


@click.command("completion", help=_('Print the completion script; in bash: eval "$(celadon completion bash)"'))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    made = get_completion_class(shell)
    if made:
        click.echo(made(ctx.find_root().command, {}, "celadon", "_CELADON_COMPLETE").source())
