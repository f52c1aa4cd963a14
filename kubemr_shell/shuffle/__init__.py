"""The shuffle: from the map outputs of a job to the sorted input of each reduce task."""
