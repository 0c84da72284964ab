"""What fails again and again: every time counts, and the log is told now and then."""

from structlog.testing import capture_logs

from core.troubles import Troubles


def test_each_trouble_is_told_once_in_ten_seconds_and_counted_every_time() -> None:
    seconds = iter([0.0, 1.0, 2.0, 9.9, 10.1])
    troubles = Troubles(lambda: next(seconds))
    with capture_logs() as lines:
        troubles.note("poll_failed")
        troubles.note("counts_not_stored", count=7)
        for _ in range(3):
            troubles.note("poll_failed")
    assert troubles.counts == {"poll_failed": 4, "counts_not_stored": 1}
    assert lines == [
        {"event": "poll_failed", "log_level": "warning", "times": 1},
        {"event": "counts_not_stored", "log_level": "warning", "times": 1, "count": 7},
        {"event": "poll_failed", "log_level": "warning", "times": 3},
    ]
