package main

import "os"

var hangup os.Signal // Windows has none
