// cuDNN's backend interface has one kind of object, the descriptor: it is created with a type, gets attributes, and is
// finalized, which checks it and makes it constant. Here it is a class. Not thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/libraries.h"
#include "kernels/error.h"

namespace counterpoise::detail {

static_assert(CUDNN_VERSION >= 90800,
              "the headers of cuDNN 9.8 or later are needed; without them build with `make CUDA=0`");

// cuDNN's name of an error, and what it says of the last one in this thread.
inline std::string cudnn_words(cudnnStatus_t status) {
  char reason[1024] = "";
  cudnn().get_last_error_string(reason, sizeof reason);
  std::string y = text(cudnn().get_error_string(status), ", ", reason);
  std::replace(y.begin(), y.end(), '\n', ' ');
  return y;
}

// Whether cuDNN had no memory for something of its own, on the GPU or beside it.
inline bool is_out_of_memory(cudnnStatus_t status) {
  return status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ||
         status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
}

// Throws Error(out_of_memory) or Error(device).
inline void check_cudnn(cudnnStatus_t status, const char* expression, const char* file, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw Error(is_out_of_memory(status) ? ErrorKind::out_of_memory : ErrorKind::device, file, ":", line, ": ",
              expression, ": ", cudnn_words(status));
}

#define CP_CHECK_CUDNN(call) ::counterpoise::detail::check_cudnn(call, #call, __FILE__, __LINE__)

using Attribute = cudnnBackendAttributeName_t;
using Type = cudnnBackendAttributeType_t;

// What cuDNN calls the types of values.
constexpr Type type_of(const bool*) { return CUDNN_TYPE_BOOLEAN; }
constexpr Type type_of(const int64_t*) { return CUDNN_TYPE_INT64; }
constexpr Type type_of(const char*) { return CUDNN_TYPE_CHAR; }
constexpr Type type_of(const float*) { return CUDNN_TYPE_FLOAT; }
constexpr Type type_of(void* const*) { return CUDNN_TYPE_VOID_PTR; }
constexpr Type type_of(const cudnnHandle_t*) { return CUDNN_TYPE_HANDLE; }
constexpr Type type_of(const cudnnDataType_t*) { return CUDNN_TYPE_DATA_TYPE; }
constexpr Type type_of(const cudnnConvolutionMode_t*) { return CUDNN_TYPE_CONVOLUTION_MODE; }
constexpr Type type_of(const cudnnPointwiseMode_t*) { return CUDNN_TYPE_POINTWISE_MODE; }
constexpr Type type_of(const cudnnNanPropagation_t*) { return CUDNN_TYPE_NAN_PROPOGATION; }
constexpr Type type_of(const cudnnReduceTensorOp_t*) { return CUDNN_TYPE_REDUCTION_OPERATOR_TYPE; }
constexpr Type type_of(const cudnnBackendHeurMode_t*) { return CUDNN_TYPE_HEUR_MODE; }
constexpr Type type_of(const cudnnBackendKnobType_t*) { return CUDNN_TYPE_KNOB_TYPE; }
constexpr Type type_of(const cudnnBackendNumericalNote_t*) { return CUDNN_TYPE_NUMERICAL_NOTE; }
constexpr Type type_of(const cudnnBackendBehaviorNote_t*) { return CUDNN_TYPE_BEHAVIOR_NOTE; }

class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    CP_CHECK_CUDNN(cudnn().backend_create_descriptor(type, &raw_));
  }
  Descriptor(Descriptor&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  ~Descriptor() {
    if (raw_) cudnn().backend_destroy_descriptor(raw_);
  }
  cudnnBackendDescriptor_t raw() const { return raw_; }

  template <class T>
  Descriptor& set(Attribute name, const T& value) {
    return set(name, type_of(&value), 1, &value);
  }
  template <class T>
  Descriptor& set(Attribute name, const std::vector<T>& values) {
    return set(name, type_of(values.data()), values.size(), values.data());
  }
  Descriptor& set(Attribute name, const Descriptor& part) {
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part.raw_);
  }
  Descriptor& set(Attribute name, const std::vector<Descriptor>& parts) {
    const std::vector<cudnnBackendDescriptor_t> raw = raws(parts);
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, raw.size(), raw.data());
  }

  Descriptor& finalize() {
    CP_CHECK_CUDNN(cudnn().backend_finalize(raw_));
    return *this;
  }
  // For what cuDNN may refuse although our call is correct: false, and why. Throws Error(out_of_memory).
  bool try_finalize(std::string& refusal) {
    const cudnnStatus_t status = cudnn().backend_finalize(raw_);
    if (is_out_of_memory(status)) CP_CHECK_CUDNN(status);
    if (status != CUDNN_STATUS_SUCCESS) refusal = cudnn_words(status);
    return status == CUDNN_STATUS_SUCCESS;
  }

  template <class T>
  T get(Attribute name) const {
    T value;
    get(name, type_of(&value), 1, &value);
    return value;
  }
  // At most `limit` values.
  template <class T>
  std::vector<T> list(Attribute name, int64_t limit) const {
    std::vector<T> values(limit);
    values.resize(get(name, type_of(values.data()), limit, values.data()));
    return values;
  }
  // The descriptors, at most `limit`, that belong to this one: we create them, cuDNN fills them in.
  std::vector<Descriptor> parts(Attribute name, cudnnBackendDescriptorType_t type, int64_t limit) const {
    std::vector<Descriptor> y;
    while (int64_t(y.size()) < limit) y.emplace_back(type);
    std::vector<cudnnBackendDescriptor_t> raw = raws(y);
    const int64_t filled = get(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, limit, raw.data());
    while (int64_t(y.size()) > filled) y.pop_back();
    return y;
  }
  int64_t count_parts(Attribute name) const {
    int64_t count = 0;
    CP_CHECK_CUDNN(cudnn().backend_get_attribute(raw_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr));
    return count;
  }

 private:
  static std::vector<cudnnBackendDescriptor_t> raws(const std::vector<Descriptor>& descriptors) {
    std::vector<cudnnBackendDescriptor_t> y;
    for (const Descriptor& d : descriptors) y.push_back(d.raw_);
    return y;
  }
  Descriptor& set(Attribute name, Type type, int64_t count, const void* values) {
    CP_CHECK_CUDNN(cudnn().backend_set_attribute(raw_, name, type, count, values));
    return *this;
  }
  int64_t get(Attribute name, Type type, int64_t limit, void* values) const {
    int64_t count = 0;
    CP_CHECK_CUDNN(cudnn().backend_get_attribute(raw_, name, type, limit, &count, values));
    return std::min(count, limit);
  }

  cudnnBackendDescriptor_t raw_ = nullptr;
};

}  // namespace counterpoise::detail
