"""The experiment: schedule, ledger, statistics, report. Needs neither torch nor a robot."""
