# Counterpoise
#
#   make         the library and the programs in apps/
#   make demo    train a VGG16 on synthetic cats and dogs, one cat to eleven dogs, with the focal loss
#   make check   build and run the quick tests: about 20 seconds
#   make test    build and run all tests
#   make races   look for threads of a GPU that access the same memory in no order, on an emulated one
#   make fuzz    look for files and command lines that crash a sanitized build, for SECONDS=60
#   make bench   speed and memory, compared with PyTorch's
#   make lessons, make lesson N=01, make exercise N=01, make reveal N=10    (apps/lessons/README.md)
#   make examples, make install, make uninstall    (PREFIX=/usr/local, DESTDIR)
#   make clean   remove what was built
#
# Settings: ARCH=native (the processor to build for, as g++'s -march; ARCH=x86-64-v3 runs on others, too),
# CUDA=0 (no support for NVIDIA GPUs, which is built wherever nvcc, cuBLAS and cuDNN are found; CUDA_HOME says where),
# CUDA=1 (an error if they are not found), CUDA_ARCHS="80 90" (the GPUs to build for; this machine's, else all),
# CUDA=emulated (tests run the cuda backend on an emulated GPU), SANITIZE=1 (AddressSanitizer and UBSan, in a folder of
# its own), SANITIZE=thread (ThreadSanitizer), TEST_JOBS=1 (the processes that share the tests out), WERROR=1 (warnings are
# errors), CXX=g++, V=1 (show the commands).

# A comma that may stand inside a function call.
, := ,

# All cores; a -j on the command line wins.
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)

ARCH ?= native
PREFIX ?= /usr/local
Q := $(if $(V),,@)
# SANITIZE=thread is ThreadSanitizer; any other value is AddressSanitizer and UBSan.
SANITIZER := $(if $(SANITIZE),$(if $(filter thread,$(SANITIZE)),thread,address$(,)undefined))
CXXFLAGS ?= $(if $(SANITIZE),-O1 -g1,-O3)
BUILD := build/$(if $(SANITIZE),$(if $(filter thread,$(SANITIZE)),sanitize-thread,sanitize),release)

# What is not here is installed by `make` on Debian and Ubuntu.
PACKAGES := g++ libopenblas-dev libstb-dev doctest-dev libcli11-dev nlohmann-json3-dev libprotozero-dev \
            libpugixml-dev

include kernels/cuda/cuda.mk
# What depends on the device has folders of its own; all other objects serve every device.
OUT := $(BUILD)/$(DEVICE)

# No -ffast-math anywhere: it would delete the checks for NaN. The two -fno- only say that nobody reads errno or
# traps after arithmetic, so that loops with sqrt are vectorized. --param: when it tunes for some processors (Zen 2 and
# 3), g++ splits multiply-adds into two instructions where it finds a chain of them. It finds them in some sizes of a
# kernel and not in others, so that a result would depend on how work is split.
# -Wno-maybe-uninitialized: with a sanitizer, g++ 12 warns of <regex>.
FLAGS := -std=c++17 -march=$(ARCH) -fno-math-errno -fno-trapping-math --param avoid-fma-max-bits=0 \
         -Wall -Wextra -MMD -MP -I. \
         -isystem /usr/include/stb -isystem /usr/include/openblas \
         $(if $(SANITIZE),-fsanitize=$(SANITIZER) -fno-sanitize-recover=all -Wno-maybe-uninitialized)
LIBS := -lopenblas -lpugixml -lpthread $(DEVICE_LIBS)
LINK := $(if $(SANITIZE),-fsanitize=$(SANITIZER))

# -- the library: every .cpp of its folders, and the sources of one device (kernels/cuda/cuda.mk) --
LIBRARY := $(OUT)/libcounterpoise.a
HOST_SOURCES := $(filter-out kernels/cuda/%,$(shell find kernels core layers losses optim data -name '*.cpp'))
LIBRARY_OBJECTS := $(HOST_SOURCES:%.cpp=$(BUILD)/%.o) $(DEVICE_SOURCES:%=$(OUT)/%.o)

# -- the programs: every apps/*.cpp, apps/examples/*.cpp and apps/lessons/*.cpp is one; the other folders of apps/ are
# their library --
PROGRAMS := $(basename $(wildcard apps/*.cpp))
EXAMPLES := $(basename $(wildcard apps/examples/*.cpp))
LESSONS := $(basename $(wildcard apps/lessons/*.cpp))
FIGURES_OBJECTS := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard apps/figures/*.cpp))
APPS_LIBRARY := $(BUILD)/libapps.a
APPS_OBJECTS := $(patsubst %.cpp,$(BUILD)/%.o,$(filter-out apps/examples/% apps/lessons/% apps/figures/%,$(wildcard apps/*/*.cpp)))
# (A part of the tests can be built alone: TEST_SOURCES="tests/main.cpp ...".)
TEST_SOURCES ?= $(filter-out tests/fuzz/% tests/lessons/%,$(wildcard tests/*.cpp tests/*/*.cpp))
# Reading what a test includes takes longer than compiling what stands in it. So six files test_*.cpp of a folder are
# compiled as one, a bundle, which reads what they include once. Each has a namespace of its own there: two may have
# helpers of the same name, and none may open the namespace counterpoise.
# $(call bundles,FOLDER,FILES): the objects in FOLDER that files of one folder become.
bundles = $(if $(2),$(call bundle,$(1)/bundles/$(basename $(firstword $(2))).o,$(wordlist 1,6,$(2))) \
  $(call bundles,$(1),$(wordlist 7,$(words $(2)),$(2))))
bundle = $(eval $(1): FILES := $(2))$(1)
BUNDLED := $(foreach f,$(TEST_SOURCES),$(if $(filter test_%,$(notdir $(f))),$(f)))
HOST_BUNDLES := $(foreach d,$(sort $(dir $(BUNDLED))),$(call bundles,$(BUILD),$(filter $(BUNDLED),$(wildcard $(d)*.cpp))))
DEVICE_BUNDLES := $(call bundles,$(OUT),$(DEVICE_TESTS))
TEST_OBJECTS := $(patsubst %.cpp,$(BUILD)/%.o,$(filter-out $(BUNDLED),$(TEST_SOURCES))) $(HOST_BUNDLES) $(DEVICE_BUNDLES)

.PHONY: all examples demo test check races fuzz bench clean install uninstall force
all: $(if $(SANITIZE)$(filter emulated,$(DEVICE)),$(PROGRAMS:%=$(OUT)/%),$(PROGRAMS))
examples: $(EXAMPLES)

demo: apps/catdog
	./apps/catdog --loss focal --gamma 2

# Slow tests are in a test suite of that name (tests/support.h). TEST_JOBS processes share the tests out among themselves.
# (ThreadSanitizer allows no threads in a process that another with threads started, and OpenBLAS starts some at once.)
TEST_JOBS ?= $(if $(filter thread,$(SANITIZER)),1,$(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 4 ? n : 4))))
check: $(OUT)/run_tests
	$(OUT)/run_tests --jobs=$(TEST_JOBS) -tse=slow $(TEST_ARGS)
test: $(OUT)/run_tests
	$(OUT)/run_tests --jobs=$(TEST_JOBS) $(TEST_ARGS)

# Kernels that tell an emulated GPU of their accesses to memory (tests/kernels/cuda_emulator/races.h).
RACES_OBJECTS := $(patsubst %,$(OUT)/races/%.o,$(filter %.cu,$(DEVICE_SOURCES)))
RACES_TESTS ?= ops*,kernels*,conv few*,*every backend*,losses: g*,losses: values*,losses golden*,optim*,bf16*,gpu: the emulator*,gpu: sums*,gpu: gradients*,gpu: a step*
races:
	@$(MAKE) --no-print-directory CUDA=emulated SANITIZE= build/release/emulated/run_races
	build/release/emulated/run_races --jobs=$(TEST_JOBS) -tc="$(RACES_TESTS)"

# The fuzzer (tests/fuzz/fuzz.h). The sources that read inputs are compiled once more, so that it sees their branches.
SECONDS ?= 60
FUZZED := $(filter-out core/io/onnx.cpp,$(wildcard core/io/*.cpp)) $(wildcard data/images/*.cpp data/annotations/*.cpp) \
  data/tables/csv.cpp data/mix.cpp losses/class_weights.cpp losses/metrics/threshold_rule.cpp layers/weights.cpp \
  $(foreach f,config options option_rows option_table flags loss_flags metrics_command export_command \
    eval_command,apps/trainer/$(f).cpp) \
  $(foreach f,arguments comparison outcome,apps/compare/$(f).cpp) $(foreach f,run_data scores,apps/report/$(f).cpp) \
  tests/fuzz/targets_planted.cpp
FUZZ_OBJECTS := $(FUZZED:%.cpp=$(BUILD)/fuzzed/%.o) \
  $(patsubst %.cpp,$(BUILD)/%.o,$(filter-out $(FUZZED),$(wildcard tests/fuzz/*.cpp)))
fuzz:
	@$(MAKE) --no-print-directory SANITIZE=1 CUDA=0 build/sanitize/none/fuzz
	build/sanitize/none/fuzz --seconds $(SECONDS) $(FUZZ_ARGS)

bench: apps/bench
	python3 apps/scripts/bench.py

$(PROGRAMS) $(EXAMPLES): %: $(OUT)/% force
	@cmp -s $< $@ || cp -f $< $@
$(PROGRAMS:%=$(OUT)/%): $(OUT)/%: $(BUILD)/%.o $(APPS_LIBRARY) $(LIBRARY)
	@echo "  $@"
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS) $(LINK) $^ -o $@ $(LIBS)
# Tests also run the programs, which are in the same folder, so these are built first.
$(OUT)/run_tests: $(TEST_OBJECTS) $(APPS_LIBRARY) $(LIBRARY) | $(PROGRAMS:%=$(OUT)/%) $(EXAMPLES:%=$(OUT)/%)
	@echo "  $@"
	$(Q)$(CXX) $(CXXFLAGS) $(LINK) $^ -o $@ $(LIBS)

$(OUT)/run_races: $(RACES_OBJECTS) $(TEST_OBJECTS) $(APPS_LIBRARY) $(LIBRARY)
	@echo "  $@"
	$(Q)$(CXX) $(CXXFLAGS) $(LINK) $^ -o $@ $(LIBS)

$(OUT)/fuzz: $(FUZZ_OBJECTS) $(APPS_LIBRARY) $(LIBRARY)
	@echo "  $@"
	$(Q)$(CXX) $(CXXFLAGS) $(LINK) $^ -o $@ $(LIBS)

$(LIBRARY): $(LIBRARY_OBJECTS)
$(APPS_LIBRARY): $(APPS_OBJECTS)
$(LIBRARY) $(APPS_LIBRARY):
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcs $@ $^

# -- the headers as they are installed: the public ones under counterpoise/, and counterpoise.h, which includes all --
# A header includes "core/var.h" here and "counterpoise/core/var.h" there, where other libraries have a core/, too.
INTERNAL_HEADERS := core/io/safetensors_header.h data/images/jpeg_check.h data/images/png_check.h \
  data/images/memory_budget.h data/images/canvas.h data/augment/rows.h data/augment/spec_steps.h \
  data/augment/spec_parser.h
PUBLIC_HEADERS := $(filter-out $(INTERNAL_HEADERS),$(wildcard kernels/*.h) kernels/cpu/parallel.h \
  $(foreach d,core layers losses optim data,$(sort $(wildcard $(d)/*.h $(d)/*/*.h))))
HEADERS := $(BUILD)/include
$(HEADERS)/counterpoise/counterpoise.h: $(PUBLIC_HEADERS) Makefile
	@echo "  $@"
	@rm -rf $(@D)
	@mkdir -p $(addprefix $(@D)/,$(sort $(dir $(PUBLIC_HEADERS))))
	@for h in $(PUBLIC_HEADERS); do sed -E 's|^#include "([^"]+)"|#include "counterpoise/\1"|' $$h > $(@D)/$$h; done
	@{ echo "// Counterpoise, all of it."; echo "#pragma once"; echo; \
	  printf '#include "counterpoise/%s"\n' $(PUBLIC_HEADERS); } > $@

# Examples use what a user's program uses: the installed headers and the library.
$(EXAMPLES:%=$(OUT)/%): $(OUT)/%: %.cpp $(LIBRARY) $(HEADERS)/counterpoise/counterpoise.h $(BUILD)/flags
	@echo "  $@"
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -Wall -Wextra $(CXXFLAGS) $(LINK) $(if $(WERROR),-Werror) -MMD -MP -MF $@.d \
	  -I$(HEADERS) $< $(LIBRARY) -o $@ $(LIBS)

# Lessons do, too, and draw with apps/plots and apps/show, whose own includes of the library are of the same headers.
LESSON_FLAGS = -std=c++17 -O1 -Wall -Wextra $(LINK) $(if $(WERROR),-Werror) -I$(HEADERS) -I$(HEADERS)/counterpoise -I.
$(LESSONS:%=$(OUT)/%): $(OUT)/%: %.cpp $(APPS_LIBRARY) $(LIBRARY) $(HEADERS)/counterpoise/counterpoise.h $(BUILD)/flags
	@echo "  $@"
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LESSON_FLAGS) -MMD -MP -MF $@.d $< $(APPS_LIBRARY) $(LIBRARY) -o $@ $(LIBS)

# make lesson N=07 runs lesson 7; its images go to runs/lessons.
LESSON = $(filter apps/lessons/$(N)_% apps/lessons/0$(N)_%,$(LESSONS))
lesson: need-lesson $(LESSON:%=$(OUT)/%)
	@mkdir -p runs
	@$(OUT)/$(LESSON) runs/lessons

# make lessons runs all, and makes one page of all texts and images.
lessons: need-pandoc $(LESSONS:%=$(OUT)/%)
	@mkdir -p runs/lessons
	@for lesson in $^; do echo "  $${lesson##*/}"; $$lesson runs/lessons >runs/lessons/printed || exit 1; done
	@apps/lessons/page.sh runs/lessons

# make exercise N=07 checks what stands in apps/lessons/exercises; EXERCISE=FILE checks another file.
EXERCISE = $(LESSON:apps/lessons/%=apps/lessons/exercises/%.h)
CHECK = $(LESSON:apps/lessons/%=apps/lessons/checks/%.h)
exercise: need-lesson $(LIBRARY) $(HEADERS)/counterpoise/counterpoise.h
	@mkdir -p $(OUT)/apps/lessons/checks
	@$(CXX) $(LESSON_FLAGS) -Wno-unused-parameter -DEXERCISE='"$(EXERCISE)"' -DCHECK='"$(CHECK)"' \
	  -DTYPES='"$(CHECK:.h=_types.h)"' apps/lessons/checks/main.cpp $(LIBRARY) \
	  -o $(OUT)/$(LESSON)_check $(LIBS) && $(OUT)/$(LESSON)_check

# make reveal N=10 prints a solution of exercise 10. It is stored so that nobody reads it by accident, by
# `gzip -9nc FILE | base64`; exercises without one are solved by functions of the library.
ANSWER = $(LESSON:apps/lessons/%=apps/lessons/answers/%.txt)
reveal: need-lesson
	@if [ -e $(ANSWER) ]; then base64 -d $(ANSWER) | gzip -dc; else \
	  echo "Lesson $(N): no solution is stored; $(LESSON).md says what the library has of it."; fi

# make pictures draws the images of the READMEs and the lessons again.
$(OUT)/apps/figures/draw: $(FIGURES_OBJECTS) $(APPS_LIBRARY) $(LIBRARY)
	@echo "  $@"
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS) $(LINK) $^ -o $@ $(LIBS)
pictures: $(OUT)/apps/figures/draw $(LESSONS:%=$(OUT)/%)
	@$< . >/dev/null
	@for lesson in $(LESSONS:%=$(OUT)/%); do $$lesson apps/lessons/images >/dev/null || exit 1; done

.PHONY: lesson lessons exercise reveal pictures need-lesson need-pandoc
need-pandoc:
	@command -v pandoc >/dev/null || { echo "make lessons needs pandoc: sudo apt-get install pandoc" >&2; exit 2; }
need-lesson:
	@[ -n "$(LESSON)" ] || { echo "N=$(N): there is no such lesson; valid are \
	$(foreach lesson,$(notdir $(LESSONS)),N=$(firstword $(subst _, ,$(lesson))))" >&2; exit 2; }

# -- installation --
VERSION := $(shell sed -n 's/.*COUNTERPOISE_VERSION "\(.*\)"/\1/p' kernels/version.h)
TO := $(DESTDIR)$(PREFIX)
# Installed programs get a prefix: losses becomes counterpoise-losses.
installed_name = $(if $(filter counterpoise%,$(notdir $(1))),$(notdir $(1)),counterpoise-$(notdir $(1)))

install: $(LIBRARY) $(HEADERS)/counterpoise/counterpoise.h $(PROGRAMS:%=$(OUT)/%)
	@mkdir -p "$(TO)/include" "$(TO)/lib/pkgconfig" "$(TO)/bin"
	@rm -rf "$(TO)/include/counterpoise"
	cp -r $(HEADERS)/counterpoise "$(TO)/include/"
	install -m 644 $(LIBRARY) "$(TO)/lib/"
	@printf '%s\n' 'prefix=$(PREFIX)' 'Name: counterpoise' 'Description: Deep learning when one class is rare' \
	  'Version: $(VERSION)' 'Cflags: -I$${prefix}/include' 'Libs: -L$${prefix}/lib -lcounterpoise $(LIBS)' \
	  > "$(TO)/lib/pkgconfig/counterpoise.pc"
	$(foreach p,$(PROGRAMS),install -m 755 $(OUT)/$(p) "$(TO)/bin/$(call installed_name,$(p))" &&) true

uninstall:
	rm -rf "$(TO)/include/counterpoise"
	rm -f "$(TO)/lib/libcounterpoise.a" "$(TO)/lib/pkgconfig/counterpoise.pc" \
	  $(foreach p,$(PROGRAMS),"$(TO)/bin/$(call installed_name,$(p))")

# Objects are rebuilt when the flags have changed.
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@echo '$(CXX) $(FLAGS) $(CXXFLAGS)' | cmp -s - $@ || echo '$(CXX) $(FLAGS) $(CXXFLAGS)' > $@
$(OUT)/flags: force
	@mkdir -p $(@D)
	@echo '$(DEVICE_FLAGS) $(NVCC_FLAGS)' | cmp -s - $@ || echo '$(DEVICE_FLAGS) $(NVCC_FLAGS)' > $@
DEVICE_FLAGS := $(FLAGS) $(DEVICE_INCLUDES) $(CXXFLAGS)

$(BUILD)/%.o: %.cpp $(BUILD)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $<"
	$(Q)$(CXX) $(FLAGS) $(CXXFLAGS) $(if $(WERROR),-Werror) $(EXTRA) -c $< -o $@

$(BUILD)/fuzzed/%.o: %.cpp $(BUILD)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $< (for the fuzzer)"
	$(Q)$(CXX) $(FLAGS) $(CXXFLAGS) $(if $(WERROR),-Werror) $(EXTRA) -fsanitize-coverage=trace-pc -c $< -o $@

$(OUT)/%.cpp.o: %.cpp $(OUT)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $<"
	$(Q)$(CXX) $(DEVICE_FLAGS) $(if $(WERROR),-Werror) $(EXTRA) -c $< -o $@
# What the files of a bundle include, and then the files.
$(HOST_BUNDLES:.o=.cpp) $(DEVICE_BUNDLES:.o=.cpp): force
	@mkdir -p $(@D)
	@{ awk '/^#include/ && !seen[$$0]++' $(FILES); for f in $(FILES); do \
	  printf 'namespace in_%s {\n#include "%s"\n}\n' "$$(basename $$f .cpp)" $$f; done; } >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi
$(HOST_BUNDLES): %.o: %.cpp $(BUILD)/flags | build/packages
	@printf '  %s\n' $(FILES)
	$(Q)$(CXX) $(FLAGS) $(CXXFLAGS) $(if $(WERROR),-Werror) $(EXTRA) -c $< -o $@
$(DEVICE_BUNDLES): %.o: %.cpp $(OUT)/flags | build/packages
	@printf '  %s\n' $(FILES)
	$(Q)$(CXX) $(DEVICE_FLAGS) $(if $(WERROR),-Werror) $(EXTRA) -c $< -o $@
# Kernels: by nvcc for a GPU, by g++ for the emulated one.
$(OUT)/%.cu.o: %.cu $(OUT)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $<"
	$(Q)$(if $(filter cuda,$(DEVICE)),$(NVCC) $(NVCC_FLAGS) -MMD -MP $(if $(WERROR),-Werror all-warnings), \
	  $(CXX) $(DEVICE_FLAGS) $(if $(WERROR),-Werror) -include tests/kernels/cuda_emulator/emulator.h -x c++) -c $< -o $@

# (The functions that -fsanitize=thread calls are the emulator's.)
$(OUT)/races/%.cu.o: %.cu $(OUT)/flags | build/packages
	@mkdir -p $(@D)
	@echo "  $< (for races)"
	$(Q)$(CXX) $(DEVICE_FLAGS) -g1 -fsanitize=thread --param=tsan-instrument-func-entry-exit=0 \
	  $(if $(WERROR),-Werror) -include tests/kernels/cuda_emulator/emulator.h -x c++ -c $< -o $@

# (EXTRA is expanded when it is used, because the header may be installed by this very run.)
# Image files are untrusted: an overrun of stb_image's arrays ends in the handler in stb.cpp, which reports a bad image,
# instead of corrupting memory.
$(BUILD)/data/images/stb.o $(BUILD)/fuzzed/data/images/stb.o: EXTRA = -fno-sanitize=undefined -fsanitize=bounds -fno-sanitize-recover=bounds -fwrapv \
  $(shell $(CXX) -ftrivial-auto-var-init=zero -E -x c++ /dev/null >/dev/null 2>&1 && echo -ftrivial-auto-var-init=zero) \
  -DSTB_IMAGE_VERSION='"$(shell sed -n \
  's/.*stb_image - v\([0-9.]*\).*/\1/p' /usr/include/stb/stb_image.h 2>/dev/null | head -n 1)"'
$(OUT)/tests/%.o $(DEVICE_BUNDLES): EXTRA := -DSOURCE_DIR='"$(CURDIR)"'
# (Programs spend their time in the library, and take half as long again to compile with -O3; so do tests, which are
# compiled fastest without optimization, but for their helpers that compute. Sanitized, the checks of every pointer for
# what AddressSanitizer sees take as long again, too.)
QUICK := $(if $(SANITIZE),-O0 -fno-sanitize=null$(,)alignment$(,)vptr$(,)object-size$(,)pointer-overflow)
$(BUILD)/tests/%.o: EXTRA := -DSOURCE_DIR='"$(CURDIR)"' $(QUICK)
$(HOST_BUNDLES): EXTRA := -DSOURCE_DIR='"$(CURDIR)"' $(or $(QUICK),-O0)
$(BUILD)/bundles/tests/test_house.o: EXTRA += $(if $(QUICK),,-O1)  # std::regex takes five times as long without
$(BUILD)/apps/%.o: EXTRA := $(or $(QUICK),-O1)
$(BUILD)/tests/fuzz/%.o: EXTRA := -DSOURCE_DIR='"$(CURDIR)"'
# (stb_image_write shifts negative numbers to the left.)
$(BUILD)/apps/report/thumbnail.o $(BUILD)/apps/show/sheet.o: EXTRA := $(or $(QUICK),-O1) -fno-sanitize=undefined -fwrapv
$(BUILD)/apps/trainer/version.o: EXTRA := -O1 -DBUILD_FLAGS='"$(CXXFLAGS) -march=$(ARCH)$(if $(SANITIZE), sanitized)"'

# Succeeds if every package can be compiled against and linked.
define PROBE
printf '%s\n' '#include <cblas.h>' '#if !__has_include(<CLI/CLI.hpp>) || !__has_include(<doctest/doctest.h>) || \
!__has_include(<nlohmann/json.hpp>) || !__has_include(<protozero/pbf_writer.hpp>) || !__has_include(<pugixml.hpp>) || \
!(__has_include(<stb/stb_image.h>) || __has_include(<stb_image.h>))' \
'#error missing' '#endif' 'int main() { openblas_set_num_threads(1); }' | \
$(CXX) -x c++ -isystem /usr/include/openblas - -o /dev/null -lopenblas -lpugixml 2>/dev/null
endef

# (Probed again when the Makefile has changed, because PACKAGES may have.)
build/packages: Makefile
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
	rm -rf build $(PROGRAMS) $(EXAMPLES)

-include $(LIBRARY_OBJECTS:.o=.d) $(RACES_OBJECTS:.o=.d) $(APPS_OBJECTS:.o=.d) $(FIGURES_OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(FUZZ_OBJECTS:.o=.d) $(PROGRAMS:%=$(BUILD)/%.d) $(LESSONS:%=$(OUT)/%.d)
