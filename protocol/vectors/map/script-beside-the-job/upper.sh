#!/bin/sh
exec tr '[:lower:]' '[:upper:]'
