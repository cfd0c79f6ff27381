// Exercise 6; 06_convolution.md describes it. Write the function's body in place of the throw, then: make exercise N=06

// The convolution of x with the kernels: a feature map with as many channels as there are kernels. (struct FeatureMap
// and struct Kernels are in checks/06_convolution_types.h.)
FeatureMap convolve(const FeatureMap& x, const Kernels& kernels, int stride, int pad) {
  throw Unsolved{
      "six loops: row, column and kernel of the output, row, column and channel of the kernel; the input's row is row "
      "* stride + r − pad, and what lies outside of the input adds nothing"};
}
