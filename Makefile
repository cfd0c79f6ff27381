# Counterpoise
#
#   make         the library and the programs in apps/
#   make demo    train a VGG16 on drawn cats and dogs, one cat to eleven dogs, with the focal loss
#   make test    build and run the tests
#   make bench   speed and memory beside PyTorch's
#   make clean   remove what was built
#
# Settings: ARCH=native (the processor to build for, as g++'s -march; ARCH=x86-64-v3 runs on others, too),
# CUDA=0 (without NVIDIA's cards, which are built for wherever nvcc, cuBLAS and cuDNN are found; CUDA_HOME says where),
# CUDA_ARCHS="80 90" (the cards to build for; that of this machine, else all), CUDA=emulated (tests on a machine without
# a card run the cuda backend on an emulated one), SANITIZE=1 (with AddressSanitizer and UBSan, in a folder of its own),
# WERROR=1 (warnings are errors), CXX=g++, V=1 (show the commands).

# All cores; a -j on the command line wins.
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)

ARCH ?= native
Q := $(if $(V),,@)
CXXFLAGS ?= $(if $(SANITIZE),-O1 -g,-O3)
BUILD := build/$(if $(SANITIZE),sanitize,release)

# What is not here is installed by `make` on Debian and Ubuntu.
PACKAGES := g++ libopenblas-dev libstb-dev doctest-dev libcli11-dev nlohmann-json3-dev

# A comma that may stand inside a function call.
, := ,

include kernels/cuda.mk
# What depends on the device has folders of its own; all other objects serve every device.
OUT := $(BUILD)/$(DEVICE)

# No -ffast-math anywhere: it would delete the checks for NaN. The two -fno- only say that nobody reads errno or
# traps after arithmetic, so that loops with sqrt are vectorised. --param: when it tunes for some processors (Zen 2 and
# 3), g++ splits multiply-adds into two instructions where it finds a chain of them. It finds them in some sizes of a
# kernel and not in others, so that a result would depend on how work is cut up.
FLAGS := -std=c++17 -march=$(ARCH) -fno-math-errno -fno-trapping-math --param avoid-fma-max-bits=0 \
         -Wall -Wextra -MMD -MP -I. \
         -isystem /usr/include/stb -isystem /usr/include/openblas \
         $(if $(SANITIZE),-fsanitize=address$(,)undefined -fno-sanitize-recover=all)
LIBS := -lopenblas -lpthread $(DEVICE_LIBS) $(if $(SANITIZE),-fsanitize=address$(,)undefined)

LIBRARY := $(OUT)/libcounterpoise.a
objects = $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard $(1)))
DEVICE_OBJECTS := $(DEVICE_SOURCES:%=$(OUT)/%.o)
HOST_SOURCES := $(filter-out kernels/no_cuda.cpp kernels/cuda_%.cpp kernels/cudnn_%.cpp,$(wildcard kernels/*.cpp)) \
  $(wildcard core/*.cpp layers/*.cpp losses/*.cpp optim/*.cpp data/*.cpp)
LIBRARY_OBJECTS := $(HOST_SOURCES:%.cpp=$(BUILD)/%.o) $(DEVICE_OBJECTS)
PROGRAMS := catdog losses terminal_phase bench
APP_OBJECTS := $(filter-out $(PROGRAMS:%=$(BUILD)/apps/%.o),$(call objects,apps/*.cpp))
TEST_OBJECTS := $(call objects,tests/*.cpp)

.PHONY: all demo test bench clean
all: $(PROGRAMS:%=$(if $(SANITIZE)$(filter emulated,$(DEVICE)),$(OUT)/)apps/%)

demo: apps/catdog
	./apps/catdog --loss focal --gamma 2

test: $(OUT)/run_tests
	$(OUT)/run_tests $(TEST_ARGS)

bench: apps/bench
	python3 apps/bench.py

$(PROGRAMS:%=apps/%): apps/%: $(OUT)/apps/% force
	@cmp -s $< $@ || cp -f $< $@
$(PROGRAMS:%=$(OUT)/apps/%): $(OUT)/%: $(BUILD)/%.o $(APP_OBJECTS) $(LIBRARY)
	@echo "  $@"
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS) $^ -o $@ $(LIBS)
# Tests run the programs, too, which lie beside them, so they are built first.
TESTED := $(addprefix $(OUT)/apps/,catdog losses terminal_phase)
$(OUT)/run_tests: $(TEST_OBJECTS) $(APP_OBJECTS) $(LIBRARY) | $(TESTED)
	@echo "  $@"
	$(Q)$(CXX) $(CXXFLAGS) $^ -o $@ $(LIBS)

$(LIBRARY): $(LIBRARY_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

# Objects are made anew when the flags have changed.
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@echo '$(CXX) $(FLAGS) $(CXXFLAGS)' | cmp -s - $@ || echo '$(CXX) $(FLAGS) $(CXXFLAGS)' > $@
.PHONY: force
$(OUT)/flags: force
	@mkdir -p $(@D)
	@echo '$(DEVICE_FLAGS) $(NVCC_FLAGS)' | cmp -s - $@ || echo '$(DEVICE_FLAGS) $(NVCC_FLAGS)' > $@
DEVICE_FLAGS := $(FLAGS) $(DEVICE_INCLUDES) $(CXXFLAGS)

$(BUILD)/%.o: %.cpp $(BUILD)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $<"
	$(Q)$(CXX) $(FLAGS) $(CXXFLAGS) $(if $(WERROR),-Werror) $(EXTRA) -c $< -o $@

$(OUT)/%.cpp.o: %.cpp $(OUT)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $<"
	$(Q)$(CXX) $(DEVICE_FLAGS) $(if $(WERROR),-Werror) -c $< -o $@
# Kernels: by nvcc for a card, by g++ for the emulated one.
$(OUT)/%.cu.o: %.cu $(OUT)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $<"
	$(Q)$(if $(filter cuda,$(DEVICE)),$(NVCC) $(NVCC_FLAGS) -MMD -MP $(if $(WERROR),-Werror all-warnings), \
	  $(CXX) $(DEVICE_FLAGS) $(if $(WERROR),-Werror) -include tests/cuda_emulator/emulator.h -x c++) -c $< -o $@

# (EXTRA is expanded when it is used, because the header may be installed by this very run.)
# Picture files come from strangers: an overrun of stb_image's arrays ends in its handler in stb.cpp, which reports a bad
# picture, instead of in other people's memory.
$(BUILD)/data/stb.o: EXTRA = -fno-sanitize=undefined -fsanitize=bounds -fno-sanitize-recover=bounds -fwrapv \
  $(shell $(CXX) -ftrivial-auto-var-init=zero -E -x c++ /dev/null >/dev/null 2>&1 && echo -ftrivial-auto-var-init=zero) \
  -DSTB_IMAGE_VERSION='"$(shell sed -n \
  's/.*stb_image - v\([0-9.]*\).*/\1/p' /usr/include/stb/stb_image.h 2>/dev/null | head -n 1)"'
$(BUILD)/tests/%.o: EXTRA := -DSOURCE_DIR='"$(CURDIR)"'
$(BUILD)/apps/%.o: EXTRA := -DBUILD_FLAGS='"$(CXXFLAGS) -march=$(ARCH)$(if $(SANITIZE), sanitized)"'

# Succeeds if every package can be compiled against and linked.
define PROBE
printf '%s\n' '#include <cblas.h>' '#if !__has_include(<CLI/CLI.hpp>) || !__has_include(<doctest/doctest.h>) || \
!__has_include(<nlohmann/json.hpp>) || !(__has_include(<stb/stb_image.h>) || __has_include(<stb_image.h>))' \
'#error missing' '#endif' 'int main() { openblas_set_num_threads(1); }' | \
$(CXX) -x c++ -isystem /usr/include/openblas - -o /dev/null -lopenblas 2>/dev/null
endef

build/packages:
	@mkdir -p build
	@if $(PROBE); then touch $@; exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	  echo "Missing packages. Please install, by your system's names: $(PACKAGES)"; exit 1; fi; \
	sudo=; if [ "$$(id -u)" != 0 ]; then sudo=sudo; fi; \
	if [ -n "$$sudo" ] && ! command -v sudo >/dev/null; then \
	  echo "Missing packages. Please run as root: apt-get install $(PACKAGES)"; exit 1; fi; \
	echo "Installing what is missing: $$sudo apt-get install $(PACKAGES)"; \
	$$sudo apt-get update -qq; $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES) >/dev/null; \
	if $(PROBE); then touch $@; else echo "These packages could not be installed: $(PACKAGES)"; exit 1; fi

clean:
	rm -rf build $(PROGRAMS:%=apps/%)

-include $(LIBRARY_OBJECTS:.o=.d) $(APP_OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(PROGRAMS:%=$(BUILD)/apps/%.d)
