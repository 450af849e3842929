"""Commands that show rows and steer them: `manage.py NOUN ACTION ID…`."""

import re
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.db.models import Model, QuerySet

from uploads.management.examples import CommandWithExamples
from uploads.management.output import write_facts, write_json, write_table

Row = TypeVar("Row", bound=Model)


class SteeringCommand(CommandWithExamples, Generic[Row]):
    """One method for each action: `do_` and its name.

    Exit status 1 if some of it could not be done, which stderr tells.

    Attributes:
        noun: What a row is called.
        head: The titles of the list's columns.
    """

    noun: ClassVar[str]
    head: ClassVar[Sequence[str]]

    @abstractmethod
    def wanted(self) -> QuerySet[Row]:
        """The rows that the options of `list` ask for, in their order."""

    @abstractmethod
    def columns(self, row: Row) -> Sequence[str]:
        """A row's line in the list."""

    @abstractmethod
    def find(self, key: uuid.UUID) -> Row | None:
        """The row with this id."""

    @abstractmethod
    def facts(self, row: Row) -> dict[str, Any]:
        """All that is known of a row, for programs; people are shown the same."""

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        self.missed = 0
        getattr(self, f"do_{options['action']}")()
        if self.missed:
            raise CommandError(f"{self.missed} of them not done; see above.", returncode=1)

    def do_list(self) -> None:
        found = [*self.wanted()[: max(1, self.options["limit"])]]
        if self.options["json"]:
            write_json(self.stdout, [self.facts(row) for row in found])
            return
        write_table(self.stdout, self.head, map(self.columns, found))
        more = self.wanted().count() - len(found)
        if more:
            self.stderr.write(f"{more} more; see --limit.")

    def do_show(self) -> None:
        shown = [self.facts(row) for row in self.chosen()]
        if self.options["json"]:
            write_json(self.stdout, shown)
            return
        for number, facts in enumerate(shown):
            if number:
                self.stdout.write("")
            write_facts(self.stdout, facts)

    def each(self, done: str, do: Callable[[Row], str]) -> None:
        """Does it to the chosen rows, and says what became of each.

        Args:
            done: What is said of success.
            do: Returns why it could not be done; empty: it was.
        """
        told = []
        for row in self.chosen():
            name = self.name_of(row)
            reason = do(row)
            self.missed += bool(reason)
            told.append({"id": name, "done": not reason, "reason": reason or None})
            if not self.options["json"]:
                said = f"{name}  {reason or done}"
                (self.stderr if reason else self.stdout).write(said)
        if self.options["json"]:
            write_json(self.stdout, told)

    def name_of(self, row: Row) -> str:
        """Its id as clients know it."""
        return str(row.pk)

    def chosen(self) -> Iterator[Row]:
        """The rows whose ids were given; tells of those that do not exist."""
        for name in self.options["ids"]:
            key = key_in(name)
            row = self.find(key) if key else None
            if row is None:
                self.missed += 1
                self.stderr.write(f"{name}: There is no such {self.noun}.")
            else:
                yield row


def actions_of(parser: CommandParser) -> Callable[..., Any]:
    """A function that adds an action; it takes its name, its help, and the number of its ids."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, help: str, ids: str = "") -> Any:
        added = actions.add_parser(name, help=help, description=help)
        if ids:
            added.add_argument("ids", nargs=ids, metavar="ID")
        added.add_argument("--json", action="store_true", help="print JSON, for programs")
        return added

    return action


def key_in(name: str) -> uuid.UUID | None:
    """The id in what the user gave: itself, or the last part of an address."""
    last = name.strip().rstrip("/").rpartition("/")[2].replace("-", "")
    return uuid.UUID(hex=last) if re.fullmatch("[0-9a-fA-F]{32}", last) else None


def add_list_options(listed: Any, states: Sequence[str], default: str) -> None:
    """The options of `list` that `among` follows, and `--state`."""
    listed.add_argument("--state", choices=states, default=default, help=f"default: {default}")
    listed.add_argument("--owner", help="a user name; - for those without an owner")
    listed.add_argument("--name", help="a part of the file's name")
    listed.add_argument("--limit", type=int, default=50, help="default: 50")


def among(rows: QuerySet[Row], options: Mapping[str, Any]) -> QuerySet[Row]:
    """Those whose owner and file name were asked for."""
    if options["owner"] == "-":
        rows = rows.filter(owner=None)
    elif options["owner"]:
        name = get_user_model().USERNAME_FIELD
        rows = rows.filter(**{f"owner__{name}": options["owner"]})
    if options["name"]:
        rows = rows.filter(file_name__icontains=options["name"])
    return rows
