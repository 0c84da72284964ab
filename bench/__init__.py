"""What `make bench` runs: each bar of the project, printed beside its reference in the same run."""
