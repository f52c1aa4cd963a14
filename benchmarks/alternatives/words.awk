# Each word and the number 1.
{ for (i = 1; i <= NF; i++) print $i "\t1" }
