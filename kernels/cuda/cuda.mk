# Finds what the cuda backend is built with, for the Makefile. Sets DEVICE to one of
#
#   cuda       nvcc and the headers of cuBLAS and cuDNN were found, in CUDA's folder or in Python's nvidia packages
#   none       they were not found, or CUDA=0 was given
#   emulated   CUDA=emulated: the tests' emulated GPU (tests/kernels/cuda_emulator), which needs only CUDA's headers
#
# and with it DEVICE_SOURCES, DEVICE_TESTS (tests of that device alone, which see its headers), DEVICE_INCLUDES and
# DEVICE_LIBS; with nvcc also NVCC and NVCC_FLAGS.

PYTHON_NVIDIA := $(if $(filter-out 0,$(or $(CUDA),1)),$(shell python3 -c "import glob, site, sys; print(*sorted({d \
  for p in sys.path + site.getsitepackages() for d in glob.glob(p + '/nvidia/*')}))" 2>/dev/null))
NVCC := $(firstword $(shell command -v nvcc) $(wildcard $(CUDA_HOME)/bin/nvcc /usr/local/cuda/bin/nvcc) \
  $(wildcard $(PYTHON_NVIDIA:%=%/bin/nvcc)))
CUDA_ROOT := $(if $(NVCC),$(patsubst %/bin/nvcc,%,$(realpath $(NVCC))))
CUDA_PLACES := $(CUDA_ROOT) $(CUDA_ROOT)/targets/x86_64-linux /usr $(PYTHON_NVIDIA)

# The first place that has a file in its include folder.
header_in = $(patsubst %/include/$(1),%/include,$(firstword $(wildcard $(CUDA_PLACES:%=%/include/$(1)))))
CUDA_HEADERS := $(foreach h,cuda_runtime_api.h cublas_v2.h cudnn.h,$(or $(call header_in,$(h)),missing))

ifeq ($(CUDA),emulated)
  DEVICE := emulated
else ifeq ($(CUDA),0)
  DEVICE := none
else ifeq ($(NVCC)$(filter missing,$(CUDA_HEADERS)),$(NVCC))
  DEVICE := $(if $(NVCC),cuda,none)
else
  DEVICE := none
endif
ifneq ($(filter-out 0 1 emulated,$(CUDA)),)
  $(error CUDA=$(CUDA): valid are 0 (without), 1 (an error if it is not here) and emulated)
endif
ifeq ($(CUDA)$(DEVICE),1none)
  $(error CUDA=1: nvcc, cuBLAS or cuDNN was not found; set CUDA_HOME to the folder that has bin/nvcc)
endif
ifeq ($(DEVICE)$(filter missing,$(CUDA_HEADERS)),emulatedmissing)
  $(error CUDA=emulated: the headers of CUDA, cuBLAS and cuDNN were not found)
endif

DEVICE_SOURCES := $(filter-out kernels/cuda/absent.cpp,$(wildcard kernels/cuda/*.cpp kernels/cuda/*.cu))
DEVICE_INCLUDES := $(patsubst %,-isystem %,$(sort $(filter-out /usr/include,$(CUDA_HEADERS))))
ifeq ($(DEVICE),none)
  DEVICE_SOURCES := kernels/cuda/absent.cpp
  DEVICE_INCLUDES :=
else ifeq ($(DEVICE),emulated)
  DEVICE_TESTS := $(wildcard tests/kernels/cuda_emulator/test_*.cpp)
  DEVICE_SOURCES := $(filter-out kernels/cuda/libraries.cpp kernels/cuda/cudnn_conv.cpp,$(DEVICE_SOURCES)) \
    $(filter-out $(DEVICE_TESTS),$(wildcard tests/kernels/cuda_emulator/*.cpp tests/kernels/cuda_emulator/*.cu))
else
  DEVICE_TESTS := $(wildcard tests/kernels/cudnn/*.cpp)
endif

ifeq ($(DEVICE),cuda)
  # The GPUs that kernels are compiled for, as compute capabilities without the point: that of this machine's GPU if this
  # nvcc knows it, else all generations that it knows. The newest is included as PTX, too, which a driver compiles for
  # later GPUs. (nvidia-smi tells its errors where its answers go; the filter drops them.)
  NVCC_ARCHS := $(patsubst compute_%,%,$(shell $(NVCC) --list-gpu-arch))
  CUDA_ARCHS ?= $(or $(filter $(NVCC_ARCHS),$(shell nvidia-smi --query-gpu=compute_cap --format=csv$(,)noheader 2>&1 | tr -d .)), \
    $(filter 75 80 90 100 120,$(NVCC_ARCHS)))
  override CUDA_ARCHS := $(shell printf '%s\n' $(CUDA_ARCHS) | sort -n | uniq)
  NVCC_FLAGS := -std=c++17 -O3 -ccbin $(lastword $(CXX)) --extended-lambda --expt-relaxed-constexpr -I. $(DEVICE_INCLUDES) \
    -Xcompiler -Wall$(,)-Wextra \
    $(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$(a)$(,)code=sm_$(a)) \
    -gencode arch=compute_$(lastword $(CUDA_ARCHS))$(,)code=compute_$(lastword $(CUDA_ARCHS))
  # cuBLAS and cuDNN are opened when a GPU is used (libraries.h): here they only leave the folders to look in.
  CUDA_LIBRARY_DIRS := $(wildcard $(foreach p,$(sort $(patsubst %/include,%,$(CUDA_HEADERS))),$(p)/lib64 $(p)/lib))
  DEVICE_LIBS := $(patsubst %,-L%,$(CUDA_LIBRARY_DIRS)) $(patsubst %,-Wl$(,)-rpath$(,)%,$(CUDA_LIBRARY_DIRS)) \
    -lcudart_static -ldl -lrt
endif
DEVICE_INCLUDES += $(if $(filter none,$(DEVICE)),,-DCUDA_ARCHS_TEXT='"$(patsubst %,sm_%,$(or $(CUDA_ARCHS),emulated))"')
