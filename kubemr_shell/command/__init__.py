"""The user's command: how it is started, fed, read and watched, and how its end is reported."""
