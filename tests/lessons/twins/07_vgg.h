// What the library has for exercise 7: a network that is asked how many parameters it has. (Its layers of VGG16 are
// large, but the same in every call.)

int64_t count_parameters(const std::vector<LayerRow>& layers, int64_t height, int64_t width, int64_t channels) {
  Sequential net;
  Shape shape{1, height, width, channels};
  for (const LayerRow& layer : layers) {
    if (layer.kind == LayerRow::convolution) {
      net.add(Conv2d(shape[3], layer.outputs, layer.kernel, {layer.stride, layer.pad}));
    } else if (layer.kind == LayerRow::max_pooling) {
      net.add(MaxPool2d({layer.kernel, layer.stride, 0}));
    } else {
      if (shape.rank() > 2) shape = net.add(Flatten()).output_shape(shape);
      net.add(Linear(shape[1], layer.outputs));
    }
    shape = net[net.size() - 1].output_shape(shape);
  }
  return net.parameter_count();
}
