"""The one message catalogue: every text a user sees goes through `_` or `ngettext`, so a language is a file, not code.

Messages are English in the source. A translation lives in `locale/<language>/LC_MESSAGES/celadon.mo`, and `click.mo`
beside it has what click says itself. The language is `CELADON_LANG`, else what `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` and
`LANG` say (gettext's own order).
"""

import gettext as _gettext
import os

FOLDER = os.path.dirname(__file__)  # noqa: PTH120 (pathlib would be a sixth of the time that --help takes)

if _wished := os.environ.get("CELADON_LANG"):
    os.environ["LANGUAGE"] = _wished  # what gettext asks first: here, in click, and in a runner that is started

_catalogue = _gettext.translation("celadon", FOLDER, fallback=True)
_ = _catalogue.gettext
ngettext = _catalogue.ngettext
LANGUAGE = _catalogue.info().get("language", "en")

_gettext.bindtextdomain("click", FOLDER)  # click asks for its words in the process's own domain
_gettext.textdomain("click")
