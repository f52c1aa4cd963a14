# Lines "key TAB number", equal keys adjacent: one line a key, with the sum.
BEGIN { FS = OFS = "\t" }
NR > 1 && $1 != key { print key, sum; sum = 0 }
{ key = $1; sum += $2 }
END { if (NR) print key, sum }
