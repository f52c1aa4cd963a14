# The first 20 lines of "count word" with a bar for each count; input sorted, largest first.
$2 != "" && shown < 20 {
    if (!shown++) most = $1
    bar = sprintf("%" int(40 * $1 / most) "s", "")
    gsub(/ /, "#", bar)
    printf "%9d  %-12s %s\n", $1, $2, bar
}
