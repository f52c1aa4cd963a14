#!/usr/bin/env perl
# The host of every link in HTML or Markdown, one a line.
use strict;
use warnings;

while (my $line = <STDIN>) {
    while ($line =~ m{(?:href\s*=\s*["']?|\]\()\s*https?://(?:[^/@\s"'>)]*@)?([^/:?#\s"'>)]+)}gi) {
        print lc($1), "\n";
    }
}
