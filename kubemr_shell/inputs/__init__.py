"""The inputs of a job: names become objects, objects become splits, splits become lines on a command's stdin."""
