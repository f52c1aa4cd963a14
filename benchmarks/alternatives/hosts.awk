# Host and bytes of each line of the log.
{ print $2 "\t" $6 }
