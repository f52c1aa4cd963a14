"""Requests to servers: waits that can be cancelled, retries within a budget, HTTP, and S3."""
