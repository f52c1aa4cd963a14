# An inner join. Of each id the customer's line comes first, so one name is all that is kept.
BEGIN { FS = OFS = "\t" }
$2 == 1 { id = $1 ""; name = $3 }
$2 == 2 && $1 == id { print id, name, $3, $4 }
