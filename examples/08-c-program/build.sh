#!/bin/sh
exec cc -std=c11 -O2 -Wall -Wextra -Werror -o extremes extremes.c
