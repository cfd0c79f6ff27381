// The version of Counterpoise: the Makefile, pkg-config and --version read it here.
#pragma once

#define COUNTERPOISE_VERSION "0.2.0"
