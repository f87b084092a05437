#!/bin/sh
# Print MAJOR.MINOR.PATCH as the public header ($1) states it.
awk '/#define QUANT_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", sep, $3; sep = "." }' "$1"
