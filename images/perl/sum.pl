#!/usr/bin/perl
# The sum of each key's numbers: to combine and to reduce.
use strict;
use warnings;

my ($key, $sum);
while (my $line = <STDIN>) {
    my ($next, $number) = $line =~ /\A(.*)\t(\d+)$/s or die "not a key, a tab and a number: $line";
    if (!defined $key || $next ne $key) {
        print "$key\t$sum\n" if defined $key;
        ($key, $sum) = ($next, 0);
    }
    $sum += $number;
}
print "$key\t$sum\n" if defined $key;
