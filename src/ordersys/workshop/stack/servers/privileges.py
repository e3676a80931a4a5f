"""How to run a server that refuses to run as root.

An ordinary user runs it directly. Root enters a user namespace in which its own id shows as another one: the files stay
root's and may lie in a closed home. Where namespaces are forbidden (most containers) root steps down to `nobody`, who
must be able to reach the data and the binaries.
"""

import functools
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ordersys.workshop.stack.servers.errors import EmbeddedError

_NAMESPACE = ("--user", "--map-user=1", "--map-group=1")
_STEP_DOWN = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Privileges:
    """`prefix` goes before the command; `user` and `group` are what the child changes to, and own its files."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def hand_over(self, folder: Path) -> None:
        """Make the folder the server's own; nothing to do unless root runs it as somebody else."""
        if os.geteuid() != 0:
            return
        owner, group = self.user or 0, self.group or 0
        if folder.stat().st_uid == owner:
            return
        for place, folders, files in os.walk(folder):
            for name in (".", *folders, *files):
                os.chown(Path(place, name), owner, group, follow_symlinks=False)


def choose(*, must_reach: tuple[Path, ...], namespaces: bool | None = None) -> Privileges:
    """What fits this process; refuses when `nobody` could not reach one of the paths."""
    if os.geteuid() != 0:
        return Privileges()
    if _namespaces_work() if namespaces is None else namespaces:
        return Privileges(prefix=("unshare", *_NAMESPACE))
    account = pwd.getpwnam(_STEP_DOWN)
    for path in must_reach:
        closed = first_closed(path)
        if closed:
            raise EmbeddedError(
                f"PostgreSQL does not run as root, user namespaces are not allowed here, and the user `{_STEP_DOWN}`"
                f" cannot reach {path} because {closed} is closed to others. Run ordersys as an ordinary user, or keep"
                " the checkout and its state in a folder that others may enter."
            )
    return Privileges(user=account.pw_uid, group=account.pw_gid)


def first_closed(path: Path) -> Path | None:
    """The topmost existing folder above the path that others may not enter."""
    for folder in reversed(path.absolute().parents):
        if folder.exists() and not folder.stat().st_mode & 0o001:
            return folder
    return None


@functools.cache
def _namespaces_work() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    probe = subprocess.run([unshare, *_NAMESPACE, "true"], capture_output=True, timeout=10, check=False)
    return probe.returncode == 0
