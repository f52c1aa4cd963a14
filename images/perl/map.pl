#!/usr/bin/perl
# The words of a text in small letters, each with how often this task has seen it.
use strict;
use warnings;

my %count;
while (my $line = <STDIN>) {
    $count{$_}++ for lc($line) =~ /[a-z0-9_\x80-\xff]+/g;
}
print "$_\t$count{$_}\n" for keys %count;
