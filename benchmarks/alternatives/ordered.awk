# Fails when the lines are out of order; else writes how many there are.
($0 "") < (last "") { print "out of order at line " NR > "/dev/stderr"; exit 1 }
{ last = $0 }
END { print NR }
