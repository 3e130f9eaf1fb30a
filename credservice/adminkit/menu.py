"""Places a list in the sidebar and names what waits in it: each room says so itself, in its ``ConsoleAdmin``."""

from dataclasses import dataclass
from typing import Any, NamedTuple

RARE = "Behind the scenes"  # the group of lists that are looked at seldom, or from another page
MAX_COUNTED = 100  # of what waits: the overview counts no further


@dataclass(frozen=True)
class Menu:
    """The place of a list: the group, a rank that orders groups and lists alike, an icon of Material Symbols.

    ``plural`` names the list where the model's own name would not do.
    """

    group: str
    rank: int
    icon: str
    plural: str = ""


class Need(NamedTuple):
    """One line of what waits: a sentence, and the filters of the list that shows it, or another address.

    ``needs`` is the permission to mend it: who lacks it is told who has it. ``kind`` is what notices know it by, where
    its address changes with what it counts.
    """

    sentence: str
    filters: dict[str, str] = {}
    urgent: bool = False  # something is broken now, and not only due
    link: str = ""
    needs: str = ""
    kind: str = ""


def counted(number: int, noun: str) -> str:
    """Write ``1 installation``, ``2 installations``, ``100+ installations``: no more than was counted."""
    return f"{number}{'' if number < MAX_COUNTED else '+'} {noun}{'' if number == 1 else 's'}"


def title_of(site_admin: Any) -> str:
    menu = menu_of(site_admin)
    title = (menu.plural if menu else "") or str(site_admin.opts.verbose_name_plural)
    return title[:1].upper() + title[1:]


def menu_of(site_admin: Any) -> Menu | None:
    menu: Menu | None = getattr(site_admin, "menu", None)
    return menu
