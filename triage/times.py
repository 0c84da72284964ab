"""How long things of the line last: offers, leases, the patience with an advisor who cannot be seen.

One value, given to every part that needs it, so that a test can make all of it shorter and none of it inconsistent.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Times:
    offer: timedelta = timedelta(seconds=25)
    """To accept or pass on."""

    rest: timedelta = timedelta(seconds=30)
    """When everybody on duty has passed somebody on, before the same advisor is asked again."""

    lease: timedelta = timedelta(seconds=45)
    """An advisor is there for so long after the last renewal, by the socket of their desk or by anything it asks for."""

    heartbeat: timedelta = timedelta(seconds=15)
    """Between renewals."""

    grace: timedelta = timedelta(seconds=30)
    """After the last desk of an advisor was closed: a page that is loaded again comes back within this."""

    silent_grace: timedelta = timedelta(seconds=10)
    """The same when the desk fell silent: up to 35 seconds of silence have gone by when that is known."""

    closest: timedelta = timedelta(seconds=5)
    """Between two renewals by what a desk asks for: a stream, a poll, a page of a desk without scripts."""

    lost_after: timedelta = timedelta(seconds=13)
    """After the lease ran out. With the lease and a look each second, within 60 seconds of the last sign of life."""

    quiet: timedelta = timedelta(seconds=58)
    """Whoever wrote or took something so recently is not lost, whatever their lease says."""

    longest_gap: timedelta = timedelta(seconds=10)
    """Between two looks of the reaper: after a longer one it cannot know who could have renewed."""

    after_closing: timedelta = timedelta(minutes=30)
    """Those who wait when the service closes keep their place so long, while an advisor is online."""

    @property
    def freeze(self) -> timedelta:
        """How long the reaper must have looked without a gap before it acts: every desk had time to renew, twice."""
        return self.lease + 2 * self.heartbeat
