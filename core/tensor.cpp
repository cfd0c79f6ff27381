#include "core/tensor.h"

#include <atomic>

namespace counterpoise {

namespace {
// A number that was never returned before, in any thread.
uint64_t new_version() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}
}  // namespace

struct Tensor::Memory {
  Memory(Backend& on, size_t size) : backend(on), bytes(size), data(on.allocate(size)) {}
  ~Memory() { backend.release(data, bytes); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  Backend& backend;
  size_t bytes;
  void* data;
  uint64_t version = new_version();
};

Tensor Tensor::empty(Backend& backend, const Shape& shape, DType dtype) {
  Tensor y;
  y.memory_ = std::make_shared<Memory>(backend, shape.size() * size_of(dtype));
  y.shape_ = shape;
  y.dtype_ = dtype;
  return y;
}

Tensor Tensor::full(Backend& backend, const Shape& shape, double value, DType dtype) {
  Tensor y = empty(backend, shape, dtype);
  backend.fill(value, y);
  return y;
}

Tensor Tensor::zeros(Backend& backend, const Shape& shape, DType dtype) { return full(backend, shape, 0, dtype); }

Backend& Tensor::backend() const {
  CP_ENSURE(defined(), "this tensor was never given a value");
  return memory_->backend;
}

uint64_t Tensor::version() const { return defined() ? memory_->version : 0; }

bool TensorWatch::unchanged() const {
  const auto memory = memory_.lock();
  return !memory || memory->version == version_;
}

Tensor::operator ConstView() const { return {defined() ? memory_->data : nullptr, shape_, dtype_}; }
Tensor::operator View() {
  if (!defined()) return {nullptr, shape_, dtype_};
  memory_->version = new_version();
  return {memory_->data, shape_, dtype_};
}

double Tensor::item() const {
  CP_ENSURE(size() == 1, "item: the tensor has shape ", shape_, ", not one element");
  if (dtype_ == DType::i32) return to_vector<int32_t>()[0];
  if (dtype_ == DType::u8) return to_vector<uint8_t>()[0];
  const Tensor x = cast(DType::f64);
  double value;
  x.backend().download(x, &value);
  return value;
}

Tensor Tensor::reshape(const Shape& shape) const {
  CP_ENSURE(shape.size() == size(), "reshape: ", shape_, " has ", size(), " elements but ", shape, " has ",
            shape.size());
  Tensor y = *this;
  y.shape_ = shape;
  return y;
}

Tensor Tensor::clone() const {
  Tensor y = empty(backend(), shape_, dtype_);
  backend().copy(*this, y);
  return y;
}

Tensor Tensor::cast(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor y = empty(backend(), shape_, dtype);
  backend().cast(*this, y);
  return y;
}

Tensor Tensor::to(Backend& target) const {
  if (&target == &backend()) return *this;
  Tensor y = empty(target, shape_, dtype_);
  std::vector<char> bytes(size() * size_of(dtype_));
  backend().download(*this, bytes.data());
  target.upload(bytes.data(), y);
  return y;
}

// A kernel trusts the shapes: of others it would read or write past the end.
static void check_repeats(const char* operation, const Shape& from, const Shape& to) {
  CP_ENSURE(broadcast(from, to, operation) == to, operation, ": shape ", from, " does not broadcast to ", to);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  check_repeats("expand", x.shape(), shape);
  const Tensor zero = Tensor::zeros(x.backend(), {}, x.dtype());
  Tensor y = Tensor::empty(x.backend(), shape, x.dtype());
  x.backend().binary(Binary::add, x, zero, y);
  return y;
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  check_repeats("sum_to", shape, x.shape());
  Tensor y = Tensor::empty(x.backend(), shape, x.dtype());
  x.backend().sum_to(x, y);
  return y;
}

double sum_squares(const std::vector<Tensor>& xs) {
  if (xs.empty()) return 0;
  Tensor y = Tensor::empty(xs[0].backend(), {}, DType::f64);
  y.backend().sum_squares({xs.begin(), xs.end()}, y);
  return y.item();
}

}  // namespace counterpoise
