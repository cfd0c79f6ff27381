// cuBLAS and cuDNN, loaded when the first GPU is used and not before: a program built with CUDA starts on a machine
// that has neither, and one that computes on the processor does not wait for hundreds of megabytes to be loaded.
//
// So nothing is linked against them. Each function is looked up by its name and has the type that its header declares.
#pragma once

#include <cublas_v2.h>
#include <cudnn.h>

namespace counterpoise::detail {

// (Its header has two functions of this name; this is the newer one.)
using CublasGemmEx = cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                                        const void* alpha, const void* a, cudaDataType, int lda, const void* b,
                                        cudaDataType, int ldb, const void* beta, void* c, cudaDataType, int ldc,
                                        cublasComputeType_t, cublasGemmAlgo_t);

struct CublasApi {
  decltype(&cublasCreate) create;
  decltype(&cublasSetStream) set_stream;
  decltype(&cublasSetWorkspace) set_workspace;
  decltype(&cublasSetMathMode) set_math_mode;
  CublasGemmEx gemm_ex;
  decltype(&cublasGetStatusString) get_status_string;
  decltype(&cublasGetVersion) get_version;
};

struct CudnnApi {
  decltype(&cudnnCreate) create;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnGetVersion) get_version;
  decltype(&cudnnGetErrorString) get_error_string;
  decltype(&cudnnGetLastErrorString) get_last_error_string;
  decltype(&cudnnBackendCreateDescriptor) backend_create_descriptor;
  decltype(&cudnnBackendDestroyDescriptor) backend_destroy_descriptor;
  decltype(&cudnnBackendSetAttribute) backend_set_attribute;
  decltype(&cudnnBackendGetAttribute) backend_get_attribute;
  decltype(&cudnnBackendFinalize) backend_finalize;
  decltype(&cudnnBackendExecute) backend_execute;
};

// The first call loads the library. Throws Error(device), which names the missing file and how to get it. Thread-safe.
const CublasApi& cublas();
const CudnnApi& cudnn();

}  // namespace counterpoise::detail
