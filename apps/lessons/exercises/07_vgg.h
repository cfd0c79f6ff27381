// Exercise 7; 07_vgg.md describes it. Write the function's body in place of the throw, then: make exercise N=07

// The number of parameters of a network for images of height x width x channels, weights and biases. A dense layer
// takes all numbers of the layer before it. (struct LayerRow is in checks/07_vgg_types.h.)
int64_t count_parameters(const std::vector<LayerRow>& layers, int64_t height, int64_t width, int64_t channels) {
  throw Unsolved{
      "go through the layers and keep height, width and channels up to date, by the formula of lesson 6; after a dense "
      "layer they are 1, 1 and its outputs"};
}
