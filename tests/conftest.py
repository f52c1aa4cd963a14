"""Settings that hold for all tests: the same examples every time, and no limit on the time of one."""

from hypothesis import HealthCheck, settings

settings.register_profile("ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
