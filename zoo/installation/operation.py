"""Installing and uninstalling plugins: the environment ends either as was asked for, or as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from zoo import paths, plugin_list
from zoo.errors import OptionInvalid, PluginBroken, StoreInvalid, UnknownPlugin, Unsupported, ZooError
from zoo.installation.backup import Backup, backup
from zoo.installation.environment import Environment, Installed
from zoo.installation.health import Health, PluginState, health, troubles
from zoo.installation.installer import Change, Installer, find_installer
from zoo.installation.requirement import is_source, package_name
from zoo.locking import locked
from zoo.plugin_list import RequirementState
from zoo.suggestions import did_you_mean
from zoo.uv_or_pip import normalised, without_password

CORE = "zoo-models"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What installing would do."""

    requirement: str
    build: bool
    changes: tuple[Change, ...]


class Installation:
    """The plugins of the running environment, and the tool that changes them.

    Raises:
        Unsupported: nothing can be changed here.
    """

    def __init__(self) -> None:
        self.environment = Environment.running()
        self.environment.check_changeable()
        self._installer: Installer = find_installer(self.environment)

    def plan(self, requirement: str, *, build: bool = False) -> Plan:
        """Ask the resolver; nothing is changed, and no code is run unless something has to be built.

        Raises:
            ZooError: it cannot be installed; of the kind that says why.
        """
        build = build or is_source(requirement)
        changes = self._installer.plan([requirement, *self._pins()], build=build)
        return Plan(requirement=requirement, build=build, changes=changes)

    def install(self, plan: Plan) -> tuple[PluginState, ...]:
        """Do it, look whether all plugins work, and put everything back where they do not.

        Returns:
            The plugins that came with it.

        Raises:
            PluginBroken: something does not work afterwards.
            Unsupported: what was installed is no plugin.
            ZooError: the installer gave up.
        """
        with _one_at_a_time():
            before, well, conflicts = self._sound_state()
            distributions = self.environment.distributions()
            touched = [distributions[name] for one in plan.changes if (name := normalised(one.name)) in distributions]
            with backup(touched, self.environment.folders[0]) as copies:
                try:
                    self._installer.install([plan.requirement, *self._pins()], build=plan.build)
                    arrived, after = self._verified(plan, before, well, conflicts)
                    plugin_list.remember(tuple(_requirement_state(name, plan) for name in arrived))
                except BaseException as error:
                    self._put_back(before, plan, copies, error)
                    raise
        names = {plugin for one in arrived.values() for plugin in one.plugins}
        return tuple(one for one in after.plugins if one.name in names)

    def uninstall(self, distribution: str) -> None:
        """Take a plugin out and off the list; what it brought along stays.

        Raises:
            ZooError: the installer gave up.
        """
        with _one_at_a_time():
            self._installer.uninstall([distribution])
            plugin_list.forget(distribution)

    def find(self, name: str) -> tuple[str, Installed]:
        """The installed distribution of a plugin, by its name or the plugin's, with its normalised name.

        Raises:
            UnknownPlugin: there is none.
            OptionInvalid: several distributions call their plugin so.
        """
        contents = {key: one for key, one in self.environment.contents().items() if one.plugins}
        matches = {key for key, one in contents.items() if name in one.plugins or key == normalised(name)}
        if not matches:
            names = sorted({*contents, *(plugin for one in contents.values() for plugin in one.plugins)})
            hint = did_you_mean(name, names, f"installed in this environment: {', '.join(names) or 'none'}")
            raise UnknownPlugin(f"there is no plugin {name!r} in this environment", hint)
        if len(matches) > 1:
            raise OptionInvalid(
                f"{' and '.join(sorted(matches))} both call their plugin {name!r}", "name one of the two"
            )
        (key,) = matches
        return key, contents[key]

    def dependents(self, distribution: str) -> tuple[str, ...]:
        """Names of the installed distributions that cannot do without this one."""
        return tuple(one.name for one in self.environment.contents().values() if distribution in one.needs)

    def lost(self) -> tuple[RequirementState, ...]:
        """What was installed through zoo and is not there any more."""
        contents = self.environment.contents()
        return tuple(one for one in plugin_list.read().installed if one.distribution not in contents)

    def keep(self, plan: Plan) -> str:
        """Remember a plugin that is there already.

        Returns:
            What it is to be called.

        Raises:
            Unsupported: what is there is no plugin.
        """
        name = normalised(package_name(plan.requirement))
        if not name:
            return without_password(plan.requirement)
        contents = self.environment.contents()
        if name not in contents or not contents[name].plugins:
            raise _no_plugin(plan.requirement)
        plugin_list.remember((_requirement_state(name, plan),))
        return contents[name].name

    def _pins(self) -> list[str]:
        """What keeps zoo itself as it is, and so what it needs within its bounds."""
        core = self.environment.contents().get(CORE)
        return [f"{CORE}=={core.version}"] if core else []

    def _state(self) -> tuple[dict[str, Installed], Health, frozenset[str]]:
        return self.environment.contents(), health(self.environment.python), self._installer.conflicts()

    def _sound_state(self) -> tuple[dict[str, Installed], Health, frozenset[str]]:
        """The state before a change: without it, it would be unknown whether the change broke something."""
        state = self._state()
        if state[1].fatal:
            raise Unsupported(
                f"zoo does not start in a process of its own: {state[1].fatal}",
                f"{self.environment.python} -P -m zoo plugins shows why",
            )
        return state

    def _verified(
        self, plan: Plan, before: dict[str, Installed], well: Health, conflicts: frozenset[str]
    ) -> tuple[dict[str, Installed], Health]:
        """The distributions with plugins that arrived, and how all plugins are."""
        contents, after, conflicts_after = self._state()
        changed = {normalised(one.name) for one in plan.changes if one.after}
        changed |= {name for name, one in contents.items() if before.get(name) != one}
        changed.add(normalised(package_name(plan.requirement)))  # only what it needs may have been missing
        arrived = {name: one for name, one in contents.items() if name in changed and one.plugins}
        if not arrived:
            raise _no_plugin(plan.requirement)
        mine = {plugin for one in arrived.values() for plugin in one.plugins}
        worse = [*troubles(well, after, mine), *sorted(conflicts_after - conflicts)]
        if worse:
            raise PluginBroken(
                f"{without_password(plan.requirement)} breaks this environment: {'; '.join(worse)}",
                "everything is as it was; another version may fit, or tell the plugin's author",
            )
        return arrived, after

    def _put_back(self, before: dict[str, Installed], plan: Plan, copies: Backup, cause: BaseException) -> None:
        """Let the environment be what it was.

        Raises:
            StoreInvalid: it is not, with all that is left to do.
        """
        trouble = ""
        try:
            now = self.environment.contents()
            planned = {normalised(one.name) for one in plan.changes}
            changed = [name for name, one in now.items() if before.get(name) != one or name in planned]
            if changed:
                self._installer.uninstall(changed)
            copies.put_back()
        except (ZooError, OSError) as error:
            trouble = f" ({error})"
        differences = _differences(before, self.environment.contents())
        if differences:
            raise StoreInvalid(
                f"{without_password(plan.requirement)} could not be installed, and not all could be put back{trouble}: "
                f"{'; '.join(differences)}. What went wrong first: {cause}",
                "install the versions named here by hand",
            ) from cause


def _differences(before: dict[str, Installed], after: dict[str, Installed]) -> list[str]:
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))

    def version(contents: dict[str, Installed], name: str) -> str:
        return contents[name].version if name in contents else "absent"

    return [f"{name} was {version(before, name)} and is {version(after, name)}" for name in names]


def _requirement_state(distribution: str, plan: Plan) -> RequirementState:
    requirement = without_password(plan.requirement)
    return RequirementState(distribution=distribution, requirement=requirement, build=plan.build)


def _no_plugin(requirement: str) -> Unsupported:
    return Unsupported(
        f"{without_password(requirement)} is no plugin of zoo: it has no entry point in the group zoo.plugins",
        "nothing was changed; look at the name",
    )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    home = paths.home()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreInvalid(f"{home} cannot be made: {error.strerror}", "set ZOO_HOME to a folder of yours") from error
    with locked(home / "plugins.lock", lambda: False):
        yield
