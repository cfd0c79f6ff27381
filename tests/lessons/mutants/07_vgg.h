// Wrong solutions of exercise 7: 1 no biases, 2 a pooling leaves the size as it is, 3 a kernel counts its side once.

int64_t count_parameters(const std::vector<LayerRow>& layers, int64_t height, int64_t width, int64_t channels) {
  int64_t count = 0;
  const int64_t bias = MUTANT == 1 ? 0 : 1;
  for (const LayerRow& layer : layers) {
    if (layer.kind == LayerRow::dense) {
      count += (height * width * channels + bias) * layer.outputs;
      height = width = 1, channels = layer.outputs;
      continue;
    }
    if (layer.kind == LayerRow::convolution) {
      count += ((MUTANT == 3 ? 1 : layer.kernel) * layer.kernel * channels + bias) * layer.outputs;
      channels = layer.outputs;
    } else if (MUTANT == 2) {
      continue;
    }
    height = (height + 2 * layer.pad - layer.kernel) / layer.stride + 1;
    width = (width + 2 * layer.pad - layer.kernel) / layer.stride + 1;
  }
  return count;
}
