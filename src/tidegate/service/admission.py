"""The trader's own judgement of who may do what: the table of permissions over the proof that came with a request, whoever carried it.

The socket's wall (the same system user, or root) stands before it. A kill passes always, by name where a proof says one.
"""

from collections.abc import Collection
from typing import Final, NamedTuple, final

from tidegate.authority.actions import REAL_MONEY, Action, TradingStage
from tidegate.authority.errors import AuthorityError, DeniedError, LoginNeededError
from tidegate.authority.facts import Denied, OnFact, SecondAwaited, SecondConfirmed
from tidegate.authority.moments import Moment
from tidegate.authority.permissions import WITHOUT_LOGIN, Rule, owner_may, rule_for
from tidegate.authority.second_person import SecondPerson, Wanted
from tidegate.authority.sessions import Session, Sessions
from tidegate.authority.users import User
from tidegate.clock.clock import Clock
from tidegate.control.peers import user_name
from tidegate.control.replies import AccessLine
from tidegate.service.user_book import UserBook
from tidegate.values.enums import GateScope, Role
from tidegate.values.time import MINUTE_NS


class Want(NamedTuple):
    """What somebody wants to do, and to what."""

    action: Action
    scope: GateScope = GateScope.GLOBAL
    key: str = ""


class Person(NamedTuple):
    """Who asks. role is None where no login is needed: then it is a system user, by the kernel's word."""

    name: str
    role: Role | None
    peer: str


@final
class Admission:
    """The door of one trader. owner: the system user it runs as; the clock is the machine's own, whatever pace the venue has."""

    def __init__(self, stage: TradingStage, owner: str, book: UserBook, clock: Clock, on_fact: OnFact) -> None:
        self._owner: Final = owner
        self.stage: Final = stage
        self.book: Final = book
        self.sessions: Final = Sessions()
        self._clock: Final = clock
        self._second: Final = SecondPerson()
        self.closings = 0  # how often something was closed; see `closed`
        self.tell: Final = on_fact

    def now(self) -> Moment:
        """Return this moment on both clocks."""
        return Moment(self._clock.now_ns(), self._clock.monotonic_ns())

    def admit(self, want: Want, proof: str, peer_uid: int, *, begins: bool = False) -> Person:
        """Return who asks, if he may. Where a second person is needed, `settled` has to be asked as well.

        begins: he does not confirm what another has asked for, so the roles that only confirm are not enough.

        Raises:
            LoginNeededError: it needs a login, or a new one.
            DeniedError: it is not for this role.
        """
        peer = user_name(peer_uid)
        found = self.login_of(proof)
        if found is None:
            return self._without_login(want, Person(peer, None, peer))
        session, user = found
        person = Person(user.name, user.role, peer)
        if want.action is Action.KILL:
            return person
        rule = rule_for(want.action, want.scope, self.stage)
        if rule is None or user.role not in (rule.roles if begins else rule.roles | rule.second):
            raise self.denied(want, person, DeniedError(f"{_needs(want, rule, self.stage)}; {user.name} is {_a(user.role)}."))
        if rule.fresh and not self.sessions.is_fresh(session, self.now()):
            raise self.denied(want, person, LoginNeededError(f"To {_what(want)} in mode {self.stage}, {self.login_anew(user.name)}"))
        return person

    def login_anew(self, name: str) -> str:
        """Return the end of a sentence that asks for a new login."""
        minutes = self.sessions.settings.fresh_ns_max // MINUTE_NS
        return f"the login must not be older than {minutes} minutes; run `tidegate login {name}`, then ask again."

    def settled(self, want: Want, words: str, person: Person) -> str | None:
        """Return in whose name it may happen now; None: it waits for a second person. Ask once, right before it happens.

        Raises:
            DeniedError: of a person who may only confirm, if nobody has asked for this in these words.
        """
        rule = rule_for(want.action, want.scope, self.stage)
        if rule is None or not rule.second or person.role is None:
            return person.name
        wanted, now = Wanted(want.action, want.scope, want.key, words), self.now()
        firsts = [name for name in self._second.of_others(wanted, person.name, now) if self._still_may(name, rule)]
        if firsts and person.role in rule.second:
            self._second.use(wanted)
            self.tell(
                SecondConfirmed(
                    at_ns=now.wall_ns,
                    peer=person.peer,
                    by=person.name,
                    first=firsts[0],
                    action=want.action,
                    scope=want.scope,
                    key=want.key,
                    words=words,
                )
            )
            return f"{firsts[0]}, confirmed by {person.name}"
        if person.role not in rule.roles:
            asks = f"{_a(person.role)} confirms only what {_one_of(rule.roles)} has asked for in the same words"
            raise self.denied(want, person, DeniedError(f"Nobody has asked to {_what(want)} so; {asks}, see `tidegate status`."))
        self._second.ask(wanted, person.name, now)
        self.tell(
            SecondAwaited(
                at_ns=now.wall_ns, peer=person.peer, by=person.name, action=want.action, scope=want.scope, key=want.key, words=words
            )
        )
        return None

    def closed(self) -> None:
        """Note that somebody has closed something: nothing that was asked for before may open it, nor wait to."""
        self.closings += 1
        self._second.clear()

    def check_other(self, want: Want, asked_by: str, person: Person) -> None:
        """Hold the four eyes where somebody decides on what was asked for: it must not be his own.

        Raises:
            DeniedError: it is.
        """
        if person.name == asked_by:
            sentence = f"{person.name} has asked for this himself; another person decides on it."
            raise self.denied(want, person, DeniedError(sentence))

    def login_of(self, proof: str) -> tuple[Session, User] | None:
        """Return the login of a proof, counted as used, and its user as he is now; None: it proves nothing (any more)."""
        session = self.sessions.holder(proof, self.now()) if proof else None
        if session is None:
            return None
        user = self.book.users.get(session.name)
        if user is None or user.disabled or user.changed_ns != session.stamp:
            self.sessions.end(proof)
            return None
        return session, user

    def asker(self, proof: str, peer_uid: int) -> str:
        """Return who asks, whether he may or not: the user of a proof, else the system user."""
        found = self.login_of(proof)
        return user_name(peer_uid) if found is None else found[1].name

    def denied(self, want: Want, person: Person, error: AuthorityError) -> AuthorityError:
        """Note a refusal, and return it to be raised."""
        self.tell(
            Denied(
                at_ns=self._clock.now_ns(),
                peer=person.peer,
                by="" if person.role is None else person.name,
                action=want.action,
                scope=want.scope,
                key=want.key,
                stage=self.stage,
                why=str(error),
            )
        )
        return error

    def line(self) -> AccessLine:
        """Return the rule as it is now, for the status."""
        waiting = tuple(
            f"{waits.name} asked to {_what(Want(waits.wanted.action, waits.wanted.scope, waits.wanted.key))}: {waits.wanted.words}"
            for waits in self._second.waiting(self.now())
        )
        enabled = sum(not user.disabled for user in self.book.users.values())
        return AccessLine(rule=self.rule(), users=enabled, waiting=waiting)

    def rule(self) -> str:
        """Return in words what is possible without a login."""
        if self.book.users:
            return "what changes something needs a login; a kill needs none"
        if self.stage in REAL_MONEY:
            return "no user yet: only reading, kill, pause and cancel work; `tidegate users first-admin NAME` makes the first admin"
        return f"no user yet: the system user {self._owner} acts as operator, and may resume and approve"

    def _without_login(self, want: Want, person: Person) -> Person:
        if want.action in WITHOUT_LOGIN or (not self.book.users and owner_may(want.action, want.scope, self.stage)):
            return person
        needs = _needs(want, rule_for(want.action, want.scope, self.stage), self.stage)
        if self.book.users:
            raise self.denied(want, person, LoginNeededError(f"{needs}; run `tidegate login NAME`, then ask again."))
        first = "make the first admin with `tidegate users first-admin NAME`"
        raise self.denied(want, person, LoginNeededError(f"{needs}, and this trader has no user yet; {first}."))

    def _still_may(self, name: str, rule: Rule) -> bool:
        user = self.book.users.get(name)
        return user is not None and not user.disabled and user.role in rule.roles


def _needs(want: Want, rule: Rule | None, stage: TradingStage) -> str:
    """Return the beginning of a sentence: who may."""
    return f"Nobody may {_what(want)} in mode {stage}" if rule is None else f"Only {_one_of(rule.roles)} may {_what(want)}"


def _what(want: Want) -> str:
    """Return an action in words, as after "to"."""
    place = "" if want.scope is GateScope.GLOBAL else f" {want.scope.value} {want.key}".rstrip()
    return want.action.value.replace("_", " ") + place


def _one_of(roles: Collection[Role]) -> str:
    """Return roles as a choice."""
    names = [_a(role) for role in Role if role in roles]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _a(role: Role) -> str:
    return f"{'an' if role.value[0] in 'aeiou' else 'a'} {role.value.replace('_', ' ')}"
