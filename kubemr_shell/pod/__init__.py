"""The worker in a pod: its board is the API server, its bytes are in S3, and its cgroup limits its resources."""
