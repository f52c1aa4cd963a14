# user TAB seconds TAB page, ordered by user and time. A pause of over half an hour begins a new session.
# Writes: user, first second, length in seconds, pages.
BEGIN { FS = OFS = "\t" }
function close_session() { if (pages) print user, first, last - first, pages }
$1 != user || $2 - last > 1800 { close_session(); user = $1 ""; first = $2; pages = 0 }
{ last = $2; pages++ }
END { close_session() }
