"""Settings that hold for all tests: the same examples every time, and no limit on the time of one; the servers."""

from hypothesis import HealthCheck, settings

from tests.cluster import cluster, namespace
from tests.s3_server import bucket, s3_server, s3_test_client

__all__ = ["bucket", "cluster", "namespace", "s3_server", "s3_test_client"]

settings.register_profile("ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
