"""The tools that build and check the files of a release."""
