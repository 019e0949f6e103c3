"""The one message catalogue: every text a user sees goes through `_` or `ngettext`, so a language is a file, not code.

Messages are English in the source. A translation lives in `locale/<language>/LC_MESSAGES/celadon.mo`; the language is
`CELADON_LANG`, else what `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` and `LANG` say (gettext's own order).
"""

import gettext as _gettext
import os

DOMAIN = "celadon"
FOLDER = os.path.dirname(__file__)  # noqa: PTH120 (pathlib would be a sixth of the time that --help takes)


def _translations() -> _gettext.NullTranslations:
    wished = os.environ.get("CELADON_LANG")
    return _gettext.translation(DOMAIN, FOLDER, languages=[wished] if wished else None, fallback=True)


_catalogue = _translations()
_ = _catalogue.gettext
ngettext = _catalogue.ngettext
