"""What tests leave in memory, and what it says when it is collected."""

import gc
import warnings


def collect_litter() -> None:
    """Let it say now what it has to say, and not while another test listens.

    httpx lets go of a connection that was made at the very moment at which its maker was cancelled or out of time, and does
    not close it: that is not for the next test to answer for.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
