"""What a job reads: names become objects, objects become splits, splits become whole lines on a command's stdin."""
