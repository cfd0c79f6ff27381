#include "losses/multiclass.h"

namespace counterpoise {

Var cross_entropy(const Var& z, const Tensor& label) { return -pick(log_softmax(z), label); }

}  // namespace counterpoise
