"""A worker in a pod: its board is the API server, its temporaries and outputs are in S3, its resources the cgroup's."""
