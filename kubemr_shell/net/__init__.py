"""Talking to servers: waiting that can be cancelled, trying again within a budget, HTTP, and S3."""
