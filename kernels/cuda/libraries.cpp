#include "kernels/cuda/libraries.h"

#include <dlfcn.h>

#include "kernels/error.h"

namespace counterpoise::detail {

namespace {

#define AS_TEXT(x) AS_TEXT_OF(x)
#define AS_TEXT_OF(x) #x
constexpr const char* cublas_file = "libcublas.so." AS_TEXT(CUBLAS_VER_MAJOR);
constexpr const char* cudnn_file = "libcudnn.so." AS_TEXT(CUDNN_MAJOR);

// A library, found by its file's name on the loader's search path, to which the build added its folders as rpath.
class Library {
 public:
  explicit Library(const char* file) : file_(file), handle_(dlopen(file, RTLD_NOW | RTLD_GLOBAL)) {
    const char* reason = handle_ ? "" : dlerror();
    CP_ENSURE_AS(device, handle_, file, " cannot be loaded (", reason ? reason : "no reason given",
                 "); install it, or name its folder in LD_LIBRARY_PATH");
  }
  template <class Function>
  void find(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    CP_ENSURE_AS(device, function, file_, " is too old: it has no ", name);
  }

 private:
  const char* file_;
  void* handle_;
};

}  // namespace

const CublasApi& cublas() {
  static const CublasApi api = [] {
    const Library library(cublas_file);
    CublasApi a;
    library.find("cublasCreate_v2", a.create);
    library.find("cublasSetStream_v2", a.set_stream);
    library.find("cublasSetWorkspace_v2", a.set_workspace);
    library.find("cublasSetMathMode", a.set_math_mode);
    library.find("cublasGemmEx", a.gemm_ex);
    library.find("cublasGetStatusString", a.get_status_string);
    library.find("cublasGetVersion_v2", a.get_version);
    return a;
  }();
  return api;
}

const CudnnApi& cudnn() {
  static const CudnnApi api = [] {
    const Library library(cudnn_file);
    CudnnApi a;
    library.find("cudnnCreate", a.create);
    library.find("cudnnSetStream", a.set_stream);
    library.find("cudnnGetVersion", a.get_version);
    library.find("cudnnGetErrorString", a.get_error_string);
    library.find("cudnnGetLastErrorString", a.get_last_error_string);
    library.find("cudnnBackendCreateDescriptor", a.backend_create_descriptor);
    library.find("cudnnBackendDestroyDescriptor", a.backend_destroy_descriptor);
    library.find("cudnnBackendSetAttribute", a.backend_set_attribute);
    library.find("cudnnBackendGetAttribute", a.backend_get_attribute);
    library.find("cudnnBackendFinalize", a.backend_finalize);
    library.find("cudnnBackendExecute", a.backend_execute);
    return a;
  }();
  return api;
}

}  // namespace counterpoise::detail
