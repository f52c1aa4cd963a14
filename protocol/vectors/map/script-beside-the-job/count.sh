#!/bin/sh
n=0
while read -r _; do n=$((n + 1)); done
echo "$n lines"
