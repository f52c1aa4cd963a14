# Lines "key TAB number", equal keys adjacent: one line a key, with the sum. `key` is made a string, because awk would
# take 1 and 1.0 for equal.
BEGIN { FS = OFS = "\t" }
NR > 1 && $1 != key { print key, sum; sum = 0 }
{ key = $1 ""; sum += $2 }
END { if (NR) print key, sum }
